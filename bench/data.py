"""Contacts for measuring: 25 columns, about 360 bytes a row, the same ones every time.

Values hold what makes CSV hard: quotes, commas, LF, CRLF, several alphabets. About one value in five is empty.

    python bench/data.py FOLDER ROWS

writes them down as the server gives them out and as the loads take them; :class:`Made` finds its way in the folder.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from itertools import accumulate
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

#: As describe names them; the others are text.
TYPES = {
    "Birthdate": "date",
    "DoNotCall": "boolean",
    "Score__c": "int",
    "Revenue__c": "double",
    "CreatedDate": "datetime",
    "SystemModstamp": "datetime",
}

#: What a load of contacts brings along: the rest is the org's to give.
LOADED = [name for name in COLUMNS if name not in ("Id", "OwnerId", "CreatedDate", "SystemModstamp")]

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


def values(first: int, count: int) -> Iterator[list[Any]]:
    """*count* rows from number *first* on, in the order of COLUMNS, typed; ``None`` is no value."""
    # Random.random() gives the same numbers in every version of Python; its other methods may not.
    chance = random.Random(47 + first).random
    for number in range(first, first + count):
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
            _any(_TITLE, chance()) or None,
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
            _any(_DESCRIPTION, chance()) or None,
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


@cache
def _pool(typed: bool) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row if typed else map(text, row), strict=True)) for row in values(0, 2_000)]


def dict_rows(count: int, *, typed: bool = False) -> Iterator[dict[str, Any]]:
    """*count* dicts, each a new one with a key of its own; otherwise 2,000 of them in turn, so that they cost little.

    All values are text; *typed*, they are also numbers, booleans, dates and ``None``.
    """
    pool = _pool(typed)
    for number in range(count):
        row = pool[number % len(pool)].copy()
        row["Key__c"] = f"KEY-{number:09d}"
        yield row


# -- on disk ------------------------------------------------------------------------------------------------------------

#: Goes up when what stands in the folder changes.
FORMAT = 1
PAGE_ROWS = 50_000
#: Results of a load come in gzip members of so many rows.
MEMBER_ROWS = 10_000

Place = tuple[int, int]


@dataclass(frozen=True)
class Made:
    """A folder of data: ``rows`` contacts, as query results, as input of a load, and as the results of that load.

    ==================== ==================================================================================================
    ``whole.csv``        the result of a query: header and all rows, every value quoted
    ``whole.csv.gz``     the same in gzip members: the header, then ``page_rows`` rows each (``members``: offset, length)
    ``pages.gz``         the same as pages of one member each, header first (``pages``)
    ``load.csv``         what a load sends: fewer columns, quoted where it must be (``load.places``: where each row begins)
    ``outcomes.gz``      the successful results of that load in members of ``member_rows`` rows (``outcomes``)
    ``outcomes.places``  where each row begins in its member, inflated
    ==================== ==================================================================================================
    """

    folder: Path
    rows: int
    page_rows: int
    member_rows: int
    members: list[Place]
    pages: list[Place]
    outcomes: list[Place]

    @classmethod
    def open(cls, folder: Path) -> Made:
        return cls(folder, **json.loads((folder / "made.json").read_text("utf-8")))

    @property
    def whole(self) -> Path:
        return self.folder / "whole.csv"

    @property
    def load(self) -> Path:
        return self.folder / "load.csv"

    def places(self, name: str) -> array[int]:
        found = array("q")
        data = (self.folder / f"{name}.places").read_bytes()
        found.frombytes(data)
        return found

    def more(self, rows: int) -> Path:
        """``load.csv`` with *rows* rows: cut, or repeated. Written when it is first asked for."""
        if rows == self.rows:
            return self.load
        path = self.folder / f"load-{rows}.csv"
        if not path.exists():
            places = self.places("load")
            with self.load.open("rb") as given, _whole_file(path) as file:
                file.write(given.read(places[0]))
                for first in range(0, rows, self.rows):
                    given.seek(places[0])
                    left = places[min(self.rows, rows - first)] - places[0]
                    while left:
                        left -= file.write(given.read(min(left, 1 << 20)))
        return path


def header(names: Iterable[str]) -> bytes:
    return (",".join(f'"{name}"' for name in names) + "\n").encode()


def lines(rows: Iterable[Sequence[str]], quoting: int) -> list[bytes]:
    """Each row as it stands in a file."""
    made: list[bytes] = []
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    for row in rows:
        writer.writerow(row)
        made.append(buffer.getvalue().encode())
        buffer.seek(0)
        buffer.truncate()
    return made


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _page(first: int, *, rows: int, member_rows: int) -> dict[str, Any]:
    """What belongs to the *rows* contacts from number *first* on; made in a process of its own."""
    texts = [[text(value) for value in row] for row in values(first, rows)]
    places = [COLUMNS.index(name) for name in LOADED]
    loaded = [[row[place] for place in places] for row in texts]
    load = lines(loaded, csv.QUOTE_MINIMAL)
    whole = b"".join(lines(texts, csv.QUOTE_ALL))
    answers = lines(([row[0], "true", *sent] for row, sent in zip(texts, loaded, strict=True)), csv.QUOTE_ALL)
    groups = [answers[start : start + member_rows] for start in range(0, rows, member_rows)]
    return {
        "whole": whole,
        "member": _packed(whole),
        "page": _packed(header(COLUMNS) + whole),
        "load": b"".join(load),
        "load_lengths": array("q", map(len, load)),
        "outcomes": [_packed(b"".join(group)) for group in groups],
        "outcome_places": array(
            "q", [place for group in groups for place in accumulate(map(len, group[:-1]), initial=0)]
        ),
    }


def make(folder: Path, rows: int) -> Made:
    """Write everything for *rows* contacts into *folder*, on all processors."""
    import multiprocessing  # here, for what a measured process imports is measured

    page_rows = min(PAGE_ROWS, max(1, rows // 4))
    member_rows = min(MEMBER_ROWS, max(1, page_rows // 5))
    if rows % page_rows or page_rows % member_rows:
        raise SystemExit(
            f"{rows} rows are not pages of {page_rows} rows and members of {member_rows}: take a rounder number"
        )
    folder.mkdir(parents=True, exist_ok=True)
    members: list[Place] = []
    pages: list[Place] = []
    outcomes: list[Place] = []
    names = ("whole.csv", "whole.csv.gz", "pages.gz", "load.csv", "load.places", "outcomes.gz", "outcomes.places")
    whole, whole_gz, pages_gz, load, load_places, outcomes_gz, outcome_places = (
        (folder / name).open("wb") for name in names
    )
    whole.write(header(COLUMNS))
    members.append((0, whole_gz.write(_packed(header(COLUMNS)))))
    place = load.write((",".join(LOADED) + "\n").encode())
    with multiprocessing.Pool() as pool:
        part = partial(_page, rows=page_rows, member_rows=member_rows)
        for made in pool.imap(part, range(0, rows, page_rows)):
            whole.write(made["whole"])
            members.append((whole_gz.tell(), whole_gz.write(made["member"])))
            pages.append((pages_gz.tell(), pages_gz.write(made["page"])))
            load.write(made["load"])
            *starts, place = accumulate(made["load_lengths"], initial=place)
            load_places.write(array("q", starts).tobytes())
            for member in made["outcomes"]:
                outcomes.append((outcomes_gz.tell(), outcomes_gz.write(member)))
            outcome_places.write(made["outcome_places"].tobytes())
    load_places.write(array("q", [place]).tobytes())
    for file in (whole, whole_gz, pages_gz, load, load_places, outcomes_gz, outcome_places):
        file.close()
    done = Made(folder, rows, page_rows, member_rows, members, pages, outcomes)
    described = asdict(done)
    del described["folder"]
    with _whole_file(folder / "made.json") as file:
        file.write(json.dumps(described).encode())
    return done


class _whole_file:
    """A file that appears under its name when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path, self._partial = path, path.with_name(path.name + ".partial")

    def __enter__(self) -> io.BufferedWriter:
        self._file = self._partial.open("wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._file.close()
        if kind is None:
            os.replace(self._partial, self._path)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
