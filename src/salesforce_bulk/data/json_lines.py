"""Result pages -> JSON lines, column by column: the bytes are those of :func:`.sinks.write_jsonl`, at a fraction of the time.

Most cells are written as they stand: a pattern proves that the text of the cell is what ``json`` would make of its value.
What the pattern does not know goes through Python's own converters and encoder, value by value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any, Final

from ..errors import MalformedResult
from ..frozen import frozen
from .ahead import in_order
from .arrow_csv import block_reader, shifted
from .arrow_types import typed_array
from .arrow_values import bool_scalar, int_scalar, text_array, text_of_all, text_scalar
from .blocks import BLOCK_BYTES, Block, PageBlocks, Pages, close
from .converters import DoesNotFit, lenient_values
from .extras import has_pyarrow, pyarrow
from .schema import Column, Columns, ColumnType, columns_of
from .sinks import BinaryFile, write_jsonl
from .typed import TypedDictRows, checked
from .values import text_of

_WHAT: Final = "Writing JSON lines this way"
THREADS: Final = 2

#: What ``json`` escapes when it need not be ASCII, and the bytes that are no part of it.
_ESCAPED: Final = r'[\x00-\x1f"\\]'
_PLAIN_BYTES: Final = bytes(byte for byte in range(0x20, 0x100) if byte not in b'"\\')
#: Numbers that Python writes exactly so. Of integers, at most 18 digits are surely 64 bits.
_INTEGER: Final = r"\A(?:0|-?[1-9][0-9]{0,17})\z"
_POINT_ZERO: Final = r"\A(0|-?[1-9][0-9]{0,17})\.0\z"
#: ``repr`` writes a float in the fewest digits that tell it from its neighbours, without exponent from 1e-4 up to 1e16; and
#: up to 15 digits each decimal number has a float of its own (IEEE 754: DBL_DIG), so a text without idle zeros is that.
_DOUBLE: Final = r"\A-?(?:(?:0|[1-9][0-9]*)\.0|[1-9][0-9]*\.[0-9]*[1-9]|0\.0{0,3}(?:[1-9]|[1-9][0-9]*[1-9]))\z"
_DOUBLE_BYTES: Final = 16
_DAYS: Final = ColumnType.DATE, ColumnType.DATETIME


def write_json_lines(
    pages: Pages, columns: Columns, file: BinaryFile, *, threads: int = THREADS, block_bytes: int = BLOCK_BYTES
) -> tuple[int, dict[str, int]]:
    """Write one JSON object a line, UTF-8. Returns the number of rows, and the columns that had values of another type
    than their own with how many: as :class:`.typed.TypedDictRows` says of the same rows, and :func:`.sinks.write_jsonl`
    writes them.

    Without pyarrow that is also how it is done.

    Raises:
        MalformedResult: See :class:`.blocks.PageBlocks`. The file is not whole.
    """
    if not has_pyarrow():
        rows = TypedDictRows(pages, columns, use_pyarrow=False)
        return write_jsonl(rows, file), rows.fallbacks
    blocks = PageBlocks(pages, block_bytes)
    count = 0
    misfits: Counter[str] = Counter()
    lines: Iterator[_Lines] = iter(())
    try:
        found = checked(columns_of(columns, blocks.header), blocks.header)
        if found:
            lines = in_order(blocks, _maker(found), threads=threads)
        for block in lines:
            file.write(block.data)
            count += block.rows
            misfits.update(block.misfits)
    except MalformedResult as error:
        raise shifted(error, count) from None
    finally:
        close(lines)
        close(blocks)
    return count, dict(misfits)


@frozen
class _Lines:
    data: Any
    rows: int
    misfits: dict[str, int]


def _maker(columns: Sequence[Column]) -> Callable[[Block], _Lines]:
    """A function of a block of CSV. Usable in several threads."""
    pa, pc = pyarrow(_WHAT), pyarrow(_WHAT, "pyarrow.compute")
    read = block_reader(len(columns), _WHAT)
    # A name that comes twice is one member, as in a dict: at the place of the first, with the value of the last.
    last = {column.name: at for at, column in enumerate(columns)}
    names = [encode_basestring(name) for name in last]

    def make(block: Block) -> _Lines:
        texts = read(block)
        misfits: dict[str, int] = {}
        parts: list[Any] = []
        text = "{"
        for (name, at), encoded in zip(last.items(), names, strict=True):
            values, strange = _json(pa, pc, texts[at], columns[at].type)
            if strange:
                misfits[name] = strange
            # Quotes in the text between two cells cost nothing; around each cell, as much as all the rest.
            quote = '"' if columns[at].type is ColumnType.TEXT and not texts[at].null_count else ""
            parts += [text_scalar(f"{text}{encoded}:{quote}"), values]
            text = f"{quote},"
        parts.append(text_scalar(text.removesuffix(",") + "}\n"))
        return _Lines(text_of_all(pc.binary_join_element_wise(*parts, text_scalar(""))), len(texts[0]), misfits)

    return make


# -- one column ---------------------------------------------------------------------------------------------------------


def _json(pa: Any, pc: Any, texts: Any, type_: ColumnType) -> tuple[Any, int]:
    """An array of cells as one of JSON texts, and how many cells were no values of the type."""
    if type_ is ColumnType.TEXT:
        return _strings(pc, texts), 0
    if type_ in _DAYS:
        try:
            moments = typed_array(texts, type_)
        except DoesNotFit:
            pass
        else:
            return _moments(pa, pc, moments, type_), 0
        return _by_value(pc, texts, None, type_)
    if type_ is ColumnType.BOOLEAN:
        plain = pc.is_in(texts, value_set=text_array(("true", "false")))
    elif type_ is ColumnType.INTEGER:
        if pc.any(pc.ends_with(texts, ".0"), min_count=0).as_py():  # as some orgs write them all (field notes, 49)
            texts = pc.replace_substring_regex(texts, _POINT_ZERO, r"\1")
        plain = pc.match_substring_regex(texts, _INTEGER)
    elif type_ is ColumnType.DOUBLE:
        short = pc.less_equal(pc.binary_length(texts), int_scalar(_DOUBLE_BYTES))
        plain = pc.and_(short, pc.match_substring_regex(texts, _DOUBLE))
    else:
        plain = None
    return _by_value(pc, texts, plain, type_)


def _strings(pc: Any, texts: Any) -> Any:
    """Without quotes where no cell is null: see :func:`_maker`."""
    whole = _around(pc, '"', texts, '"') if texts.null_count else texts
    if bytes(text_of_all(texts)).translate(None, _PLAIN_BYTES):
        escaped = pc.fill_null(pc.match_substring_regex(texts, _ESCAPED), bool_scalar(False))
        ours = [encode_basestring(text) for text in texts.filter(escaped).to_pylist()]
        if whole is texts:
            ours = [text[1:-1] for text in ours]
        whole = pc.replace_with_mask(whole, escaped, text_array(ours))
    return _or_null(pc, whole)


def _moments(pa: Any, pc: Any, moments: Any, type_: ColumnType) -> Any:
    """In the org's own form; see :func:`.values.text_of`."""
    if type_ is ColumnType.DATE:
        return _or_null(pc, _around(pc, '"', moments.cast(pa.string()), '"'))
    texts = moments.cast(pa.timestamp("ms")).cast(pa.string())
    texts = pc.binary_replace_slice(texts, 10, 11, "T")
    return _or_null(pc, _around(pc, '"', texts, 'Z"'))


def _around(pc: Any, before: str, texts: Any, after: str) -> Any:
    return pc.binary_join_element_wise(text_scalar(before), texts, text_scalar(after), text_scalar(""))


def _or_null(pc: Any, texts: Any) -> Any:
    return pc.fill_null(texts, text_scalar("null")) if texts.null_count else texts


def _by_value(pc: Any, texts: Any, plain: Any, type_: ColumnType) -> tuple[Any, int]:
    """Cells that are *plain* stay as they are; the others are converted and encoded one by one."""
    rest = pc.is_valid(texts) if plain is None else pc.fill_null(pc.invert(plain), bool_scalar(False))
    misfits = 0
    if pc.any(rest, min_count=0).as_py():
        values, misfits = lenient_values(texts.filter(rest).to_pylist(), type_)
        texts = pc.replace_with_mask(texts, rest, text_array(map(_encode, values)))
    return _or_null(pc, texts), misfits


def _plain(value: object) -> str:
    return text_of(value, 0, "")


_encode: Final = JSONEncoder(ensure_ascii=False, default=_plain, allow_nan=False).encode
