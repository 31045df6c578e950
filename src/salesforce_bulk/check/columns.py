"""The columns of an input, compiled for one operation: what is wrong with them, and how their cells are judged."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..data.parts import BULK2
from ..wire.names import NULL_CELL, Operation
from .objects import Describe, Described, Objects, is_lookup, is_required, nearest, nearest_fields
from .report import Severity
from .tally import NEAREST, Rule, Tally
from .values import CELL, NUMBER, Values, id15, units, values_of

#: Keys that are compared as they are; of more, 8 bytes each are kept, and two equal ones are "probably" equal.
EXACT_KEYS: Final = 200_000
DELETIONS: Final = (Operation.DELETE, Operation.HARD_DELETE)


class Seen:
    """Which keys there were. Beyond :data:`EXACT_KEYS` it keeps 8 bytes a key, and so cannot be quite certain."""

    _BUCKETS: Final = 1 << 16

    def __init__(self, exact: Rule) -> None:
        self._exact: set[str] = set()
        self._hashed: list[array[int]] = []
        self._sure = exact
        self._unsure = replace(exact, message=f"Probably: {exact.message[0].lower()}{exact.message[1:]}")

    def look(self, keys: Sequence[str | None], first: int, cells: Sequence[str], column: str, tally: Tally) -> None:
        if not self._hashed:
            new = set(keys)
            if None not in new and len(new) == len(keys) and self._exact.isdisjoint(new):
                self._exact |= new  # type: ignore[arg-type]
            else:
                for row, (key, cell) in enumerate(zip(keys, cells, strict=True), first):
                    if key is None:
                        continue
                    if key in self._exact:
                        tally.row(self._sure, column, row, cell)
                    self._exact.add(key)
            if len(self._exact) > EXACT_KEYS:
                self._hashed = [array("Q") for _ in range(self._BUCKETS)]
                for key in self._exact:
                    self._is_new(key)
                self._exact.clear()
            return
        for row, (key, cell) in enumerate(zip(keys, cells, strict=True), first):
            if key is not None and not self._is_new(key):
                tally.row(self._unsure, column, row, cell)

    def _is_new(self, key: str) -> bool:
        number = hash(key) & 0xFFFF_FFFF_FFFF_FFFF
        bucket = self._hashed[number & (self._BUCKETS - 1)]
        if number in bucket:
            return False
        bucket.append(number)
        return True


@dataclass(slots=True)
class CheckedColumn:
    """One column of the input, compiled: how its values are judged, and what empty cells and ``#N/A`` mean in it."""

    name: str
    #: None: the column itself is wrong, or stays here. Its values do not matter.
    values: Values | None = None
    #: The field that it fills.
    target: Describe | None = None
    empty: Rule | None = None
    null: Rule | None = None
    seen: Seen | None = None
    fold: Callable[[str], str] = str

    def look(self, cells: Sequence[str], first: int, tally: Tally) -> int:
        """Judge the cells; *first* is the row of the first of them. Returns how long the longest is."""
        longest = max(map(len, cells))
        if not self._is_fine(cells, longest):
            bad = {cell: rule for cell in set(cells) if (rule := self._rule(cell)) is not None}
            if bad:
                for row, cell in enumerate(cells, first):
                    if cell in bad:
                        tally.row(bad[cell], self.name, row, cell)
        if self.seen is not None:
            keys = [self.fold(cell) if cell and cell != NULL_CELL else None for cell in cells]
            self.seen.look(keys, first, cells, self.name, tally)
        return longest

    def _is_fine(self, cells: Sequence[str], longest: int) -> bool:
        if longest > BULK2.cell_characters // 2:
            return False
        if (self.empty is not None and "" in cells) or (self.null is not None and NULL_CELL in cells):
            return False
        values = self.values
        if values is None:
            return True
        if values.shape is not None:
            joined = "\n".join(cells) + "\n"
            if joined.count("\n") != len(cells) or values.shape.fullmatch(joined) is None:
                return False
        elif values.limit is None:
            return False
        limit = values.limit
        return limit is None or longest <= limit // 2 or (longest <= limit and "".join(cells).isascii())

    def _rule(self, cell: str) -> Rule | None:
        if not cell:
            return self.empty
        if cell == NULL_CELL:
            return self.null
        if len(cell) > BULK2.cell_characters // 2 and units(cell) > BULK2.cell_characters:
            return CELL
        return self.values.judge(cell) if self.values is not None else None


class Compiler:
    """Compiles the columns of an input for one operation, and says what is wrong with them."""

    def __init__(self, operation: str, sobject: Described, external_id: str | None, org: Objects, tally: Tally) -> None:
        self.operation = operation
        self.sobject = sobject
        self.org = org
        self.tally = tally
        self.key = "id" if operation in (Operation.UPDATE, *DELETIONS) else (external_id or "").lower()

    def error(self, kind: str, message: str, column: str | None, nearest: Iterable[str] = ()) -> None:
        self.tally.column(Rule(kind, "error", message), column, nearest)

    def warning(self, kind: str, message: str, column: str | None, nearest: Iterable[str] = ()) -> None:
        self.tally.column(Rule(kind, "warning", message), column, nearest)

    def compiled(self, names: Sequence[str]) -> list[CheckedColumn]:
        columns = [self._column(name) for name in names]
        if self.operation not in DELETIONS:
            self._filled_twice(columns)
            self._required(columns)
        return columns

    # -- the object and the key

    def object(self) -> None:
        sobject, operation = self.sobject, self.operation
        wanted = {
            Operation.INSERT: ["createable"],
            Operation.UPDATE: ["updateable"],
            Operation.UPSERT: ["createable", "updateable"],
        }.get(operation, ["deletable"])
        missing = [permission for permission in wanted if not sobject.may(permission)]
        if missing:
            message = f"The object {sobject.name} is not {' and not '.join(missing)}, or not for you."
            if len(missing) == len(wanted):
                self.error("object", message, None)
            else:
                refused = "new" if missing == ["createable"] else "known"
                self.warning("object", f"{message} Rows with {refused} keys will be refused.", None)
        if not sobject.may("queryable"):
            self.warning(
                "object", f"The object {sobject.name} is not queryable: what is loaded cannot be read back.", None
            )

    def key_field(self, names: Sequence[str], external_id: str | None) -> None:
        """The field that says which record a row means: there, fit for it, and among the columns."""
        sobject = self.sobject
        if self.operation == Operation.UPSERT:
            one = sobject.fields.get(self.key)
            if one is None or not is_lookup(one):
                wrong = (
                    "The object has no such field" if one is None else "The field is no external id and no other key"
                )
                lookups = [str(found["name"]) for found in sobject.fields.values() if is_lookup(found)]
                near = nearest(external_id or "", lookups) or lookups[:NEAREST]
                self.error("external-id", f"{wrong}: an upsert cannot match records by it.", external_id, near)
                return
        if self.key and names and self.key not in {name.lower() for name in names}:
            wanted = external_id if self.operation == Operation.UPSERT else "Id"
            self.error(
                "key-column", f"The operation {self.operation} needs this column.", wanted, nearest(str(wanted), names)
            )

    # -- one column

    def _column(self, name: str) -> CheckedColumn:
        if self.operation in DELETIONS and name.lower() != "id":
            return CheckedColumn(name)
        path, dot, lookup = name.rpartition(".")
        if dot:
            return self._relationship(name, path, lookup)
        one = self.sobject.fields.get(name.lower())
        if one is None:
            near = nearest_fields(name, self._writable())
            self.error("unknown-column", "The object has no such field, or you may not see it.", name, near)
            return CheckedColumn(name)
        exact = str(one["name"])
        if name != exact:
            self._spelling(name, exact)
        if not self._accepts(name, one):
            return CheckedColumn(name, target=one)
        is_id = one.get("type") == "id"
        targets: Sequence[str] = one.get("referenceTo") or ()
        prefixes = frozenset(filter(None, [self.sobject.prefix])) if is_id else self.org.prefixes(targets)
        column = CheckedColumn(name, values_of(one, prefixes, self.org.owners), one, self._empty(one), self._null(one))
        if name.lower() == self.key:
            self._keyed(column, one)
        elif one.get("unique"):
            self._unique(column, one, "duplicate-value", "error", "A value twice in a field whose values are unique.")
        return column

    def _spelling(self, name: str, exact: str) -> None:
        if self.operation in DELETIONS:
            self.error("spelling", f"A delete takes the column by its exact name, {exact}.", name)
        else:
            self.warning(
                "spelling",
                f"The field is spelled {exact}. The org's result files were seen to leave such columns empty.",
                name,
            )

    def _writable(self) -> Iterator[Describe]:
        for one in self.sobject.fields.values():
            if self._is_writable(one) or str(one["name"]).lower() == self.key:
                yield one

    def _is_writable(self, one: Describe) -> bool:
        create, update = bool(one.get("createable")), bool(one.get("updateable"))
        if one.get("type") in ("address", "location", "base64"):
            return False
        return {Operation.INSERT: create, Operation.UPDATE: update}.get(self.operation, create or update)

    def _accepts(self, name: str, one: Describe) -> bool:
        """Say what is wrong with a column for this field; False: the org would not take it at all."""
        exact, kind = str(one["name"]), one.get("type")
        if exact.lower() == self.key:
            return True
        if kind == "id":
            if self.operation == Operation.INSERT:
                self.error("not-createable", "An insert takes no Id; to change records, update or upsert.", name)
                return False
            self.warning("second-key", f"Rows are matched by {self.key}; an Id beside it may be refused.", name)
            return True
        if kind in ("address", "location"):
            parts = [str(f["name"]) for f in self.sobject.fields.values() if f.get("compoundFieldName") == exact]
            parts = [part for part in parts if part != exact]
            self.error("compound", f"A compound field: load its parts ({', '.join(parts)}).", name)
            return False
        if kind == "base64":
            self.error("base64", "Binary content: it travels in a ZIP batch of Bulk API 1.0, or by REST.", name)
            return False
        if not self._is_writable(one):
            asked = {Operation.INSERT: "createable", Operation.UPDATE: "updateable"}.get(
                self.operation, "createable and not updateable"
            )
            self.error(
                {Operation.INSERT: "not-createable", Operation.UPDATE: "not-updateable"}.get(
                    self.operation, "read-only"
                ),
                f"The field is not {asked}, or not for you.",
                name,
            )
            return False
        if self.operation == Operation.UPSERT and not (one.get("createable") and one.get("updateable")):
            made, refused = ("created", "change") if one.get("createable") else ("updated", "make")
            self.warning(
                "half-writable", f"The field can only be {made}: rows that {refused} a record will be refused.", name
            )
        return True

    def _relationship(self, name: str, path: str, lookup: str) -> CheckedColumn:
        kind, _, relationship = path.rpartition(":")
        one = self.sobject.parents.get(relationship.lower())
        if one is None:
            by_field = self.sobject.fields.get(relationship.lower(), {}).get("relationshipName")
            names = (str(parent["relationshipName"]) for parent in self.sobject.parents.values())
            near = [str(by_field)] if by_field else nearest(relationship, names)
            message = f"The object has no relationship {relationship!r}, or you may not see it."
            self.error("unknown-column", message, name, [f"{found}.{lookup}" for found in near])
            return CheckedColumn(name)
        if not self._accepts(name, one):
            return CheckedColumn(name, target=one)
        exact, targets = str(one["relationshipName"]), [str(target) for target in one["referenceTo"]]
        is_polymorphic = len(targets) > 1
        if bool(kind) != is_polymorphic:
            if is_polymorphic:
                message = f"The parent can be one of {', '.join(targets)}: put which before it."
                near = [f"{target}:{exact}.{lookup}" for target in targets][:NEAREST]
            else:
                message, near = f"The parent is always {targets[0]}: no object before it.", [f"{exact}.{lookup}"]
            self.error("polymorphic", message, name, near)
            return CheckedColumn(name, target=one)
        wanted = next((target for target in targets if not kind or target.lower() == kind.lower()), None)
        if wanted is None:
            near = [f"{target}:{exact}.{lookup}" for target in nearest(kind, targets) or targets[:NEAREST]]
            self.error("polymorphic", f"The parent is one of {', '.join(targets)}, never {kind}.", name, near)
            return CheckedColumn(name, target=one)
        parent = self.org.object(wanted)
        if parent is None:
            self.warning("unknown-parent", f"The org does not describe {wanted}; this column was not looked at.", name)
            return CheckedColumn(name, target=one)
        found = parent.fields.get(lookup.lower())
        before = f"{wanted}:{exact}" if kind else exact
        if found is None or not is_lookup(found):
            wrong = "has no such field" if found is None else "has this field, but no external id in it"
            lookups = [str(field["name"]) for field in parent.fields.values() if is_lookup(field)]
            near = [f"{before}.{close}" for close in nearest(lookup, lookups) or lookups[:NEAREST]]
            self.error("parent-key", f"{wanted} {wrong}: parents cannot be found by it.", name, near)
            return CheckedColumn(name, target=one)
        spelled = f"{before}.{found['name']}"
        if name != spelled:
            self._spelling(name, spelled)
        prefixes = frozenset(filter(None, [parent.prefix]))
        return CheckedColumn(name, values_of(found, prefixes, self.org.owners), one, self._empty(one), self._null(one))

    # -- empty cells, keys

    def _empty(self, one: Describe) -> Rule | None:
        if self.operation == Operation.INSERT and is_required(one):
            return Rule("required", "error", "Empty, and a new record must have a value in it.")
        if self.operation == Operation.UPSERT and is_required(one):
            return Rule(
                "required",
                "warning",
                "Empty, and a new record must have a value in it: rows with new keys are refused.",
            )
        return None

    def _null(self, one: Describe) -> Rule | None:
        if one.get("type") == "boolean":
            return Rule("null", "error", "#N/A in a checkbox, which is true or false and never empty.")
        if one.get("nillable", True):
            return None
        cleared = Rule("null", "error", "#N/A, and the field cannot be empty.")
        if self.operation == Operation.UPDATE or is_required(one):
            return cleared
        return replace(cleared, severity="warning") if self.operation == Operation.UPSERT else None

    def _keyed(self, column: CheckedColumn, one: Describe) -> None:
        if self.operation == Operation.UPSERT:
            column.empty = Rule("key-empty", "warning", "No key: each time it is sent, such a row makes a new record.")
            column.null = Rule("key-empty", "error", "#N/A as the key: there is no record without one.")
            twice = (
                "A key twice: the org refuses rows with one key that come close together, others overwrite each other."
            )
            self._unique(column, one, "duplicate-key", "error", twice)
            return
        column.empty = column.null = Rule("key-empty", "error", "No Id, so there is no record to change.")
        if self.operation in DELETIONS:
            self._unique(
                column, one, "duplicate-key", "error", "An Id twice: the second time the record is already gone."
            )
        else:
            self._unique(column, one, "duplicate-key", "warning", "An Id twice: the rows overwrite each other.")

    @staticmethod
    def _unique(column: CheckedColumn, one: Describe, kind: str, severity: Severity, message: str) -> None:
        column.seen = Seen(Rule(kind, severity, message))
        if one.get("type") == "id":
            column.fold = lambda cell: id15(cell) or cell
        elif one.get("type") in ("double", "currency", "percent", "int", "long"):
            column.fold = _same_number
        elif not one.get("caseSensitive"):
            column.fold = str.lower

    # -- all columns

    def _filled_twice(self, columns: Iterable[CheckedColumn]) -> None:
        first: dict[str, str] = {}
        for column in columns:
            if column.target is None:
                continue
            other = first.setdefault(str(column.target["name"]), column.name)
            if other != column.name:
                self.error(
                    "filled-twice", f"It fills the same field as the column {other}. Keep one of them.", column.name
                )

    def _required(self, columns: Iterable[CheckedColumn]) -> None:
        if self.operation == Operation.UPDATE:
            return
        filled = {str(column.target["name"]) for column in columns if column.target is not None}
        for one in self.sobject.fields.values():
            name = str(one["name"])
            if is_required(one) and name not in filled:
                if self.operation == Operation.INSERT:
                    self.error(
                        "required-column", "The column is missing, and a new record must have a value in it.", name
                    )
                elif name.lower() != self.key:
                    message = "The column is missing, and a new record must have a value in it: rows with new keys are refused."
                    self.warning("required-column", message, name)


def _same_number(cell: str) -> str:
    return str(float(cell)) if NUMBER.fullmatch(cell) else cell
