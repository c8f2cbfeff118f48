"""The page of the receiver against a database that a gateway has filled."""

import re
import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.gateway import Gateway
from harness.markdown import ROOT, blocks, inline, page, rows, section
from harness.postgres import postgres_server
from harness.sealed_batches import START_MS, sealed
from harness.taking import take

from zerometer.agent.batch import Column, Table, decode, encode, peek
from zerometer.agent.receiver import errors
from zerometer.agent.receiver.errors import IdentityConflictError
from zerometer.agent.receiver.sqlite_store import open_sqlite
from zerometer.agent.receiver.store import Store
from zerometer.agent.receiver.stores import store_opener

PAGE = page("docs/receiver.md")
QUERIES = blocks(PAGE, "sql")
(
    POWER, COUNTED, HOURS, DAYS, VIEWS, ORIGINS, AUDIT, DOUBTS, RESTATED, NUMBERS,
    CONFLICTS, EVENTS, METERS, FACTORS,
) = QUERIES  # fmt: skip
SECONDS = 1000
#: When the gateway was stopped in between, in the middle of a window.
HALF = 400
TARGETS = ("sqlite", "duckdb", "postgresql")


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Return what a gateway has sealed; the second batch of readings is lost."""
    with Gateway(tmp_path_factory.mktemp("journal")) as gateway:
        gateway.events.add(gateway.times.wall_ns // 1_000_000, "up", "line", "it is up")
        gateway.seconds(HALF)
        gateway.stop()
        gateway.start()
        gateway.seconds(SECONDS - HALF)
        gateway.stop()
    return [*(batch.data for batch in gateway.stored()), configuration()]


def configuration() -> bytes:
    """Return a batch that says what a site is: it was another one before."""
    before, now = START_MS, START_MS + 60_000

    def table(name: str, times: list[int], **columns: list[Any]) -> Table:
        cells = [Column(key.strip("_"), "", 0, v) for key, v in columns.items()]
        return Table(name, [Column("time", "ms", 0, array("q", times)), *cells])

    meters = table(
        "config/meters",
        [before, now, now],
        meter=["old", "line", "pv"],
        map=["a", "b", "b"],
        **{"class": ["1", "0.5S", None]},
    )
    factors = table(
        "config/factors",
        [now],
        origin=["source.grid"],
        view=["physical"],
        value=[0.6],
        unit=["kWh"],
        from_=[before],
        until=[None],
    )
    return sealed(1, stream="state", site="other", tables=[meters, factors])


@pytest.fixture(scope="module", params=TARGETS)
def store(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[bytes],
) -> Iterator[Store]:
    with ExitStack() as opened:
        if request.param == "postgresql":
            server = opened.enter_context(postgres_server())
            target = opened.enter_context(server.database())
        else:
            target = f"{request.param}:{tmp_path_factory.mktemp('received')}/file"
        store = opened.enter_context(closing(store_opener(target)()))
        for data in batches:
            header = peek(data)
            if (header.stream, header.seq) != ("readings", 2):
                take(store, data)
        first = decode(batches[0])
        with pytest.raises(IdentityConflictError):
            cloned = replace(first.header, config="cloned")
            take(store, encode(cloned, first.tables))
        yield store


def ask(store: Store, query: str) -> list[dict[str, Any]]:
    found = store.query(query.rstrip().rstrip(";"))
    assert found
    return found


def test_powers(store: Store) -> None:
    assert {row["power_kw"] for row in ask(store, POWER)} == {48.0}


def test_energies(store: Store) -> None:
    gained = {(r["meter"], r["point"]): r["gained"] for r in ask(store, COUNTED)}
    hours = (SECONDS - 5) / 3600
    assert gained["line", "active_energy_import.index"] == pytest.approx(
        48 * hours, rel=0.01
    )
    assert gained["gas", "volume.index"] == pytest.approx(36 * hours, rel=0.01)


def test_sinks(store: Store) -> None:
    found = ask(store, HOURS)
    energy = sum(row["energy"] for row in found if row["place"] == "sink.line")
    kg = sum(row["kg"] for row in found if row["place"] == "sink.line")
    assert energy == pytest.approx(48 * SECONDS / 3600, rel=0.01)
    # 66 of 96 kW come from the grid, or from a battery that nobody knows.
    assert kg == pytest.approx(energy * 0.6 * 66 / 96, rel=1e-6)
    (day,) = {
        row["day"]: row for row in ask(store, DAYS) if row["place"] == "sink.line"
    }.values()
    assert day["amount"] == pytest.approx(energy, rel=1e-9)
    views = {r["view"]: r["kg"] for r in ask(store, VIEWS) if r["place"] == "sink.line"}
    assert views["physical"] == pytest.approx(kg, rel=1e-9)


def test_origins(store: Store) -> None:
    amounts = {(r["place"], r["origin"]): r["amount"] for r in ask(store, ORIGINS)}
    assert amounts["sink.line", "source.grid"] == pytest.approx(
        2 * amounts["sink.line", "source.pv"], rel=1e-6
    )


def test_books_balance(store: Store) -> None:
    found = ask(store, AUDIT)
    assert {row["window"] for row in found} == {"1min", "15min"}
    assert {row["difference"] for row in found} == {0}


def test_doubts(store: Store) -> None:
    """The first and the last quarter are not whole."""
    found = ask(store, DOUBTS)
    assert all(row["covered_s"] < 900 for row in found)
    assert {row["clock"] for row in found} == {"synced"}


def test_restated(store: Store) -> None:
    """The quarter in which the gateway was stopped came again, with more in it."""
    found = {(r["place"], r["quantity"]): r for r in ask(store, RESTATED)}
    line = found["sink.line", "quantity"]
    assert line["value_before"] == pytest.approx(48 * HALF / 3600, rel=0.01)
    assert line["value"] > line["value_before"]
    assert line["unit"] == "kWh"


def test_numbers(store: Store) -> None:
    assert ask(store, NUMBERS) == [
        {"site": "small", "stream": "readings", "first": 2, "last": 2, "reason": ""}
    ]


def test_conflicts(store: Store, batches: list[bytes]) -> None:
    header = peek(batches[0])
    (row,) = ask(store, CONFLICTS)
    assert (row["stream"], row["seq"], row["times"]) == (header.stream, header.seq, 1)
    assert row["source"] == header.source.hex()


def test_events(store: Store) -> None:
    kinds = [(r["kind"], r["subject"]) for r in ask(store, EVENTS)]
    assert ("up", "line") in kinds


def test_configuration(store: Store) -> None:
    assert [r for r in ask(store, METERS) if r["site"] == "other"] == [
        {"site": "other", "meter": "line", "map": "b", "accuracy_class": "0.5S"},
        {"site": "other", "meter": "pv", "map": "b", "accuracy_class": None},
    ]
    (factor,) = (r for r in ask(store, FACTORS) if r["site"] == "other")
    assert factor == {
        "site": "other", "origin": "source.grid", "view": "physical", "kg": 0.6,
        "unit": "kWh", "status": None,
    }  # fmt: skip
    (span,) = store.query("SELECT from_ms, until_ms FROM factor WHERE site = 'other'")
    assert span == {"from_ms": START_MS, "until_ms": None}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "received.sqlite"
    open_sqlite(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def test_tables_are_those_of_the_database(database: sqlite3.Connection) -> None:
    for kind, heading in (("table", "## Tables"), ("view", "## Views")):
        there = database.execute(
            f"SELECT name FROM sqlite_master WHERE type = '{kind}'"
            " AND name NOT LIKE 'sqlite_%'"
        )
        table = rows(section(PAGE, heading))
        assert [inline(row[0])[0] for row in table] == [row["name"] for row in there]


def test_columns_of_views_are_those_of_the_database(
    database: sqlite3.Connection,
) -> None:
    for name, columns in rows(section(PAGE, "## Views")):
        there = database.execute(f"PRAGMA table_info({inline(name)[0]})")
        named = set(re.findall(r"`([a-z_]+)`", columns))
        assert named == {row["name"] for row in there}


def test_codes_are_those_of_the_receiver() -> None:
    documented = {
        code
        for row in rows(section(PAGE, "## HTTP"))
        if len(row) == 4
        for code in inline(row[1])
    }
    app = (ROOT / "agent" / "receiver" / "app.py").read_text(encoding="utf-8")
    classes = {c.code for c in vars(errors).values() if hasattr(c, "code")}
    own = set(re.findall(r'\d+: "([\w-]+)"', app)) | {"bad-request"}
    assert documented == (classes | own) - {"bad-format"}
