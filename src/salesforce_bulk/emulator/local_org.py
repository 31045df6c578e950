"""The local org: a server on a loopback port, a database underneath, and what a test wants to ask of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from salesforce_bulk.wire.names import Operation

from . import soql
from .bulk1.area import Bulk1Area, Permissions
from .bulk1.jobs import Jobs
from .bulk1.work import Worker
from .bulk2.ingest import Ingest2
from .bulk2.jobs import Jobs2
from .bulk2.options import Bulk2Options
from .bulk2.query import Query2
from .bulk2.shelf import Shelf
from .clock import Clock
from .faults import Faults
from .faults.plans import full_name
from .http.routing import Area
from .http.server import Seen, Server
from .limits import Limits
from .login.oauth import IdentityArea, OAuthArea
from .login.policy import LoginPolicy
from .login.sessions import Identity, Sessions
from .login.soap import SoapArea
from .made_up import made_up
from .page.area import PageArea
from .rendering.records import NestedRecords, RecordShape, Tree
from .rest.area import RestArea
from .rest.collections import Collections
from .rest.records import SingleRecords
from .schema import Field, Schema, SObject
from .schema.files import read_schema
from .store import NULL, Cell, SaveResult, Store, ValidationRule

# It is loaded when the first query comes. Without it the org would start, for h11 comes with the client's own HTTP library, and
# then answer no query.
if find_spec("lark") is None:
    raise ModuleNotFoundError("No module named 'lark'", name="lark")

#: The requests that bring files of rows: each looks itself at how long its body was, for the limits differ.
UPLOADS = ("bulk1.add_batch", "ingest2.upload")
#: The largest body any of the APIs takes (Bulk API 2.0, 150 MB), and some room to see that it is too large.
UPLOAD_BYTES = 160_000_000
#: Records in JSON: a file of 37 MB in base64 fits, or 200 records with a long text each.
RECORDS_BYTES = 52_000_000


class LocalOrg:
    """A stand-in for a Salesforce org that any client in any language can talk to.

    Args:
        port: 0 takes a free one.
        data: A folder to keep everything in; without it, nothing outlives the object.
        schema: The objects, or a JSON file of describe answers (one, or a list); a good set of standard ones by default.
        clock: The org's time. ``org.clock.pause()`` and ``.advance(seconds)`` move it by hand.
        host: The address to listen on. Anything but a loopback address lets others in, without encryption: it warns.
        page: Show jobs, records and limits to browsers on this machine, at ``org.url``; without a password, and only while
            the address is a loopback address.
    """

    def __init__(
        self,
        port: int = 0,
        data: str | Path | None = None,
        schema: Schema | str | Path | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        *,
        page: bool = True,
    ) -> None:
        folder = Path(data) if data is not None else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.clock = clock or Clock()
        if isinstance(schema, str | Path):
            schema = read_schema(Path(schema))
        self.schema = schema or Schema.standard()
        self.store = Store(folder / "org.sqlite" if folder else None, self.schema, self.clock.now)
        self.limits = Limits(self.clock.now)
        self.identity = Identity(
            user_id=self.store.user.id,
            username=self.store.user.username,
            organization_id=self._first_id("Organization"),
            profile_id=self._first_id("Profile"),
        )
        self.sessions = Sessions(self.identity, self.clock.now)
        #: What is to go wrong: ``local_org.faults.plan("query2.results", "reset-after-64k")``.
        self.faults = Faults(self.sessions)
        self.login_policy = LoginPolicy()
        self._jobs = Jobs(folder)
        self._bulk1 = Bulk1Area(self.store, self.sessions, self._jobs, self.clock, self.limits, self.faults)
        #: How Bulk API 2.0 behaves where sources differ: see `Bulk2Options`.
        self.bulk2 = Bulk2Options()
        self._jobs2 = Jobs2(folder, self._jobs.new_id)
        self._shelf = Shelf(self.store, self._jobs, self._jobs2, self.clock, self.limits, self.bulk2, self.faults)
        self._shelf.sees_all = lambda: self.permissions.manage_data_integrations
        self._ingest2 = Ingest2(self._shelf, lambda: self.permissions.hard_delete)
        self._query2 = Query2(self._shelf)
        collections = Collections(self.store, self.clock, self.limits, self.faults)
        singly = SingleRecords(collections)
        calls = (*self._ingest2.calls(), *self._query2.calls(), *collections.calls(), *singly.calls())
        self._rest = RestArea(self.store, self.sessions, self.clock, self.limits, calls, lambda: self.permissions.api)
        self._login = (
            SoapArea(self.sessions, self.login_policy, api_enabled=lambda: self.permissions.api),
            OAuthArea(self.sessions, self.login_policy),
            IdentityArea(self.sessions),
        )
        areas: tuple[Area, ...] = (self._bulk1, self._rest, *self._login)
        self.faults.know(row.operation for area in areas for row in area.routes)
        if page:
            areas += (
                PageArea(
                    self.store,
                    self._jobs,
                    self._ingest2,
                    self._query2,
                    self.faults,
                    self.identity.organization_id,
                    is_local=lambda: self.server.is_local,
                    counts=lambda: dict(self.server.counts),
                ),
            )
        records = (*collections.calls(), *singly.calls())
        self.server = Server(
            self.clock,
            areas,
            host,
            port,
            self.faults.around,
            {**{operation: RECORDS_BYTES for operation, *_ in records}, **dict.fromkeys(UPLOADS, UPLOAD_BYTES)},
            UPLOADS,
        )
        self._token: str | None = None
        #: Object -> how many records of it were made up: their texts go on counting.
        self._made: Counter[str] = Counter()
        self._started = False

    def __repr__(self) -> str:
        jobs = len(self._jobs.all()) + len(self._jobs2.all())
        return f"<LocalOrg {self.url if self._started else 'not started'}: {jobs} jobs>"

    def _first_id(self, sobject: str) -> str:
        with self.store.reader() as connection:
            return str(connection.execute(f'SELECT min(Id) FROM "{sobject}"').fetchone()[0])

    def start(self) -> Self:
        if not self._started:
            self.clock.start()
            self.server.start()
            self._started = True
            for area in self._login:
                area.own_url = self.url
            self._bulk1.worker.recover()
            self._ingest2.start()
            self._query2.start()
        return self

    def stop(self) -> None:
        if self._started:
            self._started = False
            self.server.stop()
            self.clock.stop()
            self._ingest2.worker.suspend()
        self._jobs2.close()
        self._jobs.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- how to get in ------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        host = self.server.host if self.server.host not in {"0.0.0.0", "::", ""} else "127.0.0.1"  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.server.port}"

    @property
    def access_token(self) -> str:
        """A token that is valid now: a new one when the last has expired."""
        if self._token is None or self.sessions.find(self._token) is None:
            self._token = self.sessions.open()
        return self._token

    def session_of(self, user_id: str) -> str:
        """A token of another user, to whom the jobs of the first one do not belong. Records know one user only."""
        return self.sessions.open(user_id=user_id)

    @property
    def username(self) -> str:
        return self.identity.username

    @property
    def password(self) -> str:
        return self.identity.password

    @property
    def security_token(self) -> str:
        return self.identity.security_token

    @property
    def client_id(self) -> str:
        return self.identity.client_id

    @property
    def client_secret(self) -> str:
        return self.identity.client_secret

    @property
    def organization_id(self) -> str:
        return self.identity.organization_id

    def new_refresh_token(self) -> str:
        return self.sessions.new_refresh_token()

    def expire_sessions(self) -> None:
        """End every session, as an administrator or the passing of time would."""
        self.sessions.expire_all()

    # --- what it holds ------------------------------------------------------------------------------------------------

    def holds(self, sobject: str, rows: int | Iterable[Mapping[str, Any]]) -> list[str]:
        """Put records into the org, past all APIs, and return their ids.

        Args:
            sobject: API name of the object, in any case.
            rows: Dicts by field name; texts as a CSV has them, or numbers, truth values, bytes and None. A number makes so many
                up ("Account 0", "Account 1", ...), with what the object requires: a parent, if it must have one, is the oldest
                record there, or is made up, too.

        Raises:
            ValueError: There is no such object, or it refuses a row. The rows before it are there.
        """
        known = self.schema.object(sobject)
        if known is None:
            raise ValueError(f"There is no object {sobject} in the schema of this org.")
        given = self._made_up(known, rows) if isinstance(rows, int) else [dict(row) for row in rows]
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, row in enumerate(given):
            groups.setdefault(tuple(row), []).append(place)
        ids: dict[int, str] = {}
        for columns, places in groups.items():
            plan = self.store.prepare(Operation.INSERT, known, columns)
            cells = [[_cell(given[place][name]) for name in columns] for place in places]
            for place, result in zip(places, plan.apply(cells), strict=True):
                ids[place] = _id_of(result, given[place])
        return [ids[place] for place in range(len(given))]

    def _made_up(self, sobject: SObject, count: int, above: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        first = self._made[sobject.name]
        self._made[sobject.name] += count
        return made_up(sobject, range(first, first + count), lambda field: self._parent(field, (*above, sobject.name)))

    def _parent(self, field: Field, above: tuple[str, ...]) -> str:
        """The id of a record for the lookup *field* of the last of the objects *above*, each of which is needed for the one
        before it."""
        for name in field.reference_to:
            known = self.schema.object(name)
            if known is None:
                continue
            alive = "WHERE IsDeleted = 0" if known.has_recycle_bin else ""
            with self.store.reader() as connection:
                found = connection.execute(f'SELECT min(Id) FROM "{known.name}" {alive}').fetchone()[0]
            if found is not None:
                return str(found)
            if known.createable and known.name not in above:
                return self.holds(known.name, self._made_up(known, 1, above))[0]
        raise ValueError(
            f"{above[-1]} needs a {' or a '.join(field.reference_to)} in {field.name}, which cannot be made up: give the rows."
        )

    def rows(self, text: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """What a query finds: plain values, datetimes in milliseconds since 1970, parents as dicts, children as lists."""
        compiled = soql.compile_query(
            soql.parse(text), self.schema, dialect="rest", all_rows=deleted, now=self.clock.now()
        )
        tree = Tree(compiled)
        shape = RecordShape(compiled, "68.0", _as_it_is)
        with self.store.reader() as connection:
            records = [
                (record, _without_attributes(shape.of(record, tree))) for record in compiled.run(connection).records
            ]
            for nested in (NestedRecords(children, connection, "68.0", _as_it_is) for children in compiled.children):
                for record, shown in records:
                    children = (nested.of(str(record[compiled.record_id or 0])) or {}).get("records", ())
                    shown[nested.name] = [_without_attributes(child) for child in children]
        return [shown for _, shown in records]

    def reset(self) -> None:
        """Back to a new org: no records, jobs, sessions, counts or faults; every limit, permission and option as by default;
        the clock runs, at the time that it would show had nobody moved it.

        The schema stays, and so do ids: those to come differ from those that were.
        """
        self.faults.clear()
        self.clock.reset()
        self._jobs.clear()
        self._ingest2.worker.suspend()
        self._jobs2.clear()
        self._shelf.forget()
        self.store.reset()
        self._bulk1.worker = Worker(self.store, self._jobs, self.clock, self.limits, self.faults)
        self._rest.forget()
        _renew(self.limits, Limits(self.clock.now))
        _renew(self.bulk2, Bulk2Options())
        _renew(self.permissions, Permissions())
        _renew(self.login_policy, LoginPolicy())
        self.sessions.reset()
        self._made.clear()
        self.server.seen.clear()
        self.server.counts.clear()

    def rule(
        self,
        sobject: str,
        when: Callable[[Mapping[str, Any]], bool],
        message: str,
        field: str | None = None,
        code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    ) -> None:
        """A validation rule: from now on, records of which *when* is true are refused. See `ValidationRule`."""
        self.store.rules.append(ValidationRule(sobject, when, message, field, code))

    # --- what was asked -----------------------------------------------------------------------------------------------

    @property
    def permissions(self) -> Permissions:
        return self._bulk1.permissions

    def requests(self, operation: str | None = None) -> int:
        """How often an operation was asked for (``"bulk1.add_batch"``, ``"query.results"``); without a name, all requests.

        The names are listed at `Faults.plan`.
        """
        return self.server.counts[full_name(operation)] if operation else self.server.counts.total()

    @property
    def seen(self) -> Sequence[Seen]:
        """The last requests: what was asked and how, without tokens."""
        return list(self.server.seen)


def _renew(used: object, new: object) -> None:
    """In place: every area holds on to the settings that it was made with."""
    vars(used).update(vars(new))


def _cell(value: Any) -> Cell:
    if value is None:
        return NULL
    return value if isinstance(value, str | bool | int | float | bytes) else str(value)


def _id_of(result: SaveResult, row: dict[str, Any]) -> str:
    if not result.success or result.id is None:
        raise ValueError(f"the org refused {row}: {'; '.join(f'{e.code}: {e.message}' for e in result.errors)}")
    return result.id


def _as_it_is(_: soql.Column) -> Callable[[Any], Any]:
    return lambda value: value


def _without_attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_attributes(value) if isinstance(value, dict) and "attributes" in value else value
        for name, value in record.items()
        if name != "attributes"
    }
