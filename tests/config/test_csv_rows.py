"""CSV files that people write: what is read, and what is said of what is not."""

from pathlib import Path

import pytest

from zerometer.config import csv_rows
from zerometer.config.csv_rows import CsvError, CsvRow, read_rows

HEADER = b"name,value"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def rows(file: Path) -> list[CsvRow]:
    return list(read_rows(file, ("name", "value"), ("unit", "text")))


def test_columns_come_in_any_order_and_may_be_left_out(file: Path) -> None:
    file.write_text('\ufefftext, value ,name\r\n"a, b", 1 ,x\r\n', encoding="utf-8")
    assert rows(file) == [
        CsvRow(2, "a, b,1,x", {"name": "x", "value": "1", "unit": "", "text": "a, b"})
    ]


def test_rows_without_text_are_none_and_lines_are_counted(file: Path) -> None:
    file.write_text('name,value,text\n\nx,1,"two\nlines"\n,,\n  \ny,2,\u2028\n')
    assert [(row.line, row.cells["name"]) for row in rows(file)] == [(4, "x"), (7, "y")]
    assert rows(file)[0].cells["text"] == "two\nlines"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("x", "has 1 cells, its header 2"),
        ("x,1,kg", "has 3 cells, its header 2"),
    ],
)
def test_a_row_has_a_cell_for_each_column(file: Path, line: str, fault: str) -> None:
    file.write_bytes(HEADER + f"\n{line}\ny,2\n".encode())
    bad, good = rows(file)
    assert (bad.line, bad.text, bad.fault) == (2, line, fault)
    assert (good.cells["name"], good.fault) == ("y", "")


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "no column name, value: needed are name, value; known as well unit"),
        (b"value\n", 1, "no column name: needed are name, value;"),
        (HEADER + b",txet\n", 1, 'no column "txet" is known; near: "text"'),
        (HEADER + b",unit,unit\n", 1, "column unit stands there twice"),
        (b"value,colour\n", 1, '"colour" is known; no column name: needed are name, '),
        (HEADER + b",colour\n", 1, '"colour" is known; known: name, text, unit, value'),
        (HEADER + b"\n\xff", 0, "not UTF-8, at byte 11"),
        (HEADER + b'\n"a"b,', 2, "not CSV: "),
        (HEADER + b'\nx,"1\n', 2, "not CSV: unexpected end of data"),
        (HEADER + b"\n" + b"a" * 200_000, 2, "not CSV: field larger"),
    ],
    ids=[
        "empty",
        "needed",
        "unknown",
        "twice",
        "both",
        "alone",
        "utf-8",
        "quotes",
        "end",
        "long",
    ],
)
def test_what_is_no_such_table(
    file: Path, data: bytes, line: int, message: str
) -> None:
    file.write_bytes(data)
    with pytest.raises(CsvError) as caught:
        rows(file)
    assert message in caught.value.message
    assert caught.value.line == line
    place = f"{file}:{line}" if line else str(file)
    assert str(caught.value) == f"{place}: {caught.value.message}"


def test_a_file_that_is_not_there_or_too_large(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CsvError, match=r"rows\.csv: No such file"):
        rows(file)
    monkeypatch.setattr(csv_rows, "MAX_BYTES", 10)
    file.write_bytes(HEADER + b"\nx,1\n")
    with pytest.raises(CsvError, match="larger than 10 bytes; split it"):
        rows(file)
