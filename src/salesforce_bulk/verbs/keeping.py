"""Queries whose pages are kept in the folder of a run: whoever dies while one is read goes on with the same job, and fetches
only the pages that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ..__version__ import __version__
from ..data.row_count import RecordCounter
from ..engine.drive import Driver
from ..engine.extract import PAGE_ROWS, opened
from ..engine.ingest import file_pieces
from ..errors import ApiError, MalformedResult, ResultsExpired, UsageError
from ..facts import Fact, JobMade, PageRead, RunEnded
from ..frozen import frozen
from ..journal.folder import RunFolder
from ..journal.journal import Journal
from ..protocol import query2
from .origins import check_same_org, place_of
from .setting import Setting
from .soundness import is_sound

VERB = "query"


@frozen
class KeptQuery:
    """A query by Bulk API 2.0 with a run of its own. One reader at a time."""

    driver: Driver
    folder: RunFolder
    job: str
    about: Mapping[str, Any]
    #: How many rows it has, when all pages are here.
    rows: int | None = None

    @classmethod
    def begun(cls, setting: Setting, job: str, told: Mapping[str, Any]) -> KeptQuery:
        """A new run about *job*, which was made for what *told* says was asked.

        Raises:
            JournalError: There is no room for it.
        """
        folder = RunFolder.new()
        about = {
            "verb": VERB,
            "run_id": folder.run_id,
            **told,
            **place_of(setting),
            "version": __version__,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            with Journal.create(folder.path, about) as journal:
                journal.note(JobMade(job, "bulk2"))
        except BaseException:
            folder.remove()
            raise
        return cls(setting.driver, folder, job, about)

    @classmethod
    def found(cls, setting: Setting, run_id: str) -> KeptQuery:
        """A run that was begun before.

        Raises:
            JournalError: There is none, another process is at work on it, or it is for another org.
        """
        folder = RunFolder.of(run_id)
        with Journal.open(folder.path) as journal:
            about, facts = journal.about(), journal.facts()
        if about.get("verb") != VERB:
            raise UsageError(f"Run {run_id} is no query. Nothing was sent. sf.resume({run_id!r}) goes on with it.")
        check_same_org(setting, about)
        (job,) = (fact.job for fact in facts if isinstance(fact, JobMade))
        ended = [fact.succeeded for fact in facts if isinstance(fact, RunEnded)]
        return cls(setting.driver, folder, job, about, ended[-1] if ended else None)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whoever catches an error knows which run it was, and what to do."""
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as error:
            run_id = self.folder.run_id
            with suppress(AttributeError):
                error.run_id = run_id  # type: ignore[attr-defined]
            error.add_note(f"The query can be gone on with: sf.resume_query({run_id!r})")
            raise

    def pages(self, expected: int | None) -> Iterator[tuple[int | None, Iterable[bytes]]]:
        """All pages of the job, which has ended, in order: those that are in the folder from there, the others from the org,
        and from then on in the folder, too. The job has *expected* rows."""
        with self.told(), Journal.open(self.folder.path) as journal:
            facts = journal.facts()
            known = {fact.page: fact for fact in facts if isinstance(fact, PageRead)}
            number = rows = 0
            locator: str | None = None
            seen: set[str | None] = set()
            while True:
                page = known.get(number)
                if page is None or not self._is_there(page):
                    page = self._fetched(number, locator, None if expected is None else expected - rows, journal.note)
                seen.add(locator)
                rows += page.rows
                yield page.rows, file_pieces(self.folder.page(number))
                if page.locator is None:
                    break
                if page.locator in seen:
                    raise MalformedResult(
                        f"Page {number} of query job {self.job} leads back to a page that was read before.\n"
                        "What was read is not complete.\nRun the query again."
                    )
                locator, number = page.locator, number + 1
            if rows == expected and not any(isinstance(fact, RunEnded) for fact in facts):
                journal.note(RunEnded(rows))

    def _is_there(self, page: PageRead) -> bool:
        digest = sha256()
        try:
            for piece in file_pieces(self.folder.page(page.page)):
                digest.update(piece)
        except OSError:
            return False
        return digest.hexdigest() == page.sha256

    def _fetched(self, number: int, locator: str | None, left: int | None, note: Any) -> PageRead:
        """Fetch a page, whole, with *left* rows in it and those after it; it is in the folder before it is noted."""
        request = query2.results(self.job, locator, self.about["page_rows"] or PAGE_ROWS)
        for tries in range(1, self.driver.options.tries + 1):
            counter = RecordCounter()
            try:
                fetched = opened(self.driver, request, is_sound)
            except ApiError as error:
                if error.status_code != 404:
                    raise
                raise self._gone() from error
            try:
                kept = self.folder.keep_page(number, _counted(fetched.pieces, counter))
            finally:
                fetched.close()
            rows = max(0, counter.records - 1)
            following = query2.next_locator(fetched.headers)
            said = query2.page_rows(fetched.headers)
            is_short = following is None and left is not None and rows < left
            if not counter.is_open and said in (None, rows) and (not is_short or tries == self.driver.options.tries):
                page = PageRead(number, rows, kept.bytes, kept.sha256, following)
                # A last page that came too short is no page to go on from.
                if not is_short:
                    note(page)
                return page
            self.driver.traffic.add(retries=1)
        raise MalformedResult(
            f"Page {number} of query job {self.job} came damaged {self.driver.options.tries} times: it has {rows} rows, and "
            f"says {said}.\nWhat was read before it is kept.\nGo on with the query, or run it again."
        )

    def _gone(self) -> ResultsExpired:
        return ResultsExpired(
            f"The org does not know query job {self.job} or its results any more: it keeps them for seven days.\n"
            "No data was changed; the pages that were kept are not the whole result.\nRun the query again.",
            applied=False,
        )


def _counted(pieces: Iterable[bytes], counter: RecordCounter) -> Iterator[bytes]:
    for piece in pieces:
        counter.feed(piece)
        yield piece


def read_pages(facts: Iterable[Fact]) -> list[PageRead]:
    """The pages of a query that are known, each once."""
    return list({fact.page: fact for fact in facts if isinstance(fact, PageRead)}.values())
