"""What a command says: data and results on stdout, all else on stderr."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from ..errors import OutputError, SalesforceBulkError
from .exits import USAGE

_RED: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"
#: What is shorter opens nothing, and would be found inside of words.
_SHORTEST_TOKEN: Final = 8
#: How the library's texts name what is called otherwise here.
_RESUME: Final = re.compile(r"`?sf\.resume\((?:error\.run_id|'([^']*)')(, rows=[^)]*)?\)`?")
_NAMES: Final = (
    (re.compile(r"`?sf\.runs\(\)`?"), "sfbulk runs"),
    (re.compile(r"\b(?:error\.)?result\.failures\(\)"), "--outcomes DIR"),
    (re.compile(r"\bapi='(\w+)'"), r"--api \1"),
    (re.compile(r"\bconnect\('local'\)"), "--org local"),
    (re.compile(r"\bdescribe\(\) without a name"), "sfbulk describe"),
    (re.compile(r"\bleave out host="), "leave out --host"),
)
_OPTIONS: Final = re.compile(
    r"\b(?:external_id|part_rows|part_bytes|page_rows|parallel_jobs|api_version|pk_chunking|job_seconds|run_seconds|stop_at_usage)\b(?!=)"
)


class Console:
    """The streams of one command. Stdout may be closed by whoever reads it: then nothing more is said there."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self.json: bool = chosen.json
        self.quiet: bool = chosen.quiet
        self.verbose: bool = chosen.verbose
        self.is_gone = False

    # -- stdout

    @property
    def data(self) -> IO[bytes]:
        """Stdout, for bytes: see :meth:`writing`."""
        return sys.stdout.buffer

    def say(self, text: str) -> None:
        """A result for people, unless a document is asked for, or quiet."""
        if not self.json and not self.quiet:
            self._print(text)

    def report(self, text: str, document: object) -> None:
        """What the command was called for: as text, or as a document."""
        if self.json:
            self.document(document)
        else:
            self._print(text)

    def document(self, value: object) -> None:
        self._print(as_json(value))

    def _print(self, text: str) -> None:
        if self.is_gone:
            return
        with self.writing():
            print(text, flush=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """For what writes to stdout. That nobody reads it any more is no error: whoever did has what it wanted.

        Raises:
            OutputError: It cannot be written: a disk is full.
        """
        try:
            yield
        except BrokenPipeError:
            self._gone()
        except OSError as error:
            if isinstance(error, SalesforceBulkError):
                raise
            raise OutputError(
                f"Stdout cannot be written ({error.strerror or error}).\nWhat was written by now is not whole; what was done "
                "is done.\nMake room, and ask again: of a load, `sfbulk runs` and `sfbulk show` tell."
            ) from error

    def _gone(self) -> None:
        """Nobody reads stdout any more. What is still in its buffer goes nowhere, or the interpreter complains at its end."""
        self.is_gone = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

    def red(self, text: str) -> str:
        """*text* in red, on a terminal that wants colours (https://no-color.org)."""
        if self._chosen.no_color or os.environ.get("NO_COLOR") or not sys.stdout.isatty():
            return text
        return f"{_RED}{text}{_PLAIN}"

    # -- stderr

    def note(self, text: str) -> None:
        if self._chosen.progress == "json":
            self.complain(json.dumps({"event": "note", "message": text}))
        elif not self.quiet:
            self.complain(text)

    def error(self, error: BaseException, code: int, receipt: Mapping[str, Any] | None = None) -> None:
        """The message of *error*; with ``--json`` also the document that the command owes, with the error in it."""
        kind = "Stopped" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        lines = [_message(error, kind, is_nothing_sent=code == USAGE), *getattr(error, "__notes__", ())]
        if self.verbose:
            lines += _causes(error)
        message = self.ours("\n".join(lines))
        told = {
            "type": kind,
            "message": message,
            "exit_code": code,
            "run_id": getattr(error, "run_id", None),
        }
        if self._chosen.progress == "json":
            self.complain(json.dumps({"event": "error", **told}))
        else:
            self.complain(message)
        if self.json:
            self._owed({**(receipt or {}), "error": told})

    def bug(self, trace: str, code: int) -> None:
        """An error that nobody has thought of, with all that helps to find it."""
        text = hidden(trace)
        said = (
            "This is a bug of sfbulk. What was sent is in the journal of its run: `sfbulk runs`. Please report it, with the "
            "lines above."
        )
        self.complain(f"{text}\n{said}")
        if self.json:
            self._owed({"error": {"type": "Bug", "message": text, "exit_code": code, "run_id": None}})

    def _owed(self, document: object) -> None:
        """The document of a command that has ended with an error, which decides how it exits."""
        try:
            self.document(document)
        except OutputError as error:
            self.complain(str(error))

    def ours(self, text: str) -> str:
        """A text of the library, in the words of the command line; no secret stands in it."""
        org = f" --org {shlex.quote(self._chosen.org)}" if self._chosen.org else ""

        def resume(found: re.Match[str]) -> str:
            return f"sfbulk resume {found[1] or 'RUN'}{' --rows FILE' if found[2] else ''}{org}"

        text = _RESUME.sub(resume, text)
        for theirs, ours in _NAMES:
            text = theirs.sub(ours, text)
        return hidden(_OPTIONS.sub(lambda found: f"--{found[0].replace('_', '-')}", text))

    def complain(self, text: str) -> None:
        """What has to be said even where quiet is wanted."""
        with suppress(OSError):  # nobody reads what we say; what we do goes on
            print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)

    # -- asking

    def confirm(self, what: str) -> bool:
        """Ask whether *what* is meant. Nobody is asked where nobody can answer: a program that calls us meant it."""
        if self._chosen.yes or not sys.stdin.isatty() or not sys.stderr.isatty():
            return True
        print(f"{what} Type yes to go on: ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")


def hidden(text: str) -> str:
    """*text* without anything that opens an org."""
    from ..session import masked

    token = os.environ.get("SFBULK_ACCESS_TOKEN", "")
    return masked(text.replace(token, "[token]") if len(token) >= _SHORTEST_TOKEN else text)


def _message(error: BaseException, kind: str, *, is_nothing_sent: bool) -> str:
    if isinstance(error, OSError) and not isinstance(error, SalesforceBulkError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}.{' Nothing was sent.' if is_nothing_sent else ''}"
    return str(error) or f"{kind}."


def _causes(error: BaseException) -> Iterable[str]:
    cause = error.__cause__
    while cause is not None:
        yield f"because of {type(cause).__name__}: {cause}"
        cause = cause.__cause__


def as_json(value: object) -> str:
    return json.dumps(value, indent=1, default=_plain)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns side by side; numbers to the right. What a terminal would obey is not printed."""
    lines = [[_cell(value) for value in row] for row in rows]
    numbers = [bool(lines) and all(_is_number(line[place]) for line in lines) for place in range(len(heads))]
    widths = [max(len(line[place]) for line in [heads, *lines]) for place in range(len(heads))]

    def laid_out(line: Sequence[str]) -> str:
        cells = zip(line, widths, numbers, strict=True)
        return "  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells).rstrip()

    return "\n".join(laid_out(line) for line in [list(heads), *lines])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:_}"
    return printable(str(value))


def _is_number(text: str) -> bool:
    return text == "" or text.replace("_", "").removeprefix("-").isdigit()


def printable(text: str) -> str:
    """*text* on one line, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def counted(rows: int) -> str:
    return f"{rows:_} row{'' if rows == 1 else 's'}"
