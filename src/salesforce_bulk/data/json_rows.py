"""JSON results -> records and row results, in constant memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any, Final, NoReturn

from ..errors import MalformedResult
from ..records import RecordError, RowResult
from .streams import Texts, unless_no_records

#: How near the end of the text an error can stand that only means "the rest has not come yet": an escape (``\\u1234``
#: twice, for a pair) or a literal (``-Infinity``) is cut at most this far from it.
_CUT: Final = 16


def json_records(
    pieces: Iterable[bytes], *, attributes: bool = False, parse_float: Callable[[str], Any] = float
) -> Iterator[dict[str, Any]]:
    """The records of a JSON query result. Parents are nested dicts.

    Args:
        attributes: Keep the ``attributes`` (``type`` and ``url``) that the org adds to every record and parent.
        parse_float: What makes numbers with a point, such as ``decimal.Decimal``.

    Raises:
        MalformedResult: It is not an array of objects, or it is cut off.
    """
    hook = None if attributes else _without_attributes
    decoder = json.JSONDecoder(object_hook=hook, parse_float=parse_float, parse_constant=_refuse_constant)
    return _objects(pieces, decoder)


def _without_attributes(found: dict[str, Any]) -> dict[str, Any]:
    value = found.get("attributes")
    if isinstance(value, dict) and "type" in value:
        del found["attributes"]
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise MalformedResult(f"The JSON result contains {word}, which is not JSON. Fetch it again.")


def json_results(pieces: Iterable[bytes]) -> Iterator[RowResult]:
    """The results of a JSON batch, one per input row, in input order."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    for row, found in enumerate(_objects(pieces, decoder)):
        success, created = found.get("success"), found.get("created")
        if not isinstance(success, bool):
            raise MalformedResult(
                f"Row {row} of the results has neither true nor false in 'success'. "
                "What became of the rows from there on is not known; fetch the result again.",
                row=row,
                column="success",
            )
        identity = found.get("id")
        yield RowResult(
            id=str(identity) if identity else None,
            success=success,
            created=created is True,
            errors=tuple(_error(error) for error in _list(found.get("errors")) if isinstance(error, dict)),
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _error(found: dict[str, Any]) -> RecordError:
    fields = found.get("fields") or ()
    return RecordError(
        code=str(found.get("statusCode") or ""),
        message=str(found.get("message") or ""),
        fields=tuple(str(name) for name in fields) if isinstance(fields, list) else (str(fields),) if fields else (),
    )


class _Text:
    """Decoded text that comes in at one end and is used up at the other."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._texts = Texts(pieces)
        self.text = ""
        self.at = 0

    def more(self) -> bool:
        """Drop what was used, and at least double what is left: so no character is looked at more than a few times."""
        left = self.text[self.at :]
        try:
            new = self._texts.more(len(left))
        except UnicodeDecodeError as error:
            raise MalformedResult(
                "The JSON result is not valid UTF-8: it is cut off or damaged. Fetch it again."
            ) from error
        self.text, self.at = left + new, 0
        return bool(new)

    def next_character(self) -> str:
        """The next character that is not white space, or "" at the end."""
        while True:
            self.at = WHITESPACE.match(self.text, self.at).end()
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def next_object(self, decoder: json.JSONDecoder, row: int) -> dict[str, Any]:
        while True:
            try:
                found, self.at = decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self.text) - _CUT or error.msg.startswith("Unterminated string")
                if cut and self.more():
                    continue
                raise _broken(error.msg, row) from error
            except ValueError as error:  # thousands of digits, which Python makes no integer of
                raise _broken("it has a number that is none", row) from error
            except RecursionError as error:
                raise _broken("it is nested too deeply", row) from error
            result: dict[str, Any] = found
            return result


def _broken(why: str, row: int) -> MalformedResult:
    return MalformedResult(
        f"The JSON result is broken or cut off in record {row}: {why}. "
        "Its records from there on were not read. Fetch the result again.",
        row=row,
    )


def _objects(pieces: Iterable[bytes], decoder: json.JSONDecoder) -> Iterator[dict[str, Any]]:
    text = _Text(unless_no_records(pieces))
    row = 0
    first = text.next_character()
    if first == "":
        return
    if first != "[":
        raise MalformedResult("The JSON result is not an array of records. It was not read.")
    text.at += 1
    if text.next_character() == "]":
        text.at += 1
    else:
        while True:
            if text.next_character() != "{":
                raise _broken("an object was expected", row)
            yield text.next_object(decoder, row)
            row += 1
            mark = text.next_character()
            text.at += 1
            if mark == "]":
                break
            if mark != ",":
                raise _broken("a comma was expected", row)
    if text.next_character():
        raise _broken("there is more after its end", row)
