"""Contacts for measuring: 25 columns, about 360 bytes a row, the same ones every time.

Values hold what makes CSV hard: quotes, commas, LF, CRLF, several alphabets. About one value in five is empty.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

COLUMNS = [
    "Id",
    "AccountId",
    "OwnerId",
    "Salutation",
    "FirstName",
    "LastName",
    "Title",
    "Department",
    "Email",
    "Phone",
    "MobilePhone",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "LeadSource",
    "Birthdate",
    "Description",
    "DoNotCall",
    "Score__c",
    "Revenue__c",
    "CreatedDate",
    "SystemModstamp",
    "Key__c",
]

_FIRST = [
    "Ada",
    "Grace",
    "Zdeněk",
    "Şule",
    "Ελένη",
    "Дмитрий",
    "花子",
    "محمد",
    "נועם",
    "Jürgen",
    "Renée",
    "Íñigo",
    "Anh",
    "Kwame",
    "Nils",
    "Beatriz",
]
_LAST = [
    "Ng",
    "O'Neill",
    "Lindqvist",
    "Szczepański",
    "Παπαδοπούλου",
    "Иванова",
    "田中",
    "Ferreira Gomes",
    "D’Souza",
    "Weiß",
]
_TITLE = [
    "Buyer",
    "Head of Procurement",
    "Engineer, Test",
    'Chief "Yes" Officer',
    "CTO",
    "Lead, Field Service (North)",
    "",
]
_STREET = [
    "Harbour Road",
    "Via dei Mille",
    "Straße des 17. Juni",
    "Avenue de la République",
    "Ulica Długa",
    "桜通り",
    "5th Ave",
]
_PLACE = [
    ("Göteborg", "", "411 04", "Sweden"),
    ("Porto", "", "4000-123", "Portugal"),
    ("Columbus", "OH", "43004", "United States"),
    ("大阪", "", "530-0001", "Japan"),
    ("Львів", "", "79000", "Ukraine"),
    ("Winnipeg", "MB", "R2C 0A1", "Canada"),
]
_DESCRIPTION = [
    *[""] * 5,
    "Asked for prices in writing; decides with two others, in spring.",
    'Calls the small model "the mouse", and wants ten.',
    "First line of a note,\nsecond line of it.",
    'Pasted from a mail:\r\n> is it "urgent"?\r\nNot before May.',
    "Speaks français, 日本語 and English.",
    "Met at the fair.",
]
_SOURCE = ["Web", "Fair", "Partner, referred", "Phone", ""]
_EPOCH = datetime(2019, 1, 1, tzinfo=UTC)


def values(count: int, *, quotes: bool = True) -> Iterator[list[Any]]:
    """*count* rows in the order of COLUMNS, typed; ``None`` is no value. Without *quotes* no value holds a quote."""
    # Random.random() gives the same numbers in every version of Python; its other methods may not.
    chance = random.Random(47).random
    descriptions = _DESCRIPTION if quotes else [text.replace('"', "'") for text in _DESCRIPTION]
    titles = _TITLE if quotes else [text.replace('"', "'") for text in _TITLE]
    for number in range(count):
        first, last = _any(_FIRST, chance()), _any(_LAST, chance())
        city, state, code, country = _any(_PLACE, chance())
        created = _EPOCH + timedelta(seconds=int(chance() * 200_000_000))
        yield [
            f"003Qz{number:010d}AAV",
            f"001Qz{int(chance() * 90_000):010d}AAH" if chance() < 0.9 else None,
            f"005Qz{int(chance() * 50):010d}AA2",
            "Dr." if chance() < 0.1 else None,
            first,
            last,
            _any(titles, chance()) or None,
            "Research & Development, Lab 2" if chance() < 0.4 else None,
            f"contact.{number}@company-{int(chance() * 900)}.example" if chance() < 0.85 else None,
            f"+46 31 {int(chance() * 9_000_000) + 1_000_000}" if chance() < 0.85 else None,
            f"+1 ({int(chance() * 800) + 200}) 555-{int(chance() * 9000) + 1000}" if chance() < 0.5 else None,
            f"{_any(_STREET, chance())} {number % 997}" + ("\nc/o Reception" if chance() < 0.1 else ""),
            city,
            state or None,
            code,
            country,
            _any(_SOURCE, chance()) or None,
            date(1940, 1, 1) + timedelta(days=int(chance() * 22_000)) if chance() < 0.65 else None,
            _any(descriptions, chance()) or None,
            chance() < 0.3,
            int(chance() * 1000) if chance() < 0.75 else None,
            int(chance() * 90_000_000) / 100 if chance() < 0.65 else None,
            created,
            created + timedelta(seconds=int(chance() * 10_000_000)),
            f"KEY-{number:09d}",
        ]


def _any(choices: list[Any], chance: float) -> Any:
    return choices[int(chance * len(choices))]


def text(value: Any) -> str:
    """*value* as the org writes it in a CSV result."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return str(value)


def write_results(folder: Path, count: int, *, quotes: bool = True) -> None:
    """What the server gives out: *count* rows as a query result, plain and gzip.

    ``whole.csv``, ``whole.csv.gz``: with the header. ``rows.csv``, ``rows.csv.gz``: without; put behind a whole one, they
    make it longer.
    """
    with open(folder / "rows.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(map(text, row) for row in values(count, quotes=quotes))
    rows = (folder / "rows.csv").read_bytes()
    whole = (",".join(f'"{name}"' for name in COLUMNS) + "\n").encode() + rows
    (folder / "whole.csv").write_bytes(whole)
    (folder / "whole.csv.gz").write_bytes(gzip.compress(whole, 6, mtime=0))
    (folder / "rows.csv.gz").write_bytes(gzip.compress(rows, 6, mtime=0))


@cache
def _pool(typed: bool) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row if typed else map(text, row), strict=True)) for row in values(2_000)]


def dict_rows(count: int, *, typed: bool = False) -> Iterator[dict[str, Any]]:
    """*count* dicts, each a new one with a key of its own; otherwise 2,000 of them in turn, so that they cost little.

    All values are text; *typed*, they are also numbers, booleans, dates and ``None``.
    """
    pool = _pool(typed)
    for number in range(count):
        row = pool[number % len(pool)].copy()
        row["Key__c"] = f"KEY-{number:09d}"
        yield row
