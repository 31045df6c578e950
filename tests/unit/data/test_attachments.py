"""The ZIP of a batch with attachments."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.attachments import zip_batch
from salesforce_bulk.errors import UsageError

MANIFEST = b"Name,ParentId,Body\nmeter.jpg,001Rm00000Gh1aAIAR,#meter.jpg\n"


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_rows_at_the_root_and_files_under_their_names(tmp_path: Path) -> None:
    """From memory or from a path."""
    lease = tmp_path / "x.pdf"
    lease.write_bytes(b"%PDF")
    data = zip_batch(MANIFEST, {"meter.jpg": b"\xff\xd8", "scans/läase.pdf": lease})
    assert unpacked(data) == {"request.txt": MANIFEST, "meter.jpg": b"\xff\xd8", "scans/läase.pdf": b"%PDF"}


def test_the_same_files_make_the_same_bytes() -> None:
    """A batch that is sent again is the same batch."""
    assert zip_batch(MANIFEST, {"a": b"1"}) == zip_batch(MANIFEST, {"a": b"1"})


@given(st.dictionaries(st.text(alphabet="abé ", min_size=1), st.binary()))
def test_files_come_out_as_they_went_in(files: dict[str, bytes]) -> None:
    """Name and content."""
    assert unpacked(zip_batch(MANIFEST, files)) == {"request.txt": MANIFEST, **files}


@pytest.mark.parametrize(
    "name",
    ["", "request.txt", "../x", "a/../../x", "a/..", ".", "./x", "/etc/x", "a//b", "a/", "a\\b", "C:/x", "C:x", "a\0b",
     "é" * 257, "\ud800"],
)  # fmt: skip
def test_names_that_are_refused(name: str) -> None:
    """A file outside the ZIP, no file, too long, or in the place of the rows."""
    with pytest.raises(UsageError, match="Nothing was sent"):
        zip_batch(MANIFEST, {name: b""})


def test_names_at_the_limit() -> None:
    """512 bytes, and the manifest's name in a folder."""
    files = {"é" * 256: b"", "a/request.txt": b"", "..a": b""}

    assert {"request.txt": MANIFEST, **files} == unpacked(zip_batch(MANIFEST, files))


def test_limits(tmp_path: Path) -> None:
    """1,000 files, 20 MB of content, 10 MB of ZIP; a file is not read further than that."""
    assert len(unpacked(zip_batch(MANIFEST, {str(number): b"" for number in range(1000)}))) == 1001
    with pytest.raises(UsageError, match="1001 files"):
        zip_batch(MANIFEST, {str(number): b"" for number in range(1001)})
    zip_batch(b"", {"a": b"x" * 20_000_000})
    with pytest.raises(UsageError, match="20000000 bytes"):
        zip_batch(b"1", {"a": b"x" * 20_000_000})
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(100_000_000_000)
    with pytest.raises(UsageError, match="20000000 bytes"):
        zip_batch(b"", {"a": large})
    with pytest.raises(UsageError, match="the API takes 10000000"):
        zip_batch(b"", {"a": os.urandom(10_000_000)})
