"""How a value is written in the JSON of REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .bulk1_results import json_value, moment
from .soql import Column


def rest_value(column: Column) -> Callable[[Any], Any]:
    if column.type == "datetime":
        return lambda value: moment(value).replace("Z", "+0000")
    return json_value(column)
