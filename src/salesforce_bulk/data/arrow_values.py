"""Python values as Arrow ones, made of their bytes.

pyarrow imports pandas, where it is installed, as soon as it is handed a Python object to convert: 0.16 s and more, of which
nothing is used here. What it is handed as a buffer it takes as it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from .extras import pyarrow

_WHAT = "An Arrow table"


def int_array(values: Iterable[int]) -> Any:
    """An array of int32."""
    numbers = array("i", values)
    return _of_buffers(pyarrow(_WHAT).int32(), len(numbers), numbers)


def int_scalar(value: int) -> Any:
    """A scalar of int32."""
    return int_array((value,))[0]


def double_scalar(value: float) -> Any:
    """A scalar of float64."""
    return _of_buffers(pyarrow(_WHAT).float64(), 1, array("d", (value,)))[0]


def bool_scalar(value: bool) -> Any:
    """A scalar of bool."""
    return _of_buffers(pyarrow(_WHAT).bool_(), 1, bytes((value,)))[0]


def binary_array(values: Sequence[bytes]) -> Any:
    """An array of binary."""
    ends = array("i", accumulate(map(len, values), initial=0))
    return _of_buffers(pyarrow(_WHAT).binary(), len(values), ends, b"".join(values))


def binary_scalar(value: bytes) -> Any:
    """A scalar of binary."""
    return binary_array((value,))[0]


def text_array(values: Iterable[str]) -> Any:
    """An array of strings, none of them null."""
    return binary_array([value.encode("utf-8") for value in values]).cast(pyarrow(_WHAT).string())


def text_scalar(value: str) -> Any:
    """A scalar string."""
    return text_array((value,))[0]


def null_scalar(type_: Any) -> Any:
    """A scalar of this ``pyarrow.DataType`` that is null."""
    return pyarrow(_WHAT).nulls(1, type_)[0]


def text_of_all(texts: Any) -> memoryview:
    """The texts of an array, or what is binary, one after the other, as Arrow keeps them."""
    if not len(texts) or texts.buffers()[2] is None:
        return memoryview(b"")
    offsets = memoryview(texts.buffers()[1]).cast("i")
    first, end = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return memoryview(texts.buffers()[2])[first:end]


def _of_buffers(type_: Any, count: int, *buffers: Any) -> Any:
    pa = pyarrow(_WHAT)
    return pa.Array.from_buffers(type_, count, [None, *map(pa.py_buffer, buffers)])
