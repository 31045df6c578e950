"""How far a command has come, on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Self

from .console import Console

#: Where there is no terminal, a line comes at most this often: a log is read later, by people.
_SPARSE_SECONDS: Final = 10.0
#: On a terminal a line changes at most this often.
_LINE_SECONDS: Final = 0.1
_CLEAR_LINE: Final = "\r\x1b[2K"


class Progress:
    """Says what a verb tells of its way. What cannot be said is left unsaid: it stops no work."""

    def __init__(self, console: Console, how: str, doing: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doing = doing
        self._monotonic = monotonic
        self._began = monotonic()
        self._last = self._began
        self._is_json = how == "json"
        self._is_line = how == "auto" and not console.quiet and sys.stderr.isatty()
        self.is_wanted = self._is_json or (how == "auto" and not console.quiet)
        self._pages = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        if self._is_json:
            self._write(json.dumps({"event": "started", "doing": self._doing}) + "\n")
        elif self._is_line:
            self._write(f"{self._doing} ...")
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_line:
            self._write(_CLEAR_LINE)

    def loaded(self, told: Mapping[str, Any]) -> None:
        """What a load says when a part has ended."""
        text = ", ".join(
            "1 part" if (name, count) == ("parts", 1) else f"{count:_} {name}"
            for name, count in told.items()
            if count or name == "succeeded"
        )
        self._tell(dict(told), text, always=True)

    def watch(self, page: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of a page of a query, counted as they pass."""
        self._pages += 1
        for piece in page:
            self._bytes += len(piece)
            self._tell(
                {"pages": self._pages, "bytes": self._bytes},
                f"page {self._pages}, {self._bytes / 1_000_000:.1f} MB",
                always=False,
            )
            yield piece

    def _tell(self, counts: dict[str, Any], text: str, *, always: bool) -> None:
        """*always*: each of them is news to a program."""
        now = self._monotonic()
        pause = _LINE_SECONDS if self._is_line or self._is_json else _SPARSE_SECONDS
        if not self.is_wanted or not ((always and self._is_json) or now - self._last >= pause):
            return
        self._last = now
        if self._is_json:
            seconds = round(now - self._began, 3)
            self._write(json.dumps({"event": "progress", "doing": self._doing, **counts, "seconds": seconds}) + "\n")
        elif self._is_line:
            # A line that wraps could not be cleared.
            columns = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR_LINE + f"{self._doing}: {text}"[:columns])
        else:
            self._write(f"{self._doing}: {text}\n")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self.is_wanted = self._is_line = self._is_json = False
