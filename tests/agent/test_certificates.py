"""Files of certificates, and the store that keeps them."""

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from harness.sites import small_site

from zerometer.agent.certificates.read import CertificateFile, read_certificates
from zerometer.agent.certificates.store import CERTIFICATES, CertificateStore
from zerometer.core.errors import ConfigError, JournalError
from zerometer.core.site import Site

HEAD = "id,kind,source,start,end,quantity,unit,factor,plant\n"
GEC = "GEC-1,certificate,grid,2026-01,,120,MWh,0,wind-7\n"


def site() -> Site:
    small = small_site()
    sources = tuple(
        replace(s, kind="own") if s.id == "pv" else s for s in small.sources
    )
    return replace(small, sources=sources)


def ns(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return int(moment.timestamp()) * 10**9


def read(tmp_path: Path, lines: str, head: str = HEAD) -> CertificateFile:
    path = tmp_path / "gec.csv"
    path.write_text(head + lines, encoding="utf-8")
    return read_certificates(path, site())


def test_a_file_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        GEC
        + "C-2,contract,grid,2026-01-01T08:00Z,2026-01-01T09:00Z,80,kWh,0.25,\n"
        + "S-3,sold,pv,2026-01-01,2026-01-02,0.5,GWh,,\n"
        + "\n"
        + ",generation,,2026-01-01T01:00,2026-01-01T02:00,3,kWh,,wind-7\n"
        + ",generation,,2026-01-01T00:00,2026-01-01T01:00,0,MWh,,wind-7\n",
    )
    gec, contract, sold = found.certificates
    assert (gec.start_ns, gec.end_ns) == (ns("2026-01-01"), ns("2026-02-01"))
    assert (gec.quantity, gec.factor, gec.plant) == (120_000.0, 0.0, "wind-7")
    assert contract.start_ns == ns("2026-01-01T16:00")
    assert (contract.kind, contract.factor) == ("contract", 0.25)
    assert (sold.source, sold.quantity) == ("pv", 500_000.0)
    assert [g.quantity for g in found.generation] == [0.0, 3.0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (GEC, "3: id: 'GEC-1' is in line 2 too"),
        ("X,gift,grid,2026-01,,1,MWh,,", "3: kind: 'gift' is none of certificate, "),
        (",certificate,grid,2026-01,,1,MWh,,", "3: id: is missing"),
        ("X,certificate,gird,2026-01,,1,MWh,,", "source: no source 'gird'; near: \"gr"),
        ("X,certificate,pv,2026-01,,1,MWh,,", "certificate goes with what is bought: "),
        ("X,sold,grid,2026-01,,1,MWh,,", "'grid' is bought; sold goes with what is ow"),
        ("X,certificate,grid,2026-01,,1,GJ,,", "unit: 'GJ' is none of kWh, MWh, GWh"),
        ("X,certificate,grid,2026-01,,0,MWh,,", "quantity: 0 is not above 0"),
        ("X,certificate,grid,2026-01,,x,MWh,,", "quantity: 'x' is no number"),
        ("X,certificate,grid,2026-01,,nan,MWh,,", "quantity: 'nan' is no number"),
        ("X,certificate,grid,2026-01,,1,MWh,581,", "factor: 581 is not within 0 to 2;"),
        ("X,contract,grid,2026-01,,1,MWh,,", "factor: is missing: a contract's, in kg"),
        ("X,certificate,grid,Jan,,1,MWh,,", "start: 'Jan-01' is no time: like 2026-01"),
        (
            "X,certificate,grid,2026-02-01,2026-01-01,1,MWh,,",
            "is not after '2026-02-01'",
        ),
        (",generation,,2026-01,,1,MWh,,", "3: plant: is missing"),
    ],
)
def test_what_does_not_hold_is_told_and_nothing_is_read(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GEC + line.rstrip("\n") + "\n")
    assert says in str(caught.value)
    assert str(caught.value).endswith("1 problem, nothing was imported")


def test_a_plants_meter_says_each_time_once(tmp_path: Path) -> None:
    twice = (
        ",generation,,2026-01-01T00:00,2026-01-01T01:00,3,kWh,,wind-7\n"
        ",generation,,2026-01-01T00:30,2026-01-01T01:30,3,kWh,,wind-7\n"
    )
    with pytest.raises(ConfigError, match="3: start: another line has this time"):
        read(tmp_path, twice)
    read(tmp_path, twice.replace("7\n", "8\n", 1))


def test_a_line_has_a_cell_for_each_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2: has 10 cells, its header 9"):
        read(tmp_path, GEC.replace(",wind-7", ",wind-7,wind-8"))


def test_columns_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'column "sorce" is known; near: "source"'):
        read(tmp_path, "", HEAD.replace("source", "sorce"))


def test_a_file_may_be_imported_again(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path / "state")
    assert (store.certificates(), store.generation(), store.revision()) == ([], {}, 0)
    lines = GEC + ",generation,,2026-01-01,2026-01-02,3,kWh,,wind-7\n"
    found = read(tmp_path, lines)
    assert store.add(found.certificates, found.generation) == 2
    first = store.revision()
    assert first == 2
    more = read(tmp_path, lines + GEC.replace("GEC-1", "GEC-2"))
    assert store.add(more.certificates, more.generation) == 1
    assert store.revision() == 3
    assert [c.id for c in store.certificates()] == ["GEC-1", "GEC-2"]
    assert store.certificates() == more.certificates
    assert store.generation() == {"wind-7": more.generation}


@pytest.mark.parametrize(
    "changed",
    [
        GEC.replace("120", "121"),
        ",generation,,2026-01-01T12:00,2026-01-03,3,kWh,,wind-7\n",
    ],
)
def test_what_was_imported_is_never_changed(tmp_path: Path, changed: str) -> None:
    store = CertificateStore(tmp_path)
    lines = GEC + ",generation,,2026-01-01,2026-01-02,3,kWh,,wind-7\n"
    first = read(tmp_path, lines)
    store.add(first.certificates, first.generation)
    second = read(tmp_path, changed + GEC.replace("GEC-1", "GEC-2"))
    with pytest.raises(ConfigError, match="there already, with other content"):
        store.add(second.certificates, second.generation)
    assert store.certificates() == first.certificates
    assert store.generation() == {"wind-7": first.generation}


def test_a_file_of_others_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / CERTIFICATES.name)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match="belongs to another application"):
        CertificateStore(tmp_path).certificates()
    (tmp_path / CERTIFICATES.name).write_bytes(
        b"no database at all, but long enough to be read"
    )
    with pytest.raises(JournalError, match="not a database"):
        CertificateStore(tmp_path).certificates()
