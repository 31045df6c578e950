"""The reading half of the old interface: results of queries and of uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NoReturn

from ..client import Org
from ..data.splitter import count_records
from ..documents import looks_like
from ..errors import AnswerMalformed, ApiError, SessionExpired
from ..protocol import bulk1
from ..protocol.messages import Flow, Reply, Request
from ..protocol.refusals import malformed
from ..wire.names import BatchState
from .callbacks import in_turns, kept
from .exceptions import UploadResult
from .ids import either_order, job_and_batch, role_of
from .memory import BATCH, JOB, RESULT, Memory
from .results import HEADER, RawResult, all_lines, as_text, dict_rows, lines, lists, told, upload_results
from .util import IteratorBytesIO

#: A note to the logger every so many rows.
NOTE_ROWS = 5000


class Reading(Memory):
    """What ``SalesforceBulk`` reads with. The methods it leans on stand in ``SalesforceBulk``."""

    if TYPE_CHECKING:

        @property
        def org(self) -> Org: ...
        def batch_status(self, *ids: Any, **named: Any) -> Any: ...
        def is_batch_done(self, *ids: Any, **named: Any) -> bool: ...
        def lookup_job_id(self, batch_id: Any) -> str: ...
        def _perform(self, flow: Flow[Any]) -> Any: ...
        def _refused(self, error: Any) -> NoReturn: ...

    def _stream(self, request: Request) -> Iterator[bytes]:
        try:
            pieces = self.org.stream(request)
            head = next(pieces, b"")
            if looks_like(head) == "html":
                raise malformed(request, Reply(200, {}, head), "it is no result")
            if not head and request.name == "bulk1.query_result":
                self._prove_no_rows(request)
            yield head
            yield from pieces
        except (ApiError, SessionExpired, AnswerMalformed) as error:
            self._refused(error)

    def _prove_no_rows(self, request: Request) -> None:
        """A query without rows says so in words. A body of no bytes is believed only if the batch found none."""
        info = self._perform(bulk1.ask_batch(bulk1.get_batch(request.ids["job"], request.ids["batch"])))
        if info.records_processed:
            raise malformed(
                request, Reply(200, {}, b""), f"it is empty, and the batch found {info.records_processed} records"
            )

    def _query_results(self, job_id: str, batch_id: str) -> list[str]:
        ids = self._perform(bulk1.query_result_ids(job_id, batch_id))
        self.result_ids.update(ids)
        return list(ids)

    # -- second generation: binary streams ------------------------------------------------------------------------------

    @either_order((BATCH, JOB))
    def get_query_batch_result_ids(self, job_id: str | None = None, batch_id: str | None = None) -> Any:
        """The ids of the result files of a query batch; ``False`` while it is not done."""
        job_id = job_id or self.lookup_job_id(batch_id)
        if not self.is_batch_done(job_id=job_id, batch_id=batch_id):
            return False
        return self._query_results(job_id, str(batch_id))

    get_batch_result_ids = get_query_batch_result_ids

    @either_order((BATCH, JOB))
    def get_all_results_for_query_batch(
        self, job_id: str | None = None, batch_id: str | None = None, chunk_size: int = 2048
    ) -> Iterator[IteratorBytesIO]:
        """Each result file of a query batch, as a binary stream, fetched when its turn comes."""
        job_id = job_id or self.lookup_job_id(batch_id)
        for result_id in self._ready_results(job_id, str(batch_id)):
            yield self.get_query_batch_results(str(batch_id), result_id, job_id)

    def _ready_results(self, job_id: str, batch_id: str, logger: Any = None) -> list[str]:
        ids = self.get_query_batch_result_ids(job_id=job_id, batch_id=batch_id)
        if ids is False:
            _say(logger, f"Batch is not complete, may have timed out. batch_id: {batch_id}, job_id: {job_id}", "error")
            raise RuntimeError("Batch is not complete")
        return list(ids)

    def get_query_batch_results(
        self,
        batch_id: str,
        result_id: str,
        job_id: str | None = None,
        chunk_size: int = 2048,
        raw: bool = False,
    ) -> Any:
        """One result file as a binary stream, byte for byte as the org sends it (NUL characters included).

        ``raw=True``: an object that is read like a response of urllib3. *chunk_size* is accepted and not needed.
        """
        pieces = self._result_pieces(job_id or self.lookup_job_id(batch_id), batch_id, result_id)
        return RawResult(pieces) if raw else IteratorBytesIO(pieces)

    def _result_pieces(self, job_id: str, batch_id: str, result_id: str) -> Iterator[bytes]:
        return self._stream(bulk1.query_result(job_id, batch_id, result_id))

    # -- first generation: lines, lists and dicts -----------------------------------------------------------------------

    @either_order((JOB, BATCH))
    def get_batch_result_iter(
        self, job_id: str | None = None, batch_id: str | None = None, parse_csv: bool = False, logger: Any = None
    ) -> Any:
        """The rows of a query batch, of all its result files; ``None`` while it is not completed.

        ``parse_csv=True``: dicts. Else text, one CSV record each, the header first. For a batch of rows that were
        uploaded: their results, in the same two ways.
        """
        job_id = job_id or self.lookup_job_id(batch_id)
        status = self.batch_status(job_id=job_id, batch_id=batch_id)
        if status.get("state") != BatchState.COMPLETED:
            return None
        if logger:
            _say(logger, f"Bulk batch {batch_id} processed {status.get('numberRecordsProcessed', 0)} records")
            if int(status.get("numberRecordsFailed") or 0):
                _say(logger, f"Bulk batch {batch_id} had {status['numberRecordsFailed']} failed records")
        files = self._files(job_id, str(batch_id))
        if parse_csv:
            return (row for open_ in files for row in dict_rows(open_()))
        return all_lines(files)

    def _files(self, job_id: str, batch_id: str) -> list[Callable[[], Iterator[bytes]]]:
        """What opens each result file of a batch: several for a query, the one list of results for an upload."""
        kind, pieces = told(self._stream(bulk1.batch_result(job_id, batch_id)))
        if kind == "csv":
            return [lambda: pieces]
        body = b"".join(pieces)
        if b"<result-list" in body[:512] or (kind == "json" and body.lstrip()[1:].lstrip()[:1] in (b'"', b"]")):
            return [
                partial(self._result_pieces, job_id, batch_id, result_id)
                for result_id in self._query_results(job_id, batch_id)
            ]
        return [lambda: iter((body,))]

    @either_order((BATCH, JOB))
    def get_all_results_for_batch(
        self, job_id: str | None = None, batch_id: str | None = None, parse_csv: bool = False, logger: Any = None
    ) -> Iterator[Iterator[Any]]:
        """The rows of each result file of a query batch, file by file: text, or lists with the header first."""
        job_id = job_id or self.lookup_job_id(batch_id)
        for result_id in self._ready_results(job_id, str(batch_id), logger):
            yield self._result_rows(job_id, str(batch_id), result_id, parse_csv, logger)

    def _result_rows(self, job_id: str, batch_id: str, result_id: str, parse_csv: bool, logger: Any) -> Iterator[Any]:
        _say(logger, f"Downloading bulk result file id=#{result_id}")
        pieces = self._result_pieces(job_id, batch_id, result_id)
        for number, row in enumerate(lists(pieces) if parse_csv else lines(pieces)):
            if logger and number % NOTE_ROWS == 0:
                _say(logger, f"Loading bulk result #{number}")
            yield row

    def get_batch_results(self, *args: Any, **named: Any) -> Any:
        """Two methods under one name.

        ``get_batch_results(batch, result, job=None, parse_csv=False, logger=None)``: the rows of one result file of a
        query, as in the first generation. ``get_batch_results(batch, job=None)``: the list of :class:`UploadResult` of
        an uploaded batch, as in the second.

        A third, of release 1.0.0, is told by its callback: ``get_batch_results(job, batch, callback, parse_csv=False,
        batch_size=0, skip_lines=None, skip_to_result=None, logger=None)`` calls back with each result file of a query,
        open for reading, as text; with ``parse_csv=True`` as ``callback(rows, remaining=, line=, result_id=)``, rows being
        lists, the header first, *batch_size* at a time (0: all at once). ``False`` while the batch is not done.
        """
        if "callback" in named or (len(args) > 2 and callable(args[2])):
            return self._results_by_callback(*args, **named)
        if named.keys() & {"result_id", "parse_csv", "logger"} or len(args) > 2 or self._is_result(args):
            return self._one_result(*args, **named)
        unknown = named.keys() - {"job_id", "batch_id"}
        if unknown:
            raise TypeError(f"get_batch_results() got an unexpected keyword argument {min(unknown)!r}")
        job_id, batch_id = job_and_batch(self, "get_batch_results()", args, named, None)
        return self._upload_results(job_id or self.lookup_job_id(batch_id), batch_id)

    def _is_result(self, args: tuple[Any, ...]) -> bool:
        return len(args) == 2 and role_of(self, args[1]) == RESULT

    def _one_result(
        self,
        batch_id: str,
        result_id: str,
        job_id: str | None = None,
        parse_csv: bool = False,
        logger: Any = None,
    ) -> Iterator[Any]:
        return self._result_rows(job_id or self.lookup_job_id(batch_id), batch_id, result_id, parse_csv, logger)

    @either_order((JOB, BATCH), "get_batch_results")
    def _results_by_callback(
        self,
        job_id: str | None,
        batch_id: str | None,
        callback: Callable[..., Any],
        parse_csv: bool = False,
        batch_size: float = 0,
        skip_lines: int | None = None,
        skip_to_result: str | None = None,
        logger: Any = None,
    ) -> bool:
        job_id = job_id or self.lookup_job_id(batch_id)
        if not self.is_batch_done(job_id=job_id, batch_id=batch_id):
            return False
        for result_id in self._query_results(job_id, str(batch_id)):
            if skip_to_result and result_id != skip_to_result:
                _say(logger, f"Skipping processed bulk result '{result_id}'")
                continue
            skip_to_result = None
            _say(logger, f"Downloading bulk result file: {result_id}")
            with kept(self._result_pieces(job_id, str(batch_id), result_id)) as file:
                if not parse_csv:
                    callback(file)
                    continue
                skipped, skip_lines = skip_lines or 0, None
                total = count_records(file) - skipped
                _say(logger, f"Total records: {total}")
                file.seek(0)

                before = max(
                    skipped - 1, 0
                )  # of the lines in front of the first row, the header is counted as it comes

                def hand_on(
                    rows: list[Any], remaining: int, line: int, result_id: str = result_id, before: int = before
                ) -> None:
                    callback(rows, remaining=remaining, line=line + before, result_id=result_id)

                rows = lists(_file_pieces(file))
                wanted = chain(islice(rows, 1), islice(rows, before, None))
                hand_on(*in_turns(wanted, hand_on, batch_size, total))
        return True

    # -- uploads --------------------------------------------------------------------------------------------------------

    def _upload_results(self, job_id: str, batch_id: str) -> list[UploadResult]:
        return upload_results(self._stream(bulk1.batch_result(job_id, batch_id)))

    @either_order((JOB, BATCH))
    def get_upload_results(
        self,
        job_id: str | None = None,
        batch_id: str | None = None,
        callback: Callable[..., Any] = lambda *args, **kwargs: None,
        batch_size: float = 0,
        logger: Any = None,
    ) -> bool:
        """Hand the results of an upload to *callback*, *batch_size* at a time (0: all at once); ``False`` while not done.

        ``callback(rows, total_remaining, line_number)``: *rows* begin with the header, as an :class:`UploadResult`.
        """
        job_id = job_id or self.lookup_job_id(batch_id)
        if not self.is_batch_done(job_id=job_id, batch_id=batch_id):
            return False
        results = [HEADER, *map(as_text, self._upload_results(job_id, str(batch_id)))]
        if logger:
            _say(logger, f"Total records: {len(results)}")
        callback(*in_turns(results, callback, batch_size, len(results)))
        return True

    def parse_csv(
        self, tf: Any, callback: Callable[..., Any], batch_size: float, total_remaining: int
    ) -> tuple[list[list[str]], int]:
        """Hand the rows of a CSV file to *callback*, *batch_size* at a time; the rows that are left, and their number."""
        rows, remaining, _ = in_turns(lists(_file_pieces(tf)), callback, batch_size, total_remaining)
        return rows, remaining

    def count_file_lines(self, tf: Any) -> int:
        """The number of lines of a CSV file, its header included: line ends inside quotes do not count."""
        tf.seek(0)
        return count_records(tf)


def _file_pieces(file: Any) -> Iterator[bytes]:
    while data := file.read(65536):
        yield data.encode("utf-8") if isinstance(data, str) else data


def _say(logger: Any, text: str, level: str = "info") -> None:
    """A logger is a Logger in one old method and a callable in another: take either."""
    if logger is None or logger is False:
        return
    method = getattr(logger, level, None)
    (method if callable(method) else logger)(text)
