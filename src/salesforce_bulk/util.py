"""The old import path of :class:`IteratorBytesIO`."""

from .legacy.util import IteratorBytesIO as IteratorBytesIO
