"""Describe answers in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_describes(path: Path) -> list[Mapping[str, Any]]:
    """A JSON file that holds one describe answer, or a list of them.

    Raises:
        ValueError: It holds something else.
        OSError: It cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} holds no JSON: {error}") from error
    answers = found if isinstance(found, list) else [found]
    for number, answer in enumerate(answers, 1):
        lacking = [name for name in ("name", "fields") if not isinstance(answer, dict) or name not in answer]
        if lacking:
            raise ValueError(f"{path} holds no describe answers: number {number} has no {lacking[0]!r}")
    return answers
