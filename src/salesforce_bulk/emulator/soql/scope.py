"""The objects that a query can name: paths and functions -> SQL expressions, and the joins that those need.

A parent is joined when the first of its columns is asked for. A polymorphic parent is as many joins as it has targets
with that column; an id finds its record in one of them only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .errors import SoqlError, located, unexpected
from .syntax import Call, Number, Path, Source, Target, Text

if TYPE_CHECKING:
    from ..schema import Field, Schema, SObject

#: "No more than five levels can be specified in a child-to-parent relationship" ("Relationship Query Limitations").
MAX_LEVELS: Final = 5

REFERENCE: Final = "Please reference your WSDL or the describe call for the appropriate names."
NO_COLUMN: Final = (
    "No such column '{}' on entity '{}'. If you are attempting to use a custom field, "
    f"be sure to append the '__c' after the custom field name. {REFERENCE}"
)
_NUMBERS: Final = frozenset({"int", "long", "double", "currency", "percent"})
_AGGREGATES: Final = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
#: The local org has one currency, one language and the time zone UTC, so these give back what they are given.
_UNCHANGED: Final = frozenset({"TOLABEL", "CONVERTCURRENCY", "CONVERTTIMEZONE"})
_NOT_SERVED: Final = frozenset({"FORMAT", "GEOLOCATION", "GROUPING", "ROLLUP", "CUBE"})
#: "Location-Based SOQL Queries": the mean radius of the earth, in the units that there are.
_RADIUS: Final = {"mi": 3_958.7613, "km": 6_371.0088}
#: "Date Functions". {0} is strftime's view of the value; {d} and {j} count from 1.
_DATE_PARTS: Final = {
    "CALENDAR_YEAR": "%Y",
    "CALENDAR_MONTH": "%m",
    "CALENDAR_QUARTER": "(%m + 2) / 3",
    "FISCAL_YEAR": "%Y",
    "FISCAL_MONTH": "%m",
    "FISCAL_QUARTER": "(%m + 2) / 3",
    "DAY_IN_MONTH": "%d",
    "DAY_IN_WEEK": "%w + 1",
    "DAY_IN_YEAR": "%j",
    "WEEK_IN_MONTH": "(%d + 6) / 7",
    "WEEK_IN_YEAR": "(%j + 6) / 7",
    "HOUR_IN_DAY": "%H",
    "DAY_ONLY": "",
}


def _named(sobject: SObject, name: str, node: Node) -> Field | None:
    """The field called *name*. Among several objects, ``Name`` is what each of them is called by: a case, its number."""
    if node.polymorphic and name.lower() == "name":
        return next((column for column in sobject.fields.values() if column.name_field), sobject.field(name))
    return sobject.field(name)


def is_aggregate(target: object) -> bool:
    return isinstance(target, Call) and target.name in _AGGREGATES


def not_served(what: str) -> SoqlError:
    """What the service does and the local org does not: said so that nobody takes it for the service's word."""
    return SoqlError("FUNCTIONALITY_NOT_ENABLED", f"The local org does not serve {what}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Operand:
    """Something that can be selected, compared, grouped or sorted. *path* is spelled as the schema spells it."""

    sql: str
    type: str
    path: tuple[str, ...]
    position: int
    field: Field | None = None

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def kind(self) -> str:
        """What its values are compared as: id, boolean, number, date, datetime, time, multipicklist or text."""
        if self.type in ("id", "reference"):
            return "id"
        if self.type in _NUMBERS:
            return "number"
        return self.type if self.type in ("boolean", "date", "datetime", "time", "multipicklist") else "text"


@dataclass(slots=True)
class _Member:
    """One of the objects that a parent can be. *alias* is None until it is joined."""

    sobject: SObject
    alias: str | None = None
    child: _Member | None = None
    reference: str = ""


@dataclass(slots=True)
class Node:
    """The record itself, or a parent of it."""

    path: tuple[str, ...]
    members: list[_Member]
    steps: dict[str, Node] = field(default_factory=dict)

    @property
    def polymorphic(self) -> bool:
        return len(self.members) > 1

    @property
    def entity(self) -> str:
        return "Name" if self.polymorphic else self.members[0].sobject.name

    @property
    def targets(self) -> tuple[SObject, ...]:
        return tuple(member.sobject for member in self.members)


class Scope:
    """One FROM clause. *number* keeps the aliases of a query apart from those of the queries inside it."""

    def __init__(self, schema: Schema, sources: tuple[Source, ...], text: str, number: int) -> None:
        self.schema = schema
        self.text = text
        self.joins: list[str] = []
        self._prefix = f"q{number}_"
        first = sources[0]
        self.sobject = self._find(first.path)
        self.root = Node((), [_Member(self.sobject, self._prefix + "0")])
        self._names = {self.sobject.name.lower(): self.root}
        if first.alias:
            self._names[first.alias.lower()] = self.root
        for source in sources[1:]:  # FROM Contact c, c.Account a
            node, names = self._begin(source.path)
            for name in names:
                node = self._step(node, name, source.path)
            self._names[(source.alias or source.path.names[-1]).lower()] = node

    @property
    def table(self) -> str:
        return " ".join([f"{quoted(self.sobject.name)} AS {self.root.members[0].alias}", *self.joins])

    def operand(self, target: Target, *, aggregates: bool = False) -> Operand:
        return self._path(target) if isinstance(target, Path) else self._call(target, aggregates)

    def record_id(self) -> str:
        return f'{self.root.members[0].alias}."Id"'

    def parents(self, path: tuple[str, ...]) -> list[Node]:
        """The parents on the way to the field at *path*, nearest first."""
        nodes, node = [], self.root
        for name in path[:-1]:
            node = node.steps[name.lower()]
            nodes.append(node)
        return nodes

    def parent_id(self, node: Node) -> str:
        """The id of a parent; null when there is none."""
        if node.polymorphic:  # joining every target only to see that the record is there would cost too much
            return self._reference(node)
        return f'{self._alias(node.members[0])}."Id"'

    def wrong(self, code: str, position: int, says: str) -> SoqlError:
        return located(code, self.text, position, says)

    def _find(self, path: Path) -> SObject:
        name = str(path)
        sobject = self.schema.object(name)
        if sobject is None:
            says = (
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
                f"be sure to append the '__c' after the entity name. {REFERENCE}"
            )
            raise self.wrong("INVALID_TYPE", path.position, says)
        if not sobject.queryable:
            raise SoqlError("INVALID_TYPE_FOR_OPERATION", f"entity type {sobject.name} does not support query")
        return sobject

    def _begin(self, path: Path) -> tuple[Node, tuple[str, ...]]:
        """Where *path* starts, and the names that remain: an alias or the object's own name may come first."""
        start = self._names.get(path.names[0].lower()) if len(path.names) > 1 else None
        names = path.names[1:] if start else path.names
        if len(names) > MAX_LEVELS + 1:
            says = f"The relationship path {path} has more than {MAX_LEVELS} levels"
            raise self.wrong("MALFORMED_QUERY", path.position, says)
        return start or self.root, names

    def _step(self, node: Node, name: str, path: Path) -> Node:
        found = node.steps.get(name.lower())
        if found:
            return found
        members, spelled = [], name
        for member in node.members:
            reference = member.sobject.relationship(name)
            if reference is None:
                continue
            spelled = reference.relationship_name or name
            for target in reference.reference_to:
                sobject = self.schema.object(target)
                if sobject is not None:
                    members.append(_Member(sobject, None, member, reference.name))
        if not members:
            says = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                f"relationship, be sure to append the '__r' after the custom relationship name. {REFERENCE}"
            )
            raise self.wrong("INVALID_FIELD", path.position, says)
        node.steps[name.lower()] = step = Node((*node.path, spelled), members)
        return step

    def _path(self, path: Path) -> Operand:
        node, names = self._begin(path)
        for name in names[:-1]:
            node = self._step(node, name, path)
        return self._column(node, names[-1], path)

    def _column(self, node: Node, name: str, path: Path) -> Operand:
        found = [(member, column) for member in node.members if (column := _named(member.sobject, name, node))]
        if node.polymorphic and name.lower() == "type":
            kinds = " ".join(f"WHEN '{o.key_prefix}' THEN '{o.name}'" for o in node.targets)
            sql = f"CASE substr({self._reference(node)}, 1, 3) {kinds} END"
            return Operand(sql, "string", (*node.path, "Type"), path.position)
        if not found:
            raise self.wrong("INVALID_FIELD", path.position, NO_COLUMN.format(name, node.entity))
        column = found[0][1]
        spelled = (*node.path, "Name" if node.polymorphic and name.lower() == "name" else column.name)
        if node.polymorphic and column.type == "id":
            return Operand(self._reference(node), "id", spelled, path.position, column)
        if not column.stored:
            return Operand(self._compound(found[0][0], column), column.type, spelled, path.position, column)
        columns = [f"{self._alias(member)}.{quoted(column.name)}" for member, column in found]
        sql = columns[0] if len(columns) == 1 else f"COALESCE({', '.join(columns)})"
        return Operand(sql, column.type, spelled, path.position, column)

    def _compound(self, member: _Member, compound: Field) -> str:
        """An address or a place as JSON text, null when nothing of it is known. Keys as REST shows them."""
        alias, pairs, columns = self._alias(member), [], []
        # BillingAddress: BillingCity; Site__c: Site__City__s.
        stem = compound.name.removesuffix("c" if compound.custom else "Address")
        for part in member.sobject.fields.values():
            if part.compound_name == compound.name and part.stored:
                key = part.name.removeprefix(stem).removesuffix("__s")
                columns.append(f"{alias}.{quoted(part.name)}")
                pairs.append((key[:1].lower() + key[1:], columns[-1]))
        if not pairs:
            return "NULL"
        keys = ", ".join(f"'{key}', {column}" for key, column in sorted(pairs))
        return f"CASE WHEN COALESCE({', '.join(columns)}, NULL) IS NOT NULL THEN json_object({keys}) END"

    def _alias(self, member: _Member) -> str:
        if member.alias is None:
            assert member.child is not None
            child = self._alias(member.child)
            member.alias = f"{self._prefix}{len(self.joins) + 1}"
            self.joins.append(
                f"LEFT JOIN {quoted(member.sobject.name)} AS {member.alias} "
                f'ON {member.alias}."Id" = {child}.{quoted(member.reference)}'
            )
        return member.alias

    def _reference(self, node: Node) -> str:
        """The reference field that leads to *node*."""
        columns = dict.fromkeys(
            f"{self._alias(member.child)}.{quoted(member.reference)}" for member in node.members if member.child
        )
        return next(iter(columns)) if len(columns) == 1 else f"COALESCE({', '.join(columns)})"

    def _call(self, call: Call, aggregates: bool) -> Operand:
        name = call.name
        if name in _NOT_SERVED:
            raise not_served(f"{name}()")
        if name == "DISTANCE":
            return self._distance(call)
        known = name in _UNCHANGED or name in _DATE_PARTS or (aggregates and name in _AGGREGATES)
        if not known or len(call.arguments) != 1 or not isinstance(call.arguments[0], Path | Call):
            raise unexpected(self.text, self.text.index("(", call.position), "unexpected token: '('")
        inner = self.operand(call.arguments[0])
        if name in _UNCHANGED:
            return Operand(inner.sql, inner.type, inner.path, call.position, inner.field)
        if name in _AGGREGATES:
            return self._aggregate(name, inner, call.position)
        return self._date_part(name, inner, call.position)

    def _distance(self, call: Call) -> Operand:
        """``DISTANCE(Loc__c, GEOLOCATION(37.8, -122.4), 'mi')``: null where the record has no place."""
        place, point, unit = call.arguments if len(call.arguments) == 3 else (None, None, None)
        if not (
            isinstance(place, Path)
            and isinstance(unit, Text)
            and unit.raw in _RADIUS
            and isinstance(point, Call)
            and point.name == "GEOLOCATION"
            and len(point.arguments) == 2
        ):
            raise unexpected(self.text, self.text.index("(", call.position), "unexpected token: '('")
        numbers = [float(number.value) for number in point.arguments if isinstance(number, Number)]
        compound = self._path(place)
        if compound.field is None or compound.field.stored or len(numbers) != 2:
            says = f"{place} is no place, or the point is not made of two numbers"
            raise self.wrong("MALFORMED_QUERY", place.position, says)
        node, names = self._begin(place)
        for name in names[:-1]:
            node = self._step(node, name, place)
        member = node.members[0]
        parts = [part for part in member.sobject.fields.values() if part.compound_name == compound.field.name]
        columns = [
            f"{self._alias(member)}.{quoted(part.name)}"
            for word in ("Latitude", "Longitude")
            for part in parts
            if part.name.removesuffix("__s").endswith(word)
        ]
        if len(columns) != 2:
            raise self.wrong("MALFORMED_QUERY", place.position, f"{place} has no latitude and longitude")
        sql = f"soql_distance({', '.join(columns)}, {numbers[0]!r}, {numbers[1]!r}, {_RADIUS[unit.raw]!r})"
        return Operand(sql, "double", compound.path, call.position)

    def _aggregate(self, name: str, inner: Operand, position: int) -> Operand:
        numeric = inner.kind == "number"
        if (name in ("SUM", "AVG") and not numeric) or (
            name in ("MIN", "MAX") and inner.kind in ("boolean", "multipicklist")
        ):
            says = f"field {inner.name} does not support aggregate operator {name}"
            raise self.wrong("MALFORMED_QUERY", inner.position, says)
        if name == "COUNT_DISTINCT":
            return Operand(f"COUNT(DISTINCT {inner.sql})", "int", inner.path, position)
        if name == "COUNT":
            return Operand(f"COUNT({inner.sql})", "int", inner.path, position)
        if name in ("SUM", "AVG"):
            return Operand(f"{name}({inner.sql})", "double", inner.path, position)
        return Operand(f"{name}({inner.sql})", inner.type, inner.path, position, inner.field)

    def _date_part(self, name: str, inner: Operand, position: int) -> Operand:
        if inner.kind not in ("date", "datetime") or (name in ("DAY_ONLY", "HOUR_IN_DAY") and inner.kind == "date"):
            says = f"field {inner.name} does not support date function {name}"
            raise self.wrong("MALFORMED_QUERY", inner.position, says)
        moment = f"{inner.sql} / 1000.0, 'unixepoch'" if inner.kind == "datetime" else inner.sql
        if name == "DAY_ONLY":
            return Operand(f"date({moment})", "date", inner.path, position)
        formula = _DATE_PARTS[name]
        for letter in "YmdwjH":
            formula = formula.replace(f"%{letter}", f"CAST(strftime('%{letter}', {moment}) AS INTEGER)")
        return Operand(f"({formula})", "int", inner.path, position)
