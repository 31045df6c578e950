"""Optional packages, imported when they are first needed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..errors import UsageError


def pyarrow(what: str, module: str = "pyarrow") -> Any:
    """pyarrow, or a module of it. *what* needs it: "An Arrow table"."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{what} needs pyarrow; pip install 'salesforce-bulk[arrow]'. Nothing was read.") from error


def has_pyarrow() -> bool:
    """Whether pyarrow is installed. Does not import it."""
    return importlib.util.find_spec("pyarrow") is not None


def numpy_or_none() -> Any:
    """numpy; None: it is not installed."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None
