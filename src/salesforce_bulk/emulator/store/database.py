"""The database of the local org: one SQLite file, one table per object, one column per stored field.

Tables and columns are named exactly as the objects and fields (quote them: ``"Case"`` and ``"Group"`` are words of SQL). Text
is TEXT, a checkbox INTEGER 0 or 1, int INTEGER, numbers REAL, a date TEXT ``YYYY-MM-DD``, a datetime INTEGER milliseconds
since 1970 UTC, a time INTEGER milliseconds since midnight, ids and references TEXT of 18 characters, base64 BLOB. What the org
works out itself is a generated column. Null is NULL, and there are no empty strings.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final

from .. import ids
from ..schema import Field, Schema, SObject
from .columns import ColumnNotFound
from .locks import Locks
from .plan import Plan
from .records import fold, stamps_and_defaults
from .rows import SaveResult
from .rules import ValidationRule
from .values import MISSING, NULL, Cell, RowError, SqlValue

__all__ = ["MISSING", "NULL", "Cell", "ColumnNotFound", "Plan", "RowError", "SaveResult", "Store", "User"]

_COLUMN_TYPES: Final = {
    "boolean": "INTEGER", "int": "INTEGER", "long": "INTEGER", "double": "REAL", "currency": "REAL", "percent": "REAL",
    "datetime": "INTEGER", "time": "INTEGER", "base64": "BLOB",
}  # fmt: skip
#: How long a connection waits for another that writes. Writers of one store queue on a lock; this is for a second process.
_BUSY_SECONDS: Final = 30.0
ORGANIZATION_NAME: Final = "Local Org"
USERNAME: Final = "admin@local.example"


@dataclass(frozen=True, slots=True)
class User:
    id: str
    username: str


class Store:
    """The records of an org. Safe to share between threads: readers do not wait for the writer, nor it for them.

    *path*: the database file, made if need be; None keeps the records in a temporary file until ``close``. (Not in memory: a
    shared in-memory database gives its readers no snapshot.) *now*: the org's clock.
    """

    def __init__(self, path: Path | None, schema: Schema, now: Callable[[], datetime]) -> None:
        self.schema = schema
        self.now = now
        self.locks = Locks(now)
        #: Validation rules, in force from the next transaction on.
        self.rules: list[ValidationRule] = []
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if path is None:
            self._directory = tempfile.TemporaryDirectory(prefix="local-org-")
            path = Path(self._directory.name) / "org.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._writer = self._connect()
        self._create_tables()
        self.user = self.seed()

    @property
    def user_id(self) -> str:
        """Who creates and changes everything."""
        return self.user.id

    @property
    def outlives_the_process(self) -> bool:
        return self._directory is None

    def __repr__(self) -> str:
        return f"<Store {self.path.name}: {len(list(self.schema.objects))} objects>"

    def close(self) -> None:
        with self._lock:
            self._writer.close()
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                break
        if self._directory:
            self._directory.cleanup()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- Reading

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the org as it is now, and goes on seeing it so, whatever is written meanwhile."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT 1 FROM _counters LIMIT 1").fetchone()  # BEGIN alone takes no snapshot
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._idle.put(connection)

    def count(self, sobject: SObject | str) -> int:
        """How many records there are, those in the recycle bin not counted."""
        known = self.schema.object(sobject) if isinstance(sobject, str) else sobject
        if known is None:
            raise KeyError(sobject)
        where = " WHERE IsDeleted = 0" if known.has_recycle_bin else ""
        with self.reader() as connection:
            return int(connection.execute(f'SELECT count(*) FROM "{known.name}"{where}').fetchone()[0])

    # -- Writing

    def prepare(
        self, operation: str, sobject: SObject, columns: Sequence[str], *, external_id: str | None = None
    ) -> Plan:
        """How to do *operation* with rows of *columns*. Raises `ColumnNotFound` for the first column that cannot be used."""
        return Plan(self, operation, sobject, columns, external_id)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The one connection that writes, in a transaction of its own."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def new_id(self, prefix: str) -> str:
        """An id never given before, for what is no record: jobs, batches, results."""
        with self.writing() as connection:
            start = self.take_numbers(connection, prefix, 1)
        return next(ids.numbered(prefix, start))

    def take_numbers(self, connection: sqlite3.Connection, prefix: str, count: int) -> int:
        """Take *count* counter values of *prefix* and return the first, within the caller's transaction."""
        row = connection.execute(
            "INSERT INTO _counters VALUES (?, 1 + ?) ON CONFLICT (prefix) DO UPDATE SET next = next + ? RETURNING next",
            (prefix, count, count),
        ).fetchone()
        return int(row[0]) - count

    def timestamp(self) -> int:
        """Now, as a datetime column holds it. Whole seconds: the org's milliseconds are always zero (bulk-api-1.md 1.7)."""
        return int(self.now().timestamp()) * 1000

    def reset(self) -> None:
        """Back to a new org: every record is gone, and what an org is born with is there again."""
        with self.writing() as connection:
            for sobject in self.schema.objects:
                connection.execute(f'DELETE FROM "{sobject.name}"')
            connection.execute("DELETE FROM _counters")
            connection.execute("DELETE FROM _applied")
        self.locks.clear()
        self.rules.clear()
        self.user = self.seed()

    def seed(self) -> User:
        """What every org is born with: itself, a profile, the administrator who creates everything, the standard price book."""
        with self.writing() as connection:
            found = connection.execute('SELECT Id, Username FROM "User" ORDER BY Id LIMIT 1').fetchone()
            if found is None:
                found = self._seed(connection)
        return User(*found)

    def _seed(self, connection: sqlite3.Connection) -> tuple[str, str]:
        def first_id(name: str) -> str:
            sobject = self._known(name)
            return next(ids.numbered(sobject.key_prefix, self.take_numbers(connection, sobject.key_prefix, 1)))

        user, profile = first_id("User"), first_id("Profile")

        def put(name: str, **values: SqlValue) -> None:
            sobject = self._known(name)
            visible = {
                key: value for key, value in values.items() if (field := sobject.field(key)) and not field.formula
            }
            full = {**stamps_and_defaults(sobject, user, self.timestamp()), **visible}
            marks = ", ".join("?" * len(full))
            connection.execute(
                f'INSERT INTO "{name}" ({", ".join(map(quote, full))}) VALUES ({marks})', [*full.values()]
            )

        put("Profile", Id=profile, Name="System Administrator")
        put(
            "User", Id=user, Username=USERNAME, LastName="Admin", FirstName="Local", Email=USERNAME, Alias="admin",
            CommunityNickname="admin", IsActive=1, TimeZoneSidKey="GMT", LocaleSidKey="en_US", EmailEncodingKey="UTF-8",
            ProfileId=profile, LanguageLocaleKey="en_US",
        )  # fmt: skip
        put("Organization", Id=first_id("Organization"), Name=ORGANIZATION_NAME, OrganizationType="Developer Edition")
        for sobject in self.schema.objects:
            for kind in sobject.record_types:
                put(
                    "RecordType", Id=kind.id, Name=kind.name, DeveloperName=kind.developer_name,
                    SobjectType=sobject.name, IsActive=int(kind.active),
                )  # fmt: skip
        put("Pricebook2", Id=first_id("Pricebook2"), Name="Standard Price Book", IsActive=1, IsStandard=1)
        return user, USERNAME

    def _known(self, name: str) -> SObject:
        sobject = self.schema.object(name)
        assert sobject is not None, f"a schema needs the standard object {name}"
        return sobject

    # -- The file

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL is safe from a crash of ours; a power cut may lose the last writes, which a stand-in may. OFF: nothing to keep.
        connection.execute(f"PRAGMA synchronous = {'OFF' if self._directory else 'NORMAL'}")
        connection.create_function("fold", 1, fold, deterministic=True)
        return connection

    def _create_tables(self) -> None:
        with self.writing() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS _counters (prefix TEXT PRIMARY KEY, next INTEGER NOT NULL)")
            connection.execute("CREATE TABLE IF NOT EXISTS _applied (id TEXT NOT NULL, results TEXT NOT NULL)")
            connection.execute("CREATE INDEX IF NOT EXISTS _applied_of ON _applied (id)")
            for sobject in self.schema.objects:
                self._create_table(connection, sobject)

    def _create_table(self, connection: sqlite3.Connection, sobject: SObject) -> None:
        table = quote(sobject.name)
        columns = [field for field in sobject.fields.values() if field.stored]
        present = {row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")}
        if not present:
            connection.execute(f"CREATE TABLE {table} ({', '.join(map(_column, columns))})")
        for field in columns:
            if present and field.name not in present:  # the schema has grown since the file was made
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {_column(field)}")
            for name, on in _indexes(field):
                index = quote(f"{sobject.name}.{name}")
                connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} {on}")


def quote(name: str) -> str:
    """*name* as an SQL identifier."""
    return f'"{name}"'


def _column(field: Field) -> str:
    declared = f"{quote(field.name)} {_COLUMN_TYPES.get(field.type, 'TEXT')}"
    if field.type == "id":
        return declared + " PRIMARY KEY NOT NULL"
    if field.formula:
        return f"{declared} GENERATED ALWAYS AS ({field.formula}) VIRTUAL"
    return declared


def _indexes(field: Field) -> Iterator[tuple[str, str]]:
    """The indexes that writing itself needs: to find a record by a key, and children by their parent."""
    column = quote(field.name)
    if field.type == "id" or field.formula:
        return
    if field.unique or field.id_lookup:
        expression = f"fold({column})" if field.is_text and not field.case_sensitive else column
        yield field.name, f"({expression}) WHERE {column} IS NOT NULL"
    if field.type == "reference" and field.reference_to != ("User",) and field.name != "OwnerId":
        yield field.name, f"({column}) WHERE {column} IS NOT NULL"
