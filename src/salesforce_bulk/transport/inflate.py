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
#: At most so much is inflated in one go, so that a small reply cannot fill the memory; and what was inflated is still in the
#: cache when its reader comes (1 MB costs ISA-L itself half as much again).
_STEP_BYTES: Final = 256 * 1024

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
        for piece in pieces:
            data = piece
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


def deflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces* as one gzip stream."""
    deflater = _module.compressobj(_LEVEL, _module.DEFLATED, _GZIP)
    for piece in pieces:
        out = deflater.compress(piece)
        if out:
            yield out
    yield deflater.flush()
