"""A frozen class is what ``@dataclass(frozen=True, slots=True)`` makes of the same body."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

import salesforce_bulk.frozen as module
from salesforce_bulk.frozen import frozen


@frozen
class Ours:
    """A body with all that ours have."""

    one: str = field(repr=False)
    two: int = field(kw_only=True)
    three: float | None = None
    four: dict[str, int] = field(default_factory=dict, compare=False)

    CONSTANT = 5

    def __post_init__(self) -> None:
        if self.two < 0:
            raise ValueError("two")

    @property
    def both(self) -> str:
        return f"{self.one}{self.two}"


@dataclass(frozen=True, slots=True)
class Theirs:
    """A body with all that ours have."""

    one: str = field(repr=False)
    two: int = field(kw_only=True)
    three: float | None = None
    four: dict[str, int] = field(default_factory=dict, compare=False)

    CONSTANT = 5


@frozen
class Wider(Ours):
    """Another field behind those of the base."""

    five: str = "5"


@frozen
class Told:
    """Says itself in its own words."""

    one: int

    def __repr__(self) -> str:
        return "<Told>"


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (("a",), {"two": 2}),
        ((), {"one": "a", "two": 2}),
        (("a", 3.0), {"two": 2}),
        (("a", 3.0, {"x": 1}), {"two": 2}),
        (("a",), {"four": {}, "three": None, "two": 0}),
    ],
)
def test_the_same_values_make_the_same_instance(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    ours, theirs = Ours(*places, **names), Theirs(*places, **names)

    assert asdict(theirs) == asdict(ours)  # type: ignore[call-overload]  # known at run time
    assert repr(theirs).removeprefix("Theirs") == repr(ours).removeprefix("Ours")
    assert hash(theirs) == hash(ours)


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ((), {}),
        (("a",), {}),
        (("a", 1.0, {}, 4), {"two": 2}),
        (("a",), {"two": 2, "five": 5}),
        (("a",), {"two": 2, "one": "b"}),
    ],
)
def test_what_a_dataclass_refuses_is_refused(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Theirs(*places, **names)
    with pytest.raises(TypeError, match="Ours"):
        Ours(*places, **names)


def test_a_factory_makes_one_for_each() -> None:
    assert Ours("a", two=1).four is not Ours("a", two=1).four


def test_what_is_made_is_checked() -> None:
    with pytest.raises(ValueError, match="two"):
        Ours("a", two=-1)
    with pytest.raises(ValueError, match="two"):
        replace(Ours("a", two=1), two=-1)


@pytest.mark.parametrize("name", ["one", "CONSTANT", "nine"])
def test_nothing_is_set_and_nothing_deleted(name: str) -> None:
    one = Ours("a", two=1)

    with pytest.raises(FrozenInstanceError):
        setattr(one, name, 1)
    with pytest.raises(FrozenInstanceError):
        delattr(one, name)
    assert not hasattr(one, "__dict__")


def test_equal_is_what_is_of_the_same_class_and_has_the_same_values() -> None:
    one = Ours("a", two=1, four={"x": 1})

    assert one == Ours("a", two=1)  # the fourth does not count
    assert one != Ours("a", two=2)
    assert one != Wider("a", two=1)
    assert one != ("a", 1, None)
    assert 1 == len({one, Ours("a", two=1)})


def test_the_standard_library_knows_it() -> None:
    one = Ours("a", two=1, four={"x": 1})

    assert is_dataclass(one)
    assert ["one", "two", "three", "four"] == [entry.name for entry in fields(one)]
    assert Ours("b", two=1) == replace(one, one="b")
    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert (one, one.four) == (other, other.four)
    match one:
        case Ours(first, two=second):
            assert ("a", 1) == (first, second)


def test_fields_of_a_base_come_first() -> None:
    wide = Wider("a", 3.0, {}, "b", two=1)

    assert "a1" == wide.both
    assert "b" == wide.five
    assert "Wider(two=1, three=3.0, four={}, five='b')" == repr(wide)


def test_what_a_class_says_itself_stays() -> None:
    assert "<Told>" == repr(Told(1))


def test_help_shows_the_values() -> None:
    assert inspect.signature(Theirs).parameters.keys() == inspect.signature(Ours).parameters.keys()
    assert "two" == [*inspect.signature(Ours).parameters][-1]
    assert inspect.Parameter.empty is inspect.signature(Ours).parameters["one"].default
    assert None is inspect.signature(Ours).parameters["three"].default


@pytest.mark.parametrize("name", ["__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__"])
def test_no_source_is_compiled(name: str) -> None:
    """Which is what it is for: all that a dataclass would have written stands in the one module."""
    assert module.__file__ == getattr(Ours, name).__code__.co_filename
