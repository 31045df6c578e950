"""Result pages, opened ahead of their reader."""

from __future__ import annotations

from collections.abc import Mapping

from salesforce_bulk.engine.drive import Driver
from salesforce_bulk.engine.extract import pages
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.session import Access, Addressed, filled
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.scripted import Scripted


class Anybody(Access):
    def url(self, request: Addressed) -> str:
        return "https://acme.my.salesforce.com" + filled(request, "66.0")

    def headers(self, request: Addressed) -> dict[str, str]:
        return dict(request.headers)

    def renew(self, refused: Mapping[str, str]) -> bool:
        return False


class Counting:
    """A transport of three pages that knows which answers are open."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.sent = 0

    def send(self, outgoing: Outgoing) -> Scripted:
        number = self.sent
        self.sent += 1
        self.open.add(number)
        transport = self

        class Answer(Scripted):
            def close(self) -> None:
                transport.open.discard(number)

            def __exit__(self, *_: object) -> None:
                self.close()

        following = f"L{number + 1}" if number < 2 else "null"
        return Answer(200, b'"Id"\n"%d"\n' % number, {"sforce-locator": following, "sforce-numberofrecords": "1"})

    def close(self) -> None:
        pass


def test_the_pages_come_in_order_with_what_they_say_of_themselves() -> None:
    transport = Counting()
    read = [
        (page.number, page.rows, b"".join(page.pieces))
        for page in pages(Driver(Anybody(), transport, TransportOptions()), "750", parallel=False)
    ]

    assert [(n, 1, b'"Id"\n"%d"\n' % n) for n in range(3)] == read
    assert set() == transport.open


def test_pages_that_nobody_reads_give_their_connections_back() -> None:
    """Neither the one that was handed out nor the one that was opened ahead stays open."""
    transport = Counting()
    opened = pages(Driver(Anybody(), transport, TransportOptions()), "750", parallel=False)
    next(opened)
    opened.close()  # type: ignore[attr-defined]

    assert set() == transport.open
