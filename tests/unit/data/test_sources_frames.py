"""Arrow tables, frames and columnar files as sources: the same rows give the same text as dicts do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cuts import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.parts import BULK2, parts
from salesforce_bulk.data.sources import Source, open_source
from salesforce_bulk.errors import BadValue, UsageError
from salesforce_bulk.records import Dialect

pa = pytest.importorskip("pyarrow")


COMMA = Dialect()


def sent(source: Source, dialect: Dialect = COMMA) -> bytes:
    return source.header(dialect) + b"".join(block.data for block in source.blocks(dialect))


ROWS: list[dict[str, Any]] = [
    {"t": "x", "n": 1, "b": True, "d": date(2026, 2, 7), "f": 1.5, "p": {"K": "a,b"}},
    {"t": 'q"r', "n": None, "b": None, "d": None, "f": None, "p": {"K": None}},
    {"t": "", "n": 2**40, "b": False, "d": date(1, 1, 1), "f": -2.25, "p": {"K": "two\nlines"}},
    {"t": "lone\rcr \u2028", "n": -3, "b": True, "d": date(9999, 12, 31), "f": 0.001, "p": {"K": "#N/A"}},
    {"t": None, "n": 0, "b": True, "d": date(2026, 2, 7), "f": float("nan"), "p": {"K": ""}},
]
TIMES = [
    datetime(2026, 2, 7, 9, 5, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC),
    datetime(2026, 2, 7, 23, 30, 1, 999_999, timezone(timedelta(hours=-2))),
    None,
    datetime(1, 1, 1, tzinfo=UTC),
]


def table() -> Any:
    made = pa.Table.from_pylist(ROWS)
    return made.append_column("z", pa.array(TIMES, pa.timestamp("us", "UTC")))


def dicts() -> list[dict[str, Any]]:
    return [{**row, "z": moment} for row, moment in zip(ROWS, TIMES, strict=True)]


def as_polars() -> Any:
    return pytest.importorskip("polars").from_arrow(table())


def as_pandas() -> Any:
    pytest.importorskip("pandas")
    return table().to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)


def as_duckdb() -> Any:
    made = table()  # duckdb finds it by its name
    assert made.num_rows
    return pytest.importorskip("duckdb").sql("SELECT * FROM made")


def as_chunks() -> Any:
    made = table()
    return pa.concat_tables([made.slice(at, 1) for at in range(made.num_rows)])


def as_dictionaries() -> Any:
    made = table()
    return made.set_column(0, "t", made["t"].dictionary_encode())


FORMS: dict[str, Callable[[], Any]] = {
    "table": table,
    "reader": lambda: table().to_reader(),
    "batch": lambda: table().combine_chunks().to_batches()[0],
    "slice": lambda: pa.concat_tables([table(), table()]).combine_chunks().slice(5),
    "chunks": as_chunks,
    "large text": lambda: table().set_column(0, "t", table()["t"].cast(pa.large_string())),
    "text views": lambda: table().set_column(0, "t", table()["t"].cast(pa.string_view())),
    "dictionaries": as_dictionaries,
    "polars": as_polars,
    "pandas": as_pandas,
    "duckdb": as_duckdb,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nulls", ["ignore", "clear"])
@pytest.mark.parametrize("dialect", [Dialect(), Dialect("|", "\r\n"), Dialect("^"), Dialect("\t")])
def test_every_form_gives_the_text_of_dicts(form: str, nulls: Any, dialect: Dialect) -> None:
    """To the byte."""
    assert sent(open_source(dicts(), nulls=nulls), dialect) == sent(open_source(FORMS[form](), nulls=nulls), dialect)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.arrows", "no suffix"])
def test_columnar_files(tmp_path: Path, name: str) -> None:
    """Known by their first bytes, whatever they are called."""
    path = tmp_path / name
    if name.endswith("s"):
        with pa.ipc.new_stream(path, table().schema) as stream:
            stream.write_table(table())
    elif name.endswith("arrow"):
        with pa.ipc.new_file(path, table().schema) as file:
            file.write_table(table())
    else:
        import pyarrow.parquet

        pyarrow.parquet.write_table(table(), path)
    source = open_source(path)

    assert sent(open_source(dicts())) == sent(source) == sent(source)
    assert source.reopenable


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    # By its name, too: text would be read as CSV, and a line of it as a header without rows.
    for content in (b"PAR1 and nothing more", b"Name\n", b""):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="is no Parquet file"):
            open_source(path)
    path = tmp_path / "a.arrow"
    path.write_bytes(b"ARROW1 and nothing more")
    with pytest.raises(UsageError, match="is no Arrow file"):
        open_source(path)


@given(st.lists(st.tuples(TEXTS | st.none(), TEXTS), max_size=8), st.sampled_from(",;|\t^`"), st.booleans())
def test_any_text(rows: list[tuple[str | None, str]], delimiter: str, normalise: bool) -> None:
    """Quotes where they are needed, and nowhere else."""
    made = pa.table(
        {"a": pa.array([a for a, _ in rows], pa.string()), "b": pa.array([b for _, b in rows], pa.string())}
    )
    dialect = Dialect(delimiter)
    options: dict[str, Any] = {"line_breaks": "normalise" if normalise else "keep"}
    expected = open_source([{"a": a, "b": b} for a, b in rows], columns=["a", "b"], **options)

    assert sent(expected, dialect) == sent(open_source(made, **options), dialect)


@given(st.lists(st.floats(allow_infinity=False)))
def test_floats_keep_their_value(values: list[float]) -> None:
    """The text may be another one than Python's; the number is not."""
    source = open_source(pa.table({"a": pa.array(values, pa.float64())}))
    read = [float(row[0]) if row[0] else None for row in source.rows_again()]
    assert [None if value != value else value for value in values] == read


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9)))
def test_decimals_have_no_exponent(values: list[Decimal]) -> None:
    source = open_source(pa.table({"a": pa.array(values, pa.decimal128(28, 9))}))
    assert [format(value, "f") for value in values] == [row[0] for row in source.rows_again()]


def test_times_of_day_go_out_in_utc_with_milliseconds() -> None:
    made = pa.table({"a": pa.array([time(9, 5), time(23, 59, 59, 999_999)]), "b": ["", ""]})
    assert b"a,b\n09:05:00.000Z,\n23:59:59.999Z,\n" == sent(open_source(made))


def test_a_column_of_empty_values() -> None:
    assert b'a\n""\n""\nx\n' == sent(open_source(pa.table({"a": ["", None, "x"]})))
    assert b'a\n""\n""\n' == sent(open_source(pa.table({"a": pa.nulls(2)})))


@pytest.mark.parametrize(
    ("column", "row", "why"),
    [
        (pa.array([None, datetime(2026, 1, 1)]), 1, "time zone"),
        (pa.array([1.5, float("inf")]), 1, "finite"),
    ],
)
def test_values_that_cannot_be_sent(column: Any, row: int, why: str) -> None:
    source = open_source(pa.concat_tables([pa.table({"a": column[:1]}), pa.table({"a": column[1:]})]))
    with pytest.raises(BadValue, match=why) as caught:
        sent(source)
    assert (row, "a") == (caught.value.row, caught.value.column)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (pa.array([b"x"]), "ZIP"),
        (pa.array([[1]]), "no form"),
        (pa.array([timedelta(1)]), "no form"),
        (pa.array([{"a": {"b": 1}}]), "not by those of its parent"),
    ],
)
def test_types_that_cannot_be_sent(column: Any, why: str) -> None:
    """Seen from the schema, before a row is read."""
    with pytest.raises(UsageError, match=why):
        open_source(pa.table({"x": column}))


def test_a_reader_is_read_once() -> None:
    source = open_source(table().to_reader())
    assert not source.reopenable
    sent(source)
    for again in (lambda: sent(source), source.rows_again, source.as_given):
        with pytest.raises(UsageError, match="one-time"):
            again()


def test_choices_hold_for_tables() -> None:
    source = open_source(table(), only=["p.K", "t"], rename={"t": "Name"}, nulls="clear")
    assert ("p.K", "Name") == source.columns
    assert sent(source).startswith(b'p.K,Name\n"a,b",x\n#N/A,"q""r"\n')
    assert ("t", "n", "b", "d", "f", "p.K", "z") == source.as_given().columns


def test_large_values_make_small_batches() -> None:
    """Memory is for blocks, not for eight thousand rows of any size."""
    source = open_source(pa.table({"a": ["x" * 100_000] * 50}))
    assert max(len(block.data) for block in source.blocks(Dialect())) < 1_200_000
    assert [50] == [part.rows for part in parts(source, BULK2, Dialect()) if len(b"".join(part))]


def test_pandas_as_it_comes() -> None:
    """NaN, NaT and NA are missing; an index without a name is no column; columns of mixed kinds go row by row."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"a": ["x", None], "b": [1.5, float("nan")], "c": pd.to_datetime(["2026-02-07T09:05Z", None])}, index=["k", "l"]
    )
    assert b"a,b,c\nx,1.5,2026-02-07T09:05:00.000Z\n,,\n" == sent(open_source(frame))

    mixed = pd.DataFrame({"a": [1, "x", None], "b": pd.array([1, None, 3], "Int64"), "c": [pd.NaT, pd.NaT, pd.NaT]})
    assert b"a,b,c\n1,1,#N/A\nx,#N/A,#N/A\n#N/A,3,#N/A\n" == sent(open_source(mixed, nulls="clear"))


def test_numpy_scalars_are_sent_as_their_python_values() -> None:
    np = pytest.importorskip("numpy")
    row = {
        "a": np.int64(3),
        "b": np.float64(1.5),
        "c": np.bool_(True),
        "d": np.str_("x"),
        "e": np.datetime64("2026-02-07"),
        "f": np.datetime64("NaT", "s"),
        "g": np.float32("nan"),
    }
    assert b"a,b,c,d,e,f,g\n3,1.5,true,x,2026-02-07,,\n" == sent(open_source([row]))
    for wrong in (np.datetime64("2026-02-07T09:05:00.000000001"), np.timedelta64(1, "D")):
        with pytest.raises(BadValue):
            sent(open_source([{"a": wrong}]))


def test_frames_without_pyarrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They give their rows one by one; a table or a Parquet file says what to install."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": ["x", None], "b": [1, 2]})
    made = table()
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    assert b"a,b\nx,1\n,2\n" == sent(open_source(frame))
    for rows in (made, path):
        with pytest.raises(UsageError, match=r"needs pyarrow; pip install 'salesforce-bulk\[arrow\]'"):
            open_source(rows)


def test_categories_of_polars() -> None:
    """They come as a dictionary of views, which pyarrow does not take values out of."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "C": pl.Series(["x", None, "y"], dtype=pl.Categorical),
            "E": pl.Series(["q", "q", None], dtype=pl.Enum(["p", "q"])),
        }
    )

    assert b"C,E\nx,q\n,q\ny,\n" == sent(open_source(frame))


def test_two_columns_of_one_name() -> None:
    """One of them would get lost."""
    pandas = pytest.importorskip("pandas")
    with pytest.raises(UsageError) as refused:
        open_source(pandas.DataFrame([[1, 2, "x"], [3, 4, object()]], columns=["A", "A", "B"]))

    assert "The frame has several columns 'A'. Keep one of them. Nothing was sent." == str(refused.value)


def test_rows_without_columns_are_no_empty_input() -> None:
    pandas = pytest.importorskip("pandas")
    for frame in (pa.table({"A": [1, 2]}).select([]), pandas.DataFrame(index=range(2))):
        with pytest.raises(UsageError, match="The rows have no columns, so there is nothing"):
            list(parts(open_source(frame), BULK2, COMMA))
