"""Dated events as text."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.sites import drawn, small_site
from hypothesis import given
from hypothesis import strategies as st

from zerometer.config.events import KINDS, as_text, event_of, read_events, time_ns
from zerometer.config.problems import FileError
from zerometer.core.event import SiteEvent
from zerometer.core.site import Product

SITE = replace(
    small_site(),
    products=(Product(id="door", name="", unit="pcs", good=drawn("line")),),
)
TIME = "2026-03-01T08:00:00+08:00"


def row(**values: str) -> dict[str, str]:
    return {"time": TIME, **values}


def test_a_row_is_an_event() -> None:
    values = row(
        kind="meter-change", subject="line", quantity="0.5", final="812.25",
        text="new", evidence="photo 7",
    )  # fmt: skip
    assert event_of(values, SITE) == SiteEvent(
        time_ns=1_772_323_200_000_000_000, kind="meter-change", subject="line",
        quantity=0.5, final=812.25, text="new", evidence="photo 7",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "column", "message"),
    [
        ({"kind": "note"}, "subject", "missing"),
        (row(kind="party", subject="x"), "kind", '"party" is not one of meter-change'),
        (row(kind="note", subject="x", colour="red"), "colour", "unknown; known"),
        (row(kind="note", subject="x", quantity="much"), "quantity", "not a number"),
        (row(kind="note", subject="x", quantity="nan"), "quantity", "not a number"),
        (row(kind="note", subject="x", quantity="1e999"), "quantity", "not a number"),
        (row(kind="note", subject="x", final="1"), "final", "for meter-change only"),
        (row(kind="note", subject="x", permanent="yes"), "permanent", "true or false"),
        (row(kind="note", subject="x", permanent="true"), "permanent", "capture only"),
        (row(kind="note", subject="x", text="a" * 1001), "text", "longer than 1000"),
        (row(kind="meter-change", subject="lime"), "subject", 'near: "line"'),
        (row(kind="storage-anchor", subject="battery"), "quantity", "must be stated"),
        (
            row(kind="storage-anchor", subject="battery", quantity="5", unit="MWh"),
            "unit",
            '"MWh" is not kWh',
        ),
        (
            row(kind="refrigerant", subject="R41B", quantity="5", unit="kg"),
            "subject",
            "no warming potential",
        ),
        (row(kind="refrigerant", subject="R410A", unit="kg"), "quantity", "stated"),
        (
            row(kind="refrigerant", subject="R410A", quantity="-1", unit="kg"),
            "quantity",
            "0 or more",
        ),
        (
            row(kind="refrigerant", subject="R410A", quantity="1", unit="L"),
            "unit",
            '"L" is not kg (or g, t)',
        ),
        (
            row(kind="waste-water", subject="pond", quantity="1", unit="kg COD"),
            "subject",
            "anaerobic-reactor",
        ),
        (
            row(kind="waste-water", subject="pond", quantity="1", unit="kg"),
            "unit",
            "kg COD or kg CH4 or kg CO2e",
        ),
        (row(kind="lot-start", subject="door"), "text", "the name of the lot"),
        (row(kind="lot-start", subject="gate", text="7"), "subject", "known: door"),
        (row(kind="note", subject="x", text="\ud800"), "text", "of no text"),
        (row(kind="note", subject="x\ny"), "subject", "of no text"),
        (
            row(kind="note", subject="x") | {"time": "9999-01-01T00:00Z"},
            "time",
            "offset",
        ),
        (row(kind="note", subject="x") | {"time": "1772323200000"}, "time", "offset"),
        (row(kind="note", subject="x") | {"time": "yesterday"}, "time", "offset"),
        (row(kind="note", subject="x") | {"time": TIME[:19]}, "time", "offset"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    values: dict[str, str], column: str, message: str
) -> None:
    found = event_of(values, SITE)
    assert isinstance(found, list)
    assert any(f.column == column and message in f.message for f in found), found


def test_times_are_exact() -> None:
    assert time_ns("1772323200") == 1_772_323_200_000_000_000
    assert time_ns("2026-03-01T00:00:00.000001Z") == 1_772_323_200_000_001_000


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    head = "\ufefftime,kind,subject,quantity,unit,text\n"
    path.write_text(
        f'{head}{TIME},refrigerant,R410A,2.5,kg,"top-up, after a leak"\n\n'
        f"{TIME},lot-start,door,,,L-7\n",
        encoding="utf-8",
    )
    first, second = read_events(path, SITE)
    assert (first.quantity, first.text) == (2.5, "top-up, after a leak")
    assert (second.kind, second.text) == ("lot-start", "L-7")
    path.write_text(
        f"{head}{TIME},refrigerant,R1,2,kg,\n{TIME},party,,2,kg,\n", "utf-8"
    )
    with pytest.raises(FileError) as caught:
        read_events(path, SITE)
    places = [(p.line, p.key) for p in caught.value.problems]
    assert places == [(2, "subject"), (3, "kind"), (3, "subject")]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("time,kind,subject,unti\n", 1, 'column "unti" is known; near: "unit"'),
        (f"time,kind,subject\n{TIME},note,x,y\n", 2, "has 4 cells, its header 3"),
    ],
)
def test_a_file_that_is_none_is_refused(
    content: str, line: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message) as caught:
        read_events(path, SITE)
    assert [problem.line for problem in caught.value.problems] == [line]


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.csv: No such file"):
        read_events(tmp_path / "none.csv", SITE)


@given(
    values=st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "subject": st.sampled_from(["line", "battery", "R410A", "boiler", "door"]),
            "quantity": st.just("") | st.floats(0, 1e12).map(repr),
            "unit": st.sampled_from(["", "kg", "t COD", "kWh", "kg CO2e"]),
            "text": st.sampled_from(["", "L-7"]),
            "time": st.integers(0, 2**31).map(str),
        }
    )
)
def test_text_and_event_are_the_same(values: dict[str, str]) -> None:
    event = event_of(values, SITE)
    if isinstance(event, SiteEvent):
        assert event_of(as_text(event), SITE) == event
