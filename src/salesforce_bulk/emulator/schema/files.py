"""A schema from a file of describe answers."""

from __future__ import annotations

import json
from pathlib import Path

from .schema import Schema


def read_schema(path: Path) -> Schema:
    """The schema of a JSON file that holds one describe answer, or a list of them.

    Raises:
        ValueError: It holds something else.
        OSError: It cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} holds no JSON: {error}") from error
    if isinstance(found, dict) and "sobjects" in found:
        raise ValueError(
            f"{path} holds the list of the objects, without their fields; each is described by its own name"
        )
    answers = found if isinstance(found, list) else [found]
    for number, answer in enumerate(answers, 1):
        lacking = [name for name in ("name", "fields") if not isinstance(answer, dict) or name not in answer]
        if lacking:
            raise ValueError(f"{path} holds no describe answers: number {number} has no {lacking[0]!r}")
    try:
        return Schema.load(answers)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no describe answers: {error!r}") from error
