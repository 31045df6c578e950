"""What a check hands back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, field
from typing import Any, Literal

from ..frozen import frozen

Severity = Literal["error", "warning"]


@frozen
class Problem:
    """One kind of problem in one column.

    ``count`` rows have it, ``example_rows`` are the first of them (from 0); a count of 0: it lies in the column or in the
    call, and no single row is at fault. ``nearest`` is what may have been meant (of Ids of another object: which one).
    ``example_values`` are only kept when they were asked for.
    """

    kind: str
    severity: Severity
    column: str | None
    count: int
    example_rows: tuple[int, ...]
    message: str
    nearest: tuple[str, ...] = ()
    example_values: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.column}: {self.message}" if self.column else self.message
        if self.nearest:
            text += f" {'They belong to' if self.kind == 'id-object' else 'Nearest'}: {', '.join(self.nearest)}."
        if self.count:
            more = " and more" if self.count > len(self.example_rows) else ""
            text += f" {counted(self.count, 'row')}: {', '.join(map(str, self.example_rows))}{more}."
        if self.example_values:
            text += f" Such as {', '.join(map(repr, self.example_values))}."
        return text


@frozen
class Calls:
    """What a load needs of one API: jobs, batches as the org counts them, and requests at the least."""

    jobs: int
    batches: int
    requests: int


@frozen
class Allowance:
    """A limit of the org, and what the load by Bulk API 2.0 needs of it."""

    name: str
    needed: int
    remaining: int
    maximum: int


@frozen
class Cost:
    """What the load would cost. Bytes are those of the CSV, before compression."""

    rows: int
    bytes: int
    bulk2: Calls
    bulk1: Calls
    allowances: tuple[Allowance, ...] = ()
    #: What could not be found out.
    notes: tuple[str, ...] = ()


@frozen
class CheckReport:
    """What a check found. ``print(report)`` is for people, ``to_dict()`` for programs.

    ``complete`` is False when the rows could not be read to their end. Field values stand in it only if they were asked for.
    """

    operation: str
    sobject: str
    external_id: str | None
    problems: tuple[Problem, ...]
    cost: Cost
    #: What was found out about the input: kind, encoding, delimiter, line_ending, compressed, notes.
    input: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What the org, or this package, would refuse."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What would be accepted and is perhaps not meant, and what is not known for certain."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def ok(self) -> bool:
        """There are no errors; there may be warnings."""
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        """Everything, as what JSON knows."""
        return {
            "operation": self.operation,
            "object": self.sobject,
            "external_id": self.external_id,
            "ok": self.ok,
            "complete": self.complete,
            "problems": [
                {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(problem).items()}
                for problem in self.problems
            ],
            "cost": {
                **asdict(self.cost),
                "allowances": [asdict(allowance) for allowance in self.cost.allowances],
                "notes": list(self.cost.notes),
            },
            "input": {name: list(value) if isinstance(value, tuple) else value for name, value in self.input.items()},
        }

    def __str__(self) -> str:
        by = f" by {self.external_id}" if self.external_id else ""
        found = f"{counted(len(self.errors), 'error')}, {counted(len(self.warnings), 'warning')}"
        lines = [f"Check of {self.operation} {self.sobject}{by}: {found}. No data was sent."]
        for title, problems in (("Errors", self.errors), ("Warnings", self.warnings)):
            if problems:
                lines += [f"{title}:", *(f"  {problem}" for problem in problems)]
        return "\n".join([*lines, *self._about_input(), *self._about_cost()])

    def _about_input(self) -> Iterator[str]:
        told = [str(self.input.get("kind", ""))]
        told += [str(self.input[name]) for name in ("encoding",) if self.input.get(name)]
        if self.input.get("delimiter"):
            told.append(f"delimiter {self.input['delimiter']!r}")
        if self.input.get("line_ending"):
            told.append(f"line ending {self.input['line_ending']}")
        if self.input.get("compressed"):
            told.append("gzip")
        yield f"Input: {', '.join(filter(None, told))}."
        yield from (f"  {note}" for note in self.input.get("notes") or ())

    def _about_cost(self) -> Iterator[str]:
        cost = self.cost
        yield f"Cost: {counted(cost.rows, 'row')}, {counted(cost.bytes, 'byte')}."
        for name, calls in (("2.0", cost.bulk2), ("1.0", cost.bulk1)):
            yield (
                f"  Bulk API {name}: about {counted(calls.jobs, 'job')}, {counted(calls.batches, 'batch', 'batches')}, "
                f"at least {counted(calls.requests, 'request')}."
            )
        for one in cost.allowances:
            yield f"  {one.name}: needs {one.needed:_}; {one.remaining:_} of {one.maximum:_} are left."
        yield from (f"  {note}" for note in cost.notes)

    def __repr__(self) -> str:
        return (
            f"<CheckReport {self.operation} {self.sobject}: {counted(len(self.errors), 'error')}, "
            f"{counted(len(self.warnings), 'warning')}, {counted(self.cost.rows, 'row')}>"
        )


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:_} {one if number == 1 else many or one + 's'}"
