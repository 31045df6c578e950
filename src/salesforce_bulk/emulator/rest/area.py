"""The REST resources that a bulk tool needs: versions, objects, limits, and the query resource. Source: rest-support.md.

Bulk API 2.0 and the collections live under the same path: what all calls there have in common is checked here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, Final

from .. import soql
from ..answers.rest import NOTHING_THERE, Answer, not_found
from ..clock import Clock
from ..http.messages import Reply, Request, json_reply
from ..http.routing import Area, Call, route
from ..ids import to18
from ..limits import Limits
from ..login.oauth import bearer
from ..login.sessions import Sessions
from ..rendering.records import NestedRecords, RecordShape, Tree
from ..rendering.values import rest_value
from ..schema import describe
from ..store import Store

FIRST_VERSION: Final = 31
LATEST_VERSION: Final = 68
_SEASONS: Final = ("Spring", "Summer", "Winter")
FIRST_VERSION_WITH_COUNTS: Final = 40.0
DEFAULT_PAGE: Final = 2_000
SMALLEST_PAGE: Final = 200
CURSOR_LIFE: Final = timedelta(days=2)


@dataclass
class _Cursor:
    compiled: soql.Compiled
    version: str
    records: list[Sequence[Any]]
    nested: list[NestedRecords]
    page: int
    opened: datetime


class RestArea(Area):
    prefix = "/services/data"

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        clock: Clock,
        limits: Limits,
        calls: Sequence[Call] = (),
        api_enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        """*calls*: those of the other APIs under this path. *api_enabled*: whether the user has "API Enabled"."""
        self.store = store
        self.sessions = sessions
        self.clock = clock
        self.limits = limits
        self.api_enabled = api_enabled
        #: Since when the schema is as it is.
        self._begun = int(clock.now().timestamp())
        self._cursors: dict[str, _Cursor] = {}
        base = "/services/data/v{version}"
        self.routes = (
            route("rest.versions", "GET", "/services/data", self._versions),
            route("rest.resources", "GET", base, self._call(self._resources)),
            route("rest.sobjects", "GET", f"{base}/sobjects", self._call(self._sobjects)),
            route("rest.describe", "GET", f"{base}/sobjects/{{name}}/describe", self._call(self._describe)),
            route("rest.limits", "GET", f"{base}/limits", self._call(self._limits)),
            route("rest.record_count", "GET", f"{base}/limits/recordCount", self._call(self._record_count)),
            route("rest.query", "GET", f"{base}/query", self._call(self._query)),
            route("rest.query", "GET", f"{base}/queryAll", self._call(self._query_all)),
            route("rest.query_more", "GET", f"{base}/query/{{locator}}", self._call(self._more)),
            route("rest.query_more", "GET", f"{base}/queryAll/{{locator}}", self._call(self._more)),
            *(route(operation, method, path, self._call(handler)) for operation, method, path, handler in calls),
        )

    def not_found(self, request: Request) -> Reply:
        return not_found().reply

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        text = f"HTTP Method '{request.method}' not allowed. Allowed are {','.join([*allowed, 'HEAD'])}"
        return Answer(405, "METHOD_NOT_ALLOWED", text).reply

    def failed(self, request: Request, error: Exception) -> Reply:
        text = "An unexpected error occurred. Please include this ErrorId if you contact support: 123456789-12345 (-1234567)"
        return Answer(500, "UNKNOWN_EXCEPTION", text).reply

    def forget(self) -> None:
        self._cursors.clear()

    def _call(self, perform: Callable[..., Reply]) -> Callable[..., Reply]:
        def handler(request: Request, version: str, **names: str) -> Reply:
            try:
                self._check(request, version)
                reply = perform(request, version, **names)
            except Answer as answer:
                reply = answer.reply
            except soql.SoqlError as error:
                reply = Answer(400, error.code, error.message).reply
            used, most = self.limits.api_requests.used, self.limits.api_requests.maximum
            reply.headers.append(("Sforce-Limit-Info", f"api-usage={used}/{most}"))
            return reply

        return handler

    def _check(self, request: Request, version: str) -> None:
        number = version.removesuffix(".0")
        if not number.isdecimal() or not version.endswith(".0") or int(number) > LATEST_VERSION:
            raise Answer(404, "NOT_FOUND", NOTHING_THERE)
        if int(number) < FIRST_VERSION:
            raise Answer(410, "GONE", f"API version {version} is no longer supported")
        if request.body.unknown_encoding:
            raise Answer(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding is not gzip")
        scheme, _, _ = request.header("authorization").partition(" ")
        token = bearer(request)
        if scheme and not token:
            raise Answer(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self.sessions.find(token) if token else None
        if session is None:
            raise Answer(401, "INVALID_SESSION_ID", "Session expired or invalid")
        request.user_id = session.user_id
        if not self.api_enabled():
            raise Answer(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
        if self.limits.api_requests.remaining <= 0:
            raise Answer(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.limits.api_requests.use()

    # --- resources ----------------------------------------------------------------------------------------------------

    def _versions(self, request: Request) -> Reply:
        return json_reply([_version(number) for number in range(FIRST_VERSION, LATEST_VERSION + 1)])

    def _resources(self, request: Request, version: str) -> Reply:
        names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects")
        return json_reply({name: f"/services/data/v{version}/{name}" for name in names})

    def _sobjects(self, request: Request, version: str) -> Reply:
        listed = [describe.listing(sobject, version) for sobject in self.store.schema.objects]
        return self._unless_known(request, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    def _describe(self, request: Request, version: str, name: str) -> Reply:
        sobject = self.store.schema.object(name)
        if sobject is None:
            raise not_found()
        return self._unless_known(request, describe.describe(sobject, version, self.store.schema.children(sobject)))

    def _unless_known(self, request: Request, told: Any) -> Reply:
        """``If-Modified-Since``: what was asked for since the org began is known (rest-support.md 3.2)."""
        try:
            known = parsedate_to_datetime(request.header("if-modified-since")).timestamp() >= self._begun
        except ValueError:
            known = False
        reply = Reply(304) if known else json_reply(told)
        reply.headers.append(("Last-Modified", formatdate(self._begun, usegmt=True)))
        return reply

    def _limits(self, request: Request, version: str) -> Reply:
        return json_reply(self.limits.report())

    def _record_count(self, request: Request, version: str) -> Reply:
        """How many records there are, roughly; names that nobody knows are passed over. Since 40.0."""
        if float(version) < FIRST_VERSION_WITH_COUNTS:
            raise not_found()
        wanted = request.parameters().get("sObjects")
        known = map(self.store.schema.object, wanted.split(",")) if wanted else iter(self.store.schema)
        counted = [sobject for sobject in known if sobject is not None]
        return json_reply({"sObjects": [{"count": self.store.count(o), "name": o.name} for o in counted]})

    # --- query --------------------------------------------------------------------------------------------------------

    def _query(self, request: Request, version: str) -> Reply:
        return self._run(request, version, all_rows=False)

    def _query_all(self, request: Request, version: str) -> Reply:
        return self._run(request, version, all_rows=True)

    def _run(self, request: Request, version: str, *, all_rows: bool) -> Reply:
        text = request.parameters().get("q", "")
        if not text:
            raise Answer(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        compiled = soql.compile_query(
            soql.parse(text), self.store.schema, dialect="rest", all_rows=all_rows, now=self.clock.now()
        )
        with self.store.reader() as connection:
            records: list[Sequence[Any]] = list(compiled.run(connection).records)
            nested = [NestedRecords(children, connection, version, rest_value) for children in compiled.children]
        if compiled.count_only:
            return json_reply({"totalSize": records[0][0], "done": True, "records": []})
        locator = to18(f"01gLo0{secrets.randbelow(10**9):09d}")
        cursor = _Cursor(compiled, version, records, nested, _page_size(request), self.clock.now())
        if len(records) > cursor.page:
            self._cursors[locator] = cursor
        return self._page(cursor, locator, 0)

    def _more(self, request: Request, version: str, locator: str) -> Reply:
        name, _, offset = locator.partition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not offset.isdecimal() or self.clock.now() - cursor.opened > CURSOR_LIFE:
            raise Answer(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(cursor, name, int(offset))

    def _page(self, cursor: _Cursor, locator: str, offset: int) -> Reply:
        end = offset + cursor.page
        tree = Tree(cursor.compiled)
        shape = RecordShape(cursor.compiled, cursor.version, rest_value)
        page: dict[str, Any] = {"totalSize": len(cursor.records), "done": end >= len(cursor.records)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/v{cursor.version}/query/{locator}-{end}"
        where = cursor.compiled.record_id
        page["records"] = [
            shape.of(record, tree) | {nested.name: nested.of(str(record[where or 0])) for nested in cursor.nested}
            for record in cursor.records[offset:end]
        ]
        return json_reply(page)


def _page_size(request: Request) -> int:
    """``Sforce-Query-Options: batchSize=N``, 200 to 2,000."""
    for option in request.header("sforce-query-options").split(","):
        name, _, value = option.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdecimal():
            return min(max(int(value), SMALLEST_PAGE), DEFAULT_PAGE)
    return DEFAULT_PAGE


def _version(number: int) -> dict[str, str]:
    """68.0 is Winter '27, 67.0 is Summer '26, 66.0 is Spring '26: three a year, and Winter bears the next year's number."""
    year, season = divmod(number - 66, 3)
    name = _SEASONS[season]
    label = f"{name} '{(26 + year + (season == 2)) % 100:02d}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
