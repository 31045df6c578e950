"""Batches with binaries: a zip of ``request.txt`` and the files that its rows name. Source: bulk-api-1.md section 8."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from salesforce_bulk.wire.names import ZIP_MANIFEST

from ..limits import Limits
from ..schema import SObject
from ..store import Cell, RowError
from .rows import BatchFault, Row, Rows

# The guide names each fault and its code, InvalidBatch or INVALID_FIELD; no text is on record, so these are ours.


class Attachments:
    """The opened zip: small enough, and without surprises."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise BatchFault("Unable to read the zip") from error
        members = self._zip.infolist()
        files = [member for member in members if not member.is_dir()]
        if len(files) > limits.zip_files:
            raise BatchFault(f"The zip holds {len(files)} files. At most {limits.zip_files} are allowed")
        if any(len(member.filename.encode()) > limits.zip_name_bytes for member in files):
            raise BatchFault(f"A file name in the zip is longer than {limits.zip_name_bytes} bytes")
        self._folders = {member.filename.rstrip("/") for member in members if member.is_dir()}
        self._contents: dict[str, bytes] = {}
        left = limits.unzipped_bytes
        for member in files:
            # What is read is counted, whatever size the directory of the zip claims.
            try:
                with self._zip.open(member) as source:
                    content = source.read(left + 1)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
                raise BatchFault(f"Unable to read {member.filename} in the zip") from error
            left -= len(content)
            if left < 0:
                raise BatchFault(f"The zip unpacks to more than {limits.unzipped_bytes} bytes")
            self._contents[member.filename] = content

    def manifest(self) -> bytes:
        if ZIP_MANIFEST in self._contents:
            return self._contents[ZIP_MANIFEST]
        if ZIP_MANIFEST in self._folders:
            raise BatchFault(f"{ZIP_MANIFEST} is a directory")
        raise BatchFault(f"The zip has no {ZIP_MANIFEST}")

    def fill(self, rows: Rows, sobject: SObject) -> None:
        """Put the named files in the place of their names."""
        fields = [(place, sobject.field(name)) for place, name in enumerate(rows.columns)]
        places = [(place, field.name) for place, field in fields if field is not None and field.type == "base64"]
        if places:
            rows.rows = [self._filled(row, places, self._find) for row in rows.rows]

    def _filled(self, row: Row, places: list[tuple[int, str]], find: Callable[[str, str], Cell | RowError]) -> Row:
        if isinstance(row, RowError):
            return row
        for place, field in places:
            if place < len(row) and isinstance(cell := row[place], str):
                found = find(cell, field)
                if isinstance(found, RowError):
                    return found
                row[place] = found
        return row

    def _find(self, name: str, field: str) -> Cell | RowError:
        if not name.startswith("#"):
            return RowError("INVALID_FIELD", f"The value does not start with #: {name[:80]}", (field,))
        path = name[1:]
        if path in self._contents:
            return self._contents[path]
        if path in self._folders or any(other.startswith(f"{path}/") for other in self._contents):
            return RowError("INVALID_FIELD", f"The file is a directory: {path}", (field,))
        return RowError("INVALID_FIELD", f"The file is missing: {path}", (field,))
