"""``get_batch_results(callback=...)``: release 1.0.0 has it, and the test file that came with 1.1.0 calls it."""

from __future__ import annotations

from typing import Any

import pytest

from salesforce_bulk import BulkBatchFailed

from .support import BATCH, JOB, RESULT, SECOND_RESULT, Played, batch_reply, results_reply, text_reply

FIVE = '"Id","Name"\n' + "".join(f'"00{number}","a\nb"\n' for number in range(5))
TWO_FILES = (batch_reply(), results_reply(RESULT, SECOND_RESULT))


class Calls(list[tuple[list[Any], dict[str, Any]]]):
    """A callback that remembers how it was called."""

    def __call__(self, rows: list[Any], **named: Any) -> None:
        self.append((list(rows), named))


def test_each_result_file_comes_as_text_to_read() -> None:
    """Every character is as it was sent, and the file can be read again from its begin."""
    read = list[str]()

    def callback(file: Any) -> None:
        file.read(3)
        file.seek(0)
        read.append(file.read())

    played = Played(*TWO_FILES, text_reply("Id,Name\r\n1,\xe9\x00\r\n"), text_reply("Id,Name\n2,b\n"))

    assert played.bulk.get_batch_results(JOB, BATCH, callback=callback) is True
    assert ["Id,Name\r\n1,\xe9\x00\r\n", "Id,Name\n2,b\n"] == read


@pytest.mark.parametrize(
    ("batch_size", "shape"),
    [
        (0, [(6, 6, 6)]),
        (2, [(3, 6, 3), (3, 4, 5), (2, 2, 6)]),
        (5 / 3, [(3, 6, 3), (3, 4, 5), (2, 2, 6)]),
    ],
)
def test_rows_come_in_turns_with_the_header_first(batch_size: float, shape: list[tuple[int, int, int]]) -> None:
    """Keywords ``remaining``, ``line`` and ``result_id``; a last call always."""
    calls = Calls()
    played = Played(batch_reply(), results_reply(RESULT), text_reply(FIVE))

    assert played.bulk.get_batch_results(JOB, BATCH, calls, True, batch_size) is True
    assert shape == [(len(rows), named["remaining"], named["line"]) for rows, named in calls]
    assert all(["Id", "Name"] == rows[0] and RESULT == named["result_id"] for rows, named in calls)
    assert [[f"00{number}", "a\nb"] for number in range(5)] == [row for rows, _ in calls for row in rows[1:]]


def test_going_on_from_a_line_of_a_result_file() -> None:
    """``skip_to_result`` and ``skip_lines`` take what the last call was told; the files after it come whole."""
    calls, said = Calls(), list[str]()
    third = RESULT[:-3] + "F3I"
    played = Played(
        batch_reply(),
        results_reply(RESULT, SECOND_RESULT, third),
        text_reply(FIVE),
        text_reply("Id,Name\n9,z\n"),
    )

    done = played.bulk.get_batch_results(
        BATCH, JOB, callback=calls, parse_csv=True, skip_lines=4, skip_to_result=SECOND_RESULT, logger=said.append
    )

    assert done is True
    assert [
        ([["Id", "Name"], ["003", "a\nb"], ["004", "a\nb"]], {"remaining": 2, "line": 6, "result_id": SECOND_RESULT}),
        ([["Id", "Name"], ["9", "z"]], {"remaining": 2, "line": 2, "result_id": third}),
    ] == calls
    assert f"Skipping processed bulk result '{RESULT}'" == said[0]


def test_not_done_is_false_and_failed_is_an_error() -> None:
    calls = Calls()

    assert Played(batch_reply("Queued")).bulk.get_batch_results(JOB, BATCH, callback=calls) is False
    with pytest.raises(BulkBatchFailed):
        Played(batch_reply("Failed", stateMessage="no")).bulk.get_batch_results(JOB, BATCH, callback=calls)
    assert [] == calls
