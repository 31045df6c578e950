"""How rows are laid out when they are sent again. That they are is tested in tests/contract/test_retries.py."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.engine.again import Pass, _Groups, packed, passes, pause
from salesforce_bulk.engine.drive import Clock


def test_the_order_of_the_passes() -> None:
    """As they are, then smaller, at last serially."""
    assert [Pass(2, "bulk2", False, 8_000)] == passes(1, "bulk2", False, 8_000)
    assert [Pass(2, "bulk2", False, 8_000), Pass(3, "bulk1", True, 4_000)] == passes(2, "bulk2", False, 8_000)
    assert [
        Pass(2, "bulk1", True, 10_000),
        Pass(3, "bulk1", True, 5_000),
        Pass(4, "bulk1", True, 2_500),
    ] == passes(3, "bulk1", True, 10_000)


def test_parts_do_not_become_smaller_than_a_transaction() -> None:
    """200 rows in the bulk APIs; a part that was smaller from the first stays so. A REST call is one transaction."""
    assert [10_000, 5_000, 2_500, 1_250, 625, 312, 200, 200] == [
        this.rows for this in passes(8, "bulk2", False, 3_000_000)
    ]
    assert [50, 50] == [this.rows for this in passes(2, "bulk2", False, 50)]
    assert [(4, False), (2, False), (1, False), (1, True)] == [
        (this.rows, this.serial) for this in passes(4, "rest", False, 4)
    ]
    assert [] == passes(0, "bulk2", False, 10)


def test_the_pauses_grow_and_end() -> None:
    slept: list[float] = []
    for chance in (0.0, 1.0):
        clock = Clock(sleep=slept.append, chance=lambda chance=chance: chance)
        for number in range(2, 8):
            pause(clock, number)

    assert [2.5, 5, 10, 20, 30, 30] == slept[:6]
    assert [5, 10, 20, 40, 60, 60] == slept[6:]


def groups_of(*rows: tuple[str, ...]) -> list[int]:
    groups = _Groups()
    for row in rows:
        groups.add(list(enumerate(row)))
    return list(groups.roots())


def test_rows_that_share_a_value_are_one_group() -> None:
    assert [0, 1, 0, 1] == groups_of(("A",), ("B",), ("A",), ("B",))
    # by way of a third
    assert [0, 0, 0, 3] == groups_of(("A", "x"), ("B", "y"), ("A", "y"), ("C", "z"))
    # an empty cell names nobody, and neither does one that empties its field
    assert [0, 1, 2, 3] == groups_of(("",), ("",), ("#N/A",), ("#N/A",))
    # the same word in two columns is not the same record; an id is, in both of its forms
    assert [0, 1] == groups_of(("A", ""), ("", "A"))
    assert [0, 0, 0] == groups_of(("001Rm000000AAAA", ""), ("", "001Rm000000AAAA"), ("001Rm000000AAAAAAA", ""))


@given(
    groups=st.lists(st.integers(0, 12), max_size=80),
    sizes=st.data(),
    most_rows=st.integers(1, 9),
    most_bytes=st.integers(1, 60),
)
def test_every_row_has_a_part_within_the_limits_and_no_group_is_in_two_lanes(
    groups: list[int], sizes: st.DataObject, most_rows: int, most_bytes: int
) -> None:
    """And the rows of a part are in the order of the input; parts are numbered through, lane by lane."""
    first = {group: groups.index(group) for group in groups}
    lengths = sizes.draw(st.lists(st.integers(1, 20), min_size=len(groups), max_size=len(groups)))

    part_of, lanes = packed([first[group] for group in groups], lengths, most_rows, most_bytes)

    assert list(range(sum(map(len, lanes)))) == [part for lane in lanes for part in lane]
    assert set(part_of) == {part for lane in lanes for part in lane}
    lane_of = {part: number for number, lane in enumerate(lanes) for part in lane}
    lanes_of_groups: dict[int, set[int]] = {}
    for row, group in enumerate(groups):
        lanes_of_groups.setdefault(group, set()).add(lane_of[part_of[row]])
    assert all(len(found) == 1 for found in lanes_of_groups.values())
    for part in lane_of:
        rows = [row for row in range(len(groups)) if part_of[row] == part]
        assert len(rows) <= most_rows
        assert len(rows) == 1 or sum(lengths[row] for row in rows) <= most_bytes


def test_as_few_parts_as_groups_allow() -> None:
    part_of, lanes = packed([0, 1, 0, 3, 3, 3], [1] * 6, 3, 100)

    assert [0, 0, 0, 1, 1, 1] == list(part_of)
    assert [[0], [1]] == lanes
    assert all(one < other for one, other in pairwise(lane[0] for lane in lanes))
