"""The result pages of a query job, opened ahead of their reader, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from ..errors import MalformedResult
from ..protocol import query2
from ..protocol.messages import Request
from .drive import Driver, Fetched

#: Rows a page. Larger ones were seen to stall in the org without a word, smaller ones cost more requests than they
#: save (field notes, 33).
PAGE_ROWS: Final = 50_000
#: Pages that are open at once: the one that is read, and the next one, whose body arrives meanwhile. A third one
#: won nothing and took 4 MB.
OPEN_PAGES: Final = 2
#: A page up to this size is looked over before any of it is handed out. A larger one streams: that rows of it are missing
#: is found out at its end, by whoever counts them, and then it is an error or the whole result is read again.
HELD_BYTES: Final = 256 * 1024

#: (pieces of a whole page, how many rows it should have, where that is known) -> whether it is whole.
IsSound = Callable[[Sequence[bytes], int | None], bool]


class Page:
    """One page of results: its CSV, header first, to be read once; ``rows`` is the number that the org says it has."""

    def __init__(self, number: int, fetched: Fetched) -> None:
        self.number = number
        self.rows = query2.page_rows(fetched.headers)
        self.pieces = fetched.pieces
        self.close = fetched.close


def opened(driver: Driver, request: Request, is_sound: IsSound, rows: int | None = None) -> Fetched:
    """A page, or another file of results, of *rows* rows where its head does not say. One that is small and found damaged is
    fetched again; the last try is handed out as it is, for its reader to refuse."""
    tries = 1
    while True:
        fetched = driver.fetch(request)
        held: list[bytes] = []
        size = 0
        for piece in fetched.pieces:
            held.append(piece)
            size += len(piece)
            if size > HELD_BYTES:
                return Fetched(fetched.headers, _joined(held, fetched.pieces), fetched.close)
        said = query2.page_rows(fetched.headers)
        if tries >= driver.options.tries or is_sound(held, rows if said is None else said):
            return Fetched(fetched.headers, iter(held), fetched.close)
        driver.traffic.add(retries=1)
        tries += 1


def _joined(held: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    while held:
        yield held.pop(0)
    yield from rest


def pages(
    driver: Driver,
    job: str,
    is_sound: IsSound,
    *,
    expected: int | None = None,
    page_rows: int | None = PAGE_ROWS,
    parallel: bool = True,
) -> Iterator[Page]:
    """All pages of a finished query job, in order.

    With *parallel* the org is asked for the links of all pages, and the next few are opened while one is read. Where it
    offers none, each page names the next one in its head, so the next is opened as soon as the head of the last is there.
    A page that names none, though the job has more rows (*expected*), is asked for again.
    """
    locators = driver.perform(query2.all_links(job)) if parallel else None
    if locators:
        yield from _linked(driver, job, locators, is_sound)
    else:
        yield from _chained(driver, job, page_rows, is_sound, expected)


def _linked(driver: Driver, job: str, locators: list[str | None], is_sound: IsSound) -> Iterator[Page]:
    ahead: deque[Future[Fetched]] = deque()
    todo = iter(locators)
    with ThreadPoolExecutor(OPEN_PAGES) as opener:
        try:
            for number in range(len(locators)):
                while len(ahead) < OPEN_PAGES and (locator := next(todo, _END)) is not _END:
                    ahead.append(opener.submit(opened, driver, query2.results(job, locator), is_sound))
                fetched = ahead.popleft().result()
                yield from _one(Page(number, fetched))
        finally:
            _close_all(ahead)


def _chained(
    driver: Driver, job: str, page_rows: int | None, is_sound: IsSound, expected: int | None
) -> Iterator[Page]:
    def fetch(locator: str | None, before: int | None) -> Fetched:
        """The page at *locator*, *before* which there are so many rows."""
        request = query2.results(job, locator, page_rows)
        for _ in range(1, driver.options.tries):
            fetched = opened(driver, request, is_sound)
            rows = query2.page_rows(fetched.headers)
            is_last = query2.next_locator(fetched.headers) is None
            if not is_last or None in (expected, before, rows) or before + rows >= expected:  # type: ignore[operator]
                return fetched
            fetched.close()
            driver.traffic.add(retries=1)
        return opened(driver, request, is_sound)

    seen: set[str] = set()
    ahead: deque[Future[Fetched]] = deque()
    with ThreadPoolExecutor(1) as opener:
        try:
            ahead.append(opener.submit(fetch, None, 0))
            number = 0
            before: int | None = 0
            while ahead:
                fetched = ahead.popleft().result()
                locator = query2.next_locator(fetched.headers)
                rows = query2.page_rows(fetched.headers)
                before = None if before is None or rows is None else before + rows
                if locator is not None:
                    if locator in seen:
                        fetched.close()
                        raise MalformedResult(
                            f"Page {number} of query job {job} leads back to a page that was read before.\n"
                            "What was read is not complete.\nRun the query again."
                        )
                    seen.add(locator)
                    ahead.append(opener.submit(fetch, locator, before))
                yield from _one(Page(number, fetched))
                number += 1
        finally:
            _close_all(ahead)


def _one(page: Page) -> Iterator[Page]:
    try:
        yield page
    finally:
        page.close()


#: Stands for "no locator any more", for None is the first page's.
_END: Final = "\0"


def _close_all(ahead: deque[Future[Fetched]]) -> None:
    """Give up pages that nobody will read."""
    for future in ahead:
        if not future.cancel() and future.exception() is None:
            future.result().close()
