"""The page of the receiver against a database that a gateway has filled."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from harness.gateway import Gateway
from harness.markdown import ROOT, blocks, inline, page, rows, section
from harness.taking import take

from zerometer.agent.receiver import errors
from zerometer.agent.receiver.sqlite_store import open_sqlite

PAGE = page("docs/receiver.md")
QUERIES = blocks(PAGE, "sql")
POWER, COUNTED, HOURS, ORIGINS, AUDIT, EVENTS = QUERIES
SECONDS = 1000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("received")
    path = folder / "received.sqlite"
    with Gateway(folder / "journal") as gateway:
        gateway.events.add(gateway.times.wall_ns // 1_000_000, "up", "line", "it is up")
        gateway.seconds(SECONDS)
        gateway.stop()
    with closing(open_sqlite(path)) as store:
        for batch in gateway.stored():
            take(store, batch.data)
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def ask(database: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    found = [dict(row) for row in database.execute(query)]
    assert found
    return found


def test_powers(database: sqlite3.Connection) -> None:
    assert {row["value"] for row in ask(database, POWER)} == {48_000.0}


def test_energies(database: sqlite3.Connection) -> None:
    gained = {(r["meter"], r["point"]): r["gained"] for r in ask(database, COUNTED)}
    hours = (SECONDS - 5) / 3600
    assert gained["line", "active_energy_import.index"] == pytest.approx(48 * hours)
    assert gained["gas", "volume.index"] == pytest.approx(36 * hours, abs=0.01)


def test_sinks(database: sqlite3.Connection) -> None:
    found = ask(database, HOURS)
    energy = sum(row["energy"] for row in found if row["place"] == "sink.line")
    kg = sum(row["kg"] for row in found if row["place"] == "sink.line")
    assert energy == pytest.approx(48 * SECONDS / 3600, rel=1e-3)
    # 66 of 96 kW come from the grid, or from a battery that nobody knows.
    assert kg == pytest.approx(energy * 0.6 * 66 / 96, rel=1e-6)


def test_origins(database: sqlite3.Connection) -> None:
    amounts = {(r["place"], r["origin"]): r["amount"] for r in ask(database, ORIGINS)}
    assert amounts["sink.line", "source.grid"] == pytest.approx(
        2 * amounts["sink.line", "source.pv"], rel=1e-6
    )


def test_books_balance(database: sqlite3.Connection) -> None:
    found = ask(database, AUDIT)
    assert {row["window"] for row in found} == {"1min", "15min"}
    assert {row["difference"] for row in found} == {0}


def test_events(database: sqlite3.Connection) -> None:
    assert [(r["kind"], r["subject"]) for r in ask(database, EVENTS)] == [
        ("up", "line")
    ]


def test_tables_are_those_of_the_database(database: sqlite3.Connection) -> None:
    for kind, heading in (("table", "## Tables"), ("view", "## Views")):
        there = ask(
            database,
            f"SELECT name FROM sqlite_master WHERE type = '{kind}'"
            " AND name NOT LIKE 'sqlite_%'",
        )
        table = rows(section(PAGE, heading))
        assert [inline(row[0])[0] for row in table] == [row["name"] for row in there]


def test_columns_of_views_are_those_of_the_database(
    database: sqlite3.Connection,
) -> None:
    for name, columns in rows(section(PAGE, "## Views")):
        there = ask(database, f"PRAGMA table_info({inline(name)[0]})")
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
