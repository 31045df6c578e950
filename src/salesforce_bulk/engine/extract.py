"""The result pages of a query job, opened ahead of their reader, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from ..errors import MalformedResult
from ..protocol import query2
from .drive import Driver, Fetched

#: Rows a page. Larger ones were seen to stall in the org without a word, smaller ones cost more requests than they
#: save (field notes, 33).
PAGE_ROWS: Final = 50_000
#: Pages that are open at once: the one that is read, and the next ones, whose bodies arrive meanwhile.
OPEN_PAGES: Final = 3


class Page:
    """One page of results: its CSV, header first, to be read once; ``rows`` is the number that the org says it has."""

    def __init__(self, number: int, fetched: Fetched) -> None:
        self.number = number
        self.rows = query2.page_rows(fetched.headers)
        self.pieces = fetched.pieces
        self.close = fetched.close


def pages(driver: Driver, job: str, *, page_rows: int | None = PAGE_ROWS, parallel: bool = True) -> Iterator[Page]:
    """All pages of a finished query job, in order.

    With *parallel* the org is asked for the links of all pages, and the next few are opened while one is read. Where it
    offers none, each page names the next one in its head, so the next is opened as soon as the head of the last is there.
    """
    locators = driver.perform(query2.all_links(job)) if parallel else None
    if locators:
        yield from _linked(driver, job, locators)
    else:
        yield from _chained(driver, job, page_rows)


def _linked(driver: Driver, job: str, locators: list[str | None]) -> Iterator[Page]:
    ahead: deque[Future[Fetched]] = deque()
    todo = iter(locators)
    with ThreadPoolExecutor(OPEN_PAGES) as opener:
        try:
            for number in range(len(locators)):
                while len(ahead) < OPEN_PAGES and (locator := next(todo, _END)) is not _END:
                    ahead.append(opener.submit(driver.fetch, query2.results(job, locator)))
                fetched = ahead.popleft().result()
                yield from _one(Page(number, fetched))
        finally:
            _close_all(ahead)


def _chained(driver: Driver, job: str, page_rows: int | None) -> Iterator[Page]:
    seen: set[str] = set()
    ahead: deque[Future[Fetched]] = deque()
    with ThreadPoolExecutor(1) as opener:
        try:
            ahead.append(opener.submit(driver.fetch, query2.results(job, None, page_rows)))
            number = 0
            while ahead:
                fetched = ahead.popleft().result()
                locator = query2.next_locator(fetched.headers)
                if locator is not None:
                    if locator in seen:
                        fetched.close()
                        raise MalformedResult(
                            f"Page {number} of query job {job} leads back to a page that was read before.\n"
                            "What was read is not complete.\nRun the query again."
                        )
                    seen.add(locator)
                    ahead.append(opener.submit(driver.fetch, query2.results(job, locator, page_rows)))
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
