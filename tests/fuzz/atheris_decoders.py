"""Decoders fed by atheris, which looks for bytes that reach new code: ``scripts/fuzz`` runs it.

``python -m tests.fuzz.atheris_decoders TARGET FOLDER [options of libFuzzer]``: FOLDER keeps what was found to reach new code, and
is begun with the golden replies. The first two bytes of an input say how the rest is cut into pieces.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["salesforce_bulk"]):
    from .agreement import same_json_lines, same_rows, same_texts
    from .bounds import outcome_of
    from .decoders import DECODERS, Pieces

from .replies import GOLDEN, cut


def _csv(pieces: Pieces) -> None:
    same_rows(pieces)
    same_json_lines(pieces)
    same_texts(pieces)
    _each(pieces, "record_texts", "DelimitedRows", "write_csv", "write_result_files", "csv_results", "parse_errors")


def _xml(pieces: Pieces) -> None:
    _each(pieces, "documents", "xml_records", "xml_results")


def _json(pieces: Pieces) -> None:
    _each(pieces, "documents", "json_records", "json_results", "rest_rows", "columns_for")


def _gzip(pieces: Pieces) -> None:
    _each(pieces, "inflated")
    # And as the content of a stream that is whole.
    body = b"".join(pieces)
    assert body == DECODERS["inflated"](cut(gzip.compress(body, mtime=0), 50))


def _each(pieces: Pieces, *names: str) -> None:
    for name in names:
        outcome_of(lambda name=name: DECODERS[name](pieces))  # type: ignore[misc]


TARGETS: Final[dict[str, tuple[Callable[[Pieces], None], Callable[[bytes], bool]]]] = {
    "csv": (_csv, lambda body: body[:1] == b'"'),
    "xml": (_xml, lambda body: body[:1] == b"<"),
    "json": (_json, lambda body: body[:1] in b"{["),
    "gzip": (_gzip, lambda body: True),
}


def main() -> None:
    target, folder, *options = sys.argv[1:]
    run, is_seed = TARGETS[target]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, reply in enumerate(GOLDEN):
        if is_seed(reply.body):
            body = gzip.compress(reply.body, mtime=0) if target == "gzip" else reply.body
            (Path(folder) / f"golden-{number}").write_bytes(b"\xff\xff" + body)

    def one(data: bytes) -> None:
        run(cut(data[2:], int.from_bytes(data[:2], "big") or 1))

    atheris.Setup([sys.argv[0], folder, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
