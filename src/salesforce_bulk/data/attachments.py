"""The ZIP of a batch with binary attachments. API: Bulk API guide, "Load Binary Attachments"."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Final

from ..errors import UsageError
from ..wire.names import ZIP_MANIFEST

# Limits quick reference, "Bulk API and Bulk API 2.0 Limits": 10 MB, 20 MB, 1,000 files, 512 bytes a name. A batch body is
# measured by the org in units of 1,000,000 bytes; so are these.
MAX_ZIP_BYTES: Final = 10_000_000
MAX_UNZIPPED_BYTES: Final = 20_000_000
MAX_FILES: Final = 1_000
MAX_NAME_BYTES: Final = 512

#: The oldest time a ZIP can hold: the same files make the same bytes, whenever they are packed.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)


def zip_batch(manifest: bytes, files: Mapping[str, bytes | os.PathLike[str]]) -> bytes:
    """A ZIP with *manifest*, the rows, as ``request.txt`` at its root, and the files under their names.

    In the rows a file is referred to as ``#`` and its name.

    Raises:
        UsageError: A name that cannot be in such a ZIP, or a limit of the API passed. Nothing was sent.
    """
    if len(files) > MAX_FILES:
        raise UsageError(f"{len(files)} files in one batch; the API takes {MAX_FILES}. Nothing was sent.")
    for name in files:
        _check_name(name)
    packed = io.BytesIO()
    left = MAX_UNZIPPED_BYTES
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in ((ZIP_MANIFEST, manifest), *files.items()):
            content = _content(source, left)
            left -= len(content)
            if left < 0:
                raise UsageError(
                    f"The files of one batch are more than {MAX_UNZIPPED_BYTES} bytes, the API's limit. Nothing was sent."
                )
            member = zipfile.ZipInfo(name, _NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    if packed.tell() > MAX_ZIP_BYTES:
        raise UsageError(
            f"The ZIP of one batch has {packed.tell()} bytes; the API takes {MAX_ZIP_BYTES}. Nothing was sent."
        )
    return packed.getvalue()


def _content(source: bytes | os.PathLike[str], limit: int) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    # One byte more than may be: enough to know, however large the file is.
    with open(source, "rb") as file:
        return file.read(limit + 1)


def _check_name(name: str) -> None:
    why = _fault(name)
    if why:
        raise UsageError(f"{name!r} cannot be a file in a batch: {why}. Nothing was sent.")


def _fault(name: str) -> str | None:
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair"
    if name == ZIP_MANIFEST:
        return "that is the name of the rows"
    if size > MAX_NAME_BYTES:
        return f"it has {size} bytes, the API takes {MAX_NAME_BYTES}"
    if "\\" in name or "\0" in name:
        return "folders are divided by '/', and nothing else"
    if name.startswith("/") or PureWindowsPath(name).drive:
        return "it is absolute"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "it has an empty, '.' or '..' part"
    return None
