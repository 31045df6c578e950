"""Problems, counted while the rows go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ..frozen import frozen
from .report import Problem, Severity

#: Problems of rows name so many of them.
EXAMPLES: Final = 3
#: Names are offered in place of a wrong one, at most.
NEAREST: Final = 3


@frozen
class Rule:
    """What a value, a column or a call can break. ``near`` finds what may have been meant by a value."""

    kind: str
    severity: Severity
    message: str
    near: Callable[[str], Iterable[str]] | None = None


class _Group:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.count = 0
        self.rows: list[int] = []
        self.cells: list[str] = []


class Tally:
    """Problems by kind and column; of each, a count and the first rows. No more is kept, however many there are."""

    def __init__(self) -> None:
        self._of_columns: list[Problem] = []
        self._of_rows: dict[tuple[str, str | None], _Group] = {}

    def column(self, rule: Rule, column: str | None, nearest: Iterable[str] = ()) -> None:
        self._of_columns.append(Problem(rule.kind, rule.severity, column, 0, (), rule.message, tuple(nearest)))

    def row(self, rule: Rule, column: str | None, row: int, cell: str = "", count: int = 1) -> None:
        group = self._of_rows.get((rule.kind, column))
        if group is None:
            group = self._of_rows[rule.kind, column] = _Group(rule)
        group.rule = rule
        group.count += count
        if len(group.rows) < EXAMPLES:
            group.rows.append(row)
            group.cells.append(cell)

    def problems(self, columns: Sequence[str], *, show_values: bool) -> tuple[Problem, ...]:
        """Errors first; what lies in columns before what lies in rows; then in the order of the columns."""
        found = [*self._of_columns]
        for (kind, column), group in self._of_rows.items():
            rule = group.rule
            near = (name for cell in group.cells for name in rule.near(cell)) if rule.near else ()
            found.append(
                Problem(
                    kind,
                    rule.severity,
                    column,
                    group.count,
                    tuple(group.rows),
                    rule.message,
                    tuple(dict.fromkeys(near))[:NEAREST],
                    tuple(dict.fromkeys(filter(None, group.cells))) if show_values else (),
                )
            )
        places = {name: place for place, name in enumerate(columns)}
        return tuple(
            sorted(
                found,
                key=lambda one: (one.severity, one.count > 0, places.get(one.column or "", -1), one.kind),
            )
        )
