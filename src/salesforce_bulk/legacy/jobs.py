"""Jobs and batches of the old interface: making them, posting to them, looking at them, waiting for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from ..data.splitter import split_records
from ..documents import local_name, looks_like, parse_json
from ..errors import WaitTimeout
from ..protocol import bulk1
from ..protocol.messages import Reply, Request
from ..protocol.soql import object_of
from ..protocol.states import BATCH_ENDED
from ..records import BatchInfo, Body, JobSpec
from ..wire.names import BatchState, ContentType, JobState, Operation
from .exceptions import BatchUnknown, BulkBatchFailed, WaitEnded
from .ids import either_order, has_service_form
from .memory import BATCH, JOB
from .names import ERROR_STATES
from .reading import Reading

job_to_http_content_type = dict(bulk1.MIME)


class Jobs(Reading):
    """The half of ``SalesforceBulk`` that makes and watches. The methods it leans on stand in ``SalesforceBulk``."""

    if TYPE_CHECKING:

        def _call(self, request: Request) -> Reply: ...

    # -- jobs -----------------------------------------------------------------------------------------------------------

    def create_query_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        return self.create_job(object_name, Operation.QUERY, contentType, concurrency, **kwargs)

    def create_queryall_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        """A query that reads deleted and archived records, too."""
        return self.create_job(object_name, Operation.QUERY_ALL, contentType, concurrency, **kwargs)

    def create_insert_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        return self.create_job(object_name, Operation.INSERT, contentType, concurrency, **kwargs)

    def create_upsert_job(
        self,
        object_name: str,
        external_id_name: str,
        contentType: str = ContentType.CSV,
        concurrency: str | None = None,
        **kwargs: Any,
    ) -> str:
        return self.create_job(
            object_name, Operation.UPSERT, contentType, concurrency, external_id_name=external_id_name, **kwargs
        )

    def create_update_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        return self.create_job(object_name, Operation.UPDATE, contentType, concurrency, **kwargs)

    def create_delete_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        return self.create_job(object_name, Operation.DELETE, contentType, concurrency, **kwargs)

    def create_hard_delete_job(
        self, object_name: str, contentType: str = ContentType.CSV, concurrency: str | None = None, **kwargs: Any
    ) -> str:
        """Delete past the Recycle Bin. The user needs the permission "Bulk API Hard Delete"."""
        return self.create_job(object_name, Operation.HARD_DELETE, contentType, concurrency, **kwargs)

    def create_job(
        self,
        object_name: str | None = None,
        operation: str | None = None,
        contentType: str = ContentType.CSV,
        concurrency: str | None = None,
        external_id_name: str | None = None,
        pk_chunking: Any = False,
        extra_headers: Mapping[str, str] | None = None,
        assignment_rule_id: str | None = None,
    ) -> str:
        """Create a job and return its id.

        Args:
            contentType: ``"CSV"``, ``"XML"``, ``"JSON"``, ``"ZIP_CSV"``, ``"ZIP_XML"`` or ``"ZIP_JSON"``.
            pk_chunking: ``True``, a number of ids per chunk, or the text of the header.
            extra_headers: Further headers of this one request, such as ``Sforce-Line-Ending``.
        """
        assert object_name is not None
        assert operation is not None
        request = bulk1.create_job(
            JobSpec(
                operation,
                object_name,
                content_type=contentType,
                concurrency=concurrency,
                external_id=external_id_name,
                assignment_rule_id=assignment_rule_id,
                pk_chunking=_chunking(pk_chunking),
            ),
            extra_headers=extra_headers or {},
        )
        job = str(self._perform(bulk1.ask_job(request)).id)
        self.jobs[job] = job
        self.job_content_types[job] = contentType
        return job

    def create_job_doc(
        self,
        object_name: str | None = None,
        operation: str | None = None,
        contentType: str = ContentType.CSV,
        concurrency: str | None = None,
        external_id_name: str | None = None,
    ) -> Any:
        spec = JobSpec(
            operation or "", object_name or "", contentType, concurrency=concurrency, external_id=external_id_name
        )
        return bulk1.job_document(bulk1.job_fields(spec))

    def create_close_job_doc(self) -> Any:
        return bulk1.job_document({"state": JobState.CLOSED})

    def create_abort_job_doc(self) -> Any:
        return bulk1.job_document({"state": JobState.ABORTED})

    def close_job(self, job_id: str) -> None:
        """Close a job: no more batches. Closing twice is as closing once."""
        self._perform(bulk1.end_job(job_id, JobState.CLOSED))

    def abort_job(self, job_id: str) -> None:
        """Abort a job. What was applied stays applied."""
        self._perform(bulk1.end_job(job_id, JobState.ABORTED))

    def job_status(self, job_id: str | None = None, batch_id: str | None = None) -> dict[str, Any]:
        """What the org says of a job, by the names on the wire."""
        info = self._perform(bulk1.ask_job(bulk1.get_job(job_id or self.lookup_job_id(batch_id))))
        return dict(info.wire)

    def job_state(self, job_id: str) -> str | None:
        return self.job_status(job_id).get("state")

    def lookup_job_id(self, batch_id: Any) -> str:
        try:
            return str(self.batches[batch_id])
        except KeyError:
            pass
        if has_service_form(batch_id):
            # 15 and 18 characters are two spellings of one id: the last three only repeat the case of the others.
            for known, job_id in list(self.batches.items()):
                if has_service_form(known) and known[:15] == batch_id[:15]:
                    return str(job_id)
        raise BatchUnknown(f"Batch id '{batch_id}' is unknown, can't retrieve job_id.")

    # -- batches --------------------------------------------------------------------------------------------------------

    def query(self, job_id: str | None, soql: str | bytes, contentType: str = ContentType.CSV) -> str:
        """Add a query to a job and return the id of its batch. Without a job, one is created for the object queried."""
        if job_id is None:
            job_id = self.create_query_job(object_of(soql), contentType=contentType)
        return self._add_batch(job_id, soql, self.job_content_types.get(job_id, contentType))

    def post_batch(self, job_id: str, data_generator: Any) -> str:
        """Add rows to a job and return the id of the batch. Text, bytes, a file, or an iterator, which is streamed."""
        if job_id not in self.job_content_types:
            # Made by another program: the org knows what its batches are in.
            self.job_content_types[job_id] = self.job_status(job_id).get("contentType") or ContentType.CSV
        return self._add_batch(job_id, data_generator, self.job_content_types[job_id])

    post_bulk_batch = post_batch

    def _add_batch(self, job_id: str, data: Any, content_type: str) -> str:
        mime = bulk1.MIME.get(content_type, content_type)
        info = self._perform(bulk1.ask_batch(bulk1.add_batch(job_id, Body.of(data), mime)))
        self.batches[info.id] = job_id
        return str(info.id)

    def post_mapping_file(self, job_id: str, mapping_data: Any) -> None:
        """Upload a transformation specification, before the first batch of a CSV job."""
        self._call(bulk1.upload_spec(job_id, Body.of(mapping_data)))

    def split_csv(self, csv: str, batch_size: int) -> list[str]:
        """*csv* in pieces, each with the header: the first of ``batch_size - 1`` records, the others of ``batch_size``."""
        return split_records(csv, first=batch_size - 1, then=batch_size)

    def bulk_csv_upload(self, job_id: str, csv: str, batch_size: int = 2500) -> list[str]:
        """Add CSV text to a job in batches; their ids."""
        return [self.post_batch(job_id, piece) for piece in self.split_csv(csv, batch_size)]

    def bulk_delete(
        self, job_id: str | None, object_type: str, where: str, batch_size: int = 2500, timeout: float = 120
    ) -> list[str]:
        """Delete the records of *object_type* that match *where*; the ids of the delete batches.

        Raises:
            WaitTimeout: The query was not done after *timeout* seconds. Nothing was deleted.
        """
        query_job = self.create_query_job(object_type)
        batch = self.query(query_job, f"Select Id from {object_type} where {where}")
        try:
            info = self._perform(bulk1.await_batch(query_job, batch, limit_seconds=timeout, longest_pause=5))
            self._check_ended(query_job, info)
            rows = (row["Id"] for row in self.get_batch_result_iter(query_job, batch, parse_csv=True) or ())
            batches = []
            for ids in _groups(rows, batch_size):
                if job_id is None:
                    job_id = self.create_delete_job(object_type)
                batches.append(self.post_batch(job_id, "\n".join(["Id", *ids, ""])))
        finally:
            self.close_job(query_job)
        return batches

    def get_batch_list(self, job_id: str) -> list[dict[str, Any]]:
        """What the org says of all batches of a job, in the order they were made."""
        request = bulk1.list_batches(job_id)
        infos = bulk1.read_batches(request, self._call(request))
        for info in infos:
            self._remember(job_id, info)
        return [dict(info.wire) for info in infos]

    @either_order()
    def batch_status(self, job_id: str | None = None, batch_id: str | None = None, reload: bool = False) -> Any:
        """What the org says of a batch, by the names on the wire. A batch that has ended is asked about only once."""
        if not reload and batch_id in self.batch_statuses:
            return self.batch_statuses[batch_id]
        job_id = job_id or self.lookup_job_id(batch_id)
        info = self._perform(bulk1.ask_batch(bulk1.get_batch(job_id, str(batch_id))))
        self._remember(job_id, info)
        return dict(info.wire)

    def _remember(self, job_id: str, info: BatchInfo) -> None:
        self.batches[info.id] = job_id
        if info.state in BATCH_ENDED:
            self.batch_statuses[info.id] = dict(info.wire)

    @either_order()
    def batch_state(self, job_id: str | None = None, batch_id: str | None = None, reload: bool = False) -> str | None:
        status = self.batch_status(job_id=job_id, batch_id=batch_id, reload=reload)
        return status.get("state") if isinstance(status, dict) else None

    @either_order()
    def is_batch_done(self, job_id: str | None = None, batch_id: str | None = None, pk_chunking: bool = False) -> bool:
        """True when the batch has completed.

        Raises:
            BulkBatchFailed: It ended otherwise. With ``pk_chunking=True``, NotProcessed means that the query was cut into
                ranges, each a batch of its own, and counts as done.
        """
        job_id = job_id or self.lookup_job_id(batch_id)
        info = self._perform(bulk1.ask_batch(bulk1.get_batch(job_id, str(batch_id))))
        self._remember(job_id, info)
        if pk_chunking and info.state == BatchState.NOT_PROCESSED:
            return True
        self._check_ended(job_id, info)
        return bool(info.state == BatchState.COMPLETED)

    def _check_ended(self, job_id: str, info: BatchInfo) -> None:
        if info.state in ERROR_STATES:
            raise BulkBatchFailed(job_id, info.id, info.state_message or None, info.state)

    @either_order((JOB, BATCH))
    def wait_for_batch(
        self,
        job_id: str | None = None,
        batch_id: str | None = None,
        timeout: float = 60 * 10,
        sleep_interval: float = 10,
        pk_chunking: bool = False,
    ) -> None:
        """Wait until a batch has completed, at most *timeout* seconds; looks at least once.

        The first looks come sooner than *sleep_interval*. When the time is up a :class:`WaitEnded` warning is given, and
        ``None`` returned: ask ``is_batch_done``. With ``pk_chunking=True`` all batches of the job are waited for, those
        that the org makes of the query included.
        """
        job_id = job_id or self.lookup_job_id(batch_id)
        limits = {"limit_seconds": timeout, "longest_pause": sleep_interval}
        try:
            if pk_chunking:
                infos = self._perform(bulk1.await_batches(job_id, chunked=True, **limits))
            else:
                infos = [self._perform(bulk1.await_batch(job_id, str(batch_id), **limits))]
        except WaitTimeout as ended:
            warnings.warn(str(ended), WaitEnded, stacklevel=3)
            return
        for info in infos:
            self._remember(job_id, info)
        for info in infos:
            self._check_ended(job_id, info)

    @either_order((BATCH, JOB))
    def get_query_batch_request(self, job_id: str | None = None, batch_id: str | None = None) -> Any:
        """The rows or the query of a batch, as they were sent; a range's own query for a chunk of a chunked one.

        Text; of a ZIP batch, and of rows in another charset, the bytes.
        """
        job_id = job_id or self.lookup_job_id(batch_id)
        body = self._call(bulk1.batch_request(job_id, str(batch_id))).body
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return body

    def parse_response(self, resp: Any) -> Any:
        """The document of a response of one's own: a dict, or a list of dicts for a list of batches."""
        body = bytes(resp.content)
        if looks_like(body) == "json":
            return parse_json(body)
        reply = Reply(int(getattr(resp, "status_code", 200)), {}, body)
        return bulk1.read_document(Request("bulk1.get_job", "GET", ""), reply)

    def parse_error_result_xml(self, error_xml: Element) -> dict[str, Any]:
        """One ``errors`` element of an XML result: ``fields``, ``message`` and ``statusCode``."""
        texts = [(local_name(child.tag), child.text) for child in error_xml]
        return {
            "fields": [text for name, text in texts if name == "fields"],
            "message": next((text for name, text in texts if name == "message"), None),
            "statusCode": next((text for name, text in texts if name == "statusCode"), None),
        }


def _chunking(value: Any) -> str | None:
    """The header for what callers pass as ``pk_chunking``."""
    if not value:
        return None
    if value is True:
        return "true"
    if isinstance(value, int):
        return f"chunkSize={value};"
    return str(getattr(value, "header", value))


def _groups(rows: Iterable[str], size: int) -> Iterable[list[str]]:
    group: list[str] = []
    for row in rows:
        group.append(row)
        if len(group) >= max(1, size):
            yield group
            group = []
    if group:
        yield group
