"""Result pages, opened ahead of their reader."""

from __future__ import annotations

from tests.support.access import Anybody

from salesforce_bulk.engine.drive import Driver
from salesforce_bulk.engine.extract import HELD_BYTES, pages
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport
from salesforce_bulk.verbs.soundness import is_sound


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
        for page in pages(Driver(Anybody(), transport, TransportOptions()), "750", is_sound, parallel=False)
    ]

    assert [(n, 1, b'"Id"\n"%d"\n' % n) for n in range(3)] == read
    assert set() == transport.open


def test_pages_that_nobody_reads_give_their_connections_back() -> None:
    """Neither the one that was handed out nor the one that was opened ahead stays open."""
    transport = Counting()
    opened = pages(Driver(Anybody(), transport, TransportOptions()), "750", is_sound, parallel=False)
    next(opened)
    opened.close()  # type: ignore[attr-defined]

    assert set() == transport.open


def page(body: bytes, rows: int, locator: str | None = "null") -> Scripted:
    head = {"sforce-numberofrecords": str(rows)}
    return Scripted(200, [body], head if locator is None else {**head, "sforce-locator": locator})


def read(*answers: Scripted, expected: int | None = None) -> tuple[bytes, Driver]:
    driver = Driver(Anybody(), ScriptedTransport(answers), TransportOptions(tries=3))
    found = pages(driver, "750", is_sound, expected=expected, parallel=False)
    return b"".join(piece for page in found for piece in page.pieces), driver


def test_a_small_page_that_came_short_is_fetched_again() -> None:
    """Before any of it is handed out; so is one with a quote too few."""
    whole = b'"Id"\n"1"\n"2"\n'

    got, driver = read(page(b'"Id"\n"1"\n', 2), page(b'"Id"\n"1"\n2"\n', 2), page(whole, 2))

    assert whole == got
    assert (3, 2) == (driver.traffic.requests, driver.traffic.retries)


def test_a_page_that_stays_short_is_handed_out_for_its_reader_to_refuse() -> None:
    short = b'"Id"\n"1"\n'

    got, driver = read(*[page(short, 2)] * 3)

    assert short == got
    assert 3 == driver.traffic.requests


def test_a_large_page_streams() -> None:
    """It is not held, whatever is wrong with it."""
    body = b'"Id"\n' + b'"1"\n' * HELD_BYTES

    got, driver = read(page(body, 1))

    assert body == got
    assert 1 == driver.traffic.requests


def test_a_page_without_a_locator_is_asked_for_again_when_the_job_has_more_rows() -> None:
    first, second = b'"Id"\n"1"\n', b'"Id"\n"2"\n'

    got, driver = read(page(first, 1, None), page(first, 1, "L1"), page(second, 1), expected=2)

    assert first + second == got
    assert (3, 1) == (driver.traffic.requests, driver.traffic.retries)


def test_a_last_page_without_a_locator_is_taken_as_it_is() -> None:
    """Proxies strip the header."""
    got, driver = read(page(b'"Id"\n"1"\n', 1, None), expected=1)

    assert b'"Id"\n"1"\n' == got
    assert 1 == driver.traffic.requests
