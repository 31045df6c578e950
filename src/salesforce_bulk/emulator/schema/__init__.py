"""What the org knows of its objects and fields: a `Schema` of `SObject`, each with its `Field`."""

from .objects import COMPOUND_TYPES, TEXT_TYPES, Field, RecordType, SObject
from .schema import Schema

__all__ = ["COMPOUND_TYPES", "TEXT_TYPES", "Field", "RecordType", "SObject", "Schema"]
