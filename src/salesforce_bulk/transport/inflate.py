"""gzip in and out, by ISA-L where there is a wheel for the platform, else by zlib.

ISA-L inflates Bulk CSV about 3 times and deflates it 4 times as fast as zlib (docs/decisions/0002-gzip.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ..errors import AnswerLost, AnswerMalformed

_module: Any
try:
    from isal import isal_zlib as _module
except ImportError:  # no wheel for this platform
    import zlib as _module

#: "gzip, any window" for zlib's wbits.
_GZIP: Final = 16 + 15
#: Level 1 of either library: in ISA-L it packs better than zlib's level 3.
_LEVEL: Final = 1
#: At most so much is inflated in one go, so that a small reply cannot fill the memory.
_STEP_BYTES: Final = 1024 * 1024
#: So much is gathered before it is inflated. For each call this thread has to wait for the interpreter, which the thread that
#: writes or parses holds: a million rows (88 MB) as they come, by 64 KB, took 1.01 s to a CSV file, by this size 0.86, by
#: twice as much 0.85 and more memory.
_GATHERED_BYTES: Final = 128 * 1024

crc32 = _module.crc32


#: What is to be done about a reply to a request that only reads.
_ASK_AGAIN: Final = "What was read of it is not complete.\nAsk for it again."


def inflated(pieces: Iterable[bytes], *, repeatable: bool = True, advice: str = _ASK_AGAIN) -> Iterator[bytes]:
    """The content of a gzip stream, of one member or several. Cut off: AnswerLost; broken: AnswerMalformed.

    *repeatable* and *advice*: what these say, which depends on the request that was answered so.
    """
    inflater = _module.decompressobj(wbits=_GZIP)
    begun = False
    try:
        for data in _gathered(pieces):
            while data:
                if inflater.eof:
                    inflater = _module.decompressobj(wbits=_GZIP)
                begun = True
                out = inflater.decompress(data, _STEP_BYTES)
                if out:
                    yield out
                data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        while begun and not inflater.eof and (out := inflater.decompress(b"", _STEP_BYTES)):
            yield out
    except _module.error as error:
        raise AnswerMalformed(
            f"The reply is not the gzip it says it is ({error}).\n{advice}", repeatable=repeatable
        ) from error
    if begun and not inflater.eof:
        raise AnswerLost(f"The reply ended in the middle of its gzip stream.\n{advice}", repeatable=repeatable)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces*, the first as it comes, so that its reader can begin, and the others gathered."""
    held: list[bytes] = []
    size, wanted = 0, 1
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= wanted:
            yield b"".join(held)
            held.clear()
            size, wanted = 0, _GATHERED_BYTES
    if held:
        yield b"".join(held)


def deflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces* as one gzip stream."""
    deflater = _module.compressobj(_LEVEL, _module.DEFLATED, _GZIP)
    for piece in pieces:
        out = deflater.compress(piece)
        if out:
            yield out
    yield deflater.flush()
