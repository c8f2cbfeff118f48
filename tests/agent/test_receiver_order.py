"""Batches arrive in any order, and more than once: the tables are the same."""

import random
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.batches import EPOCH
from harness.postgres import PostgresServer
from harness.sealed_batches import START_MS, sealed
from harness.taking import take
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerometer.agent.batch import Column, Table
from zerometer.agent.receiver.store import Store
from zerometer.agent.receiver.stores import store_opener

MINUTE_MS = 60_000
LATER = bytes([255]) * 8
QUERIES = (
    'SELECT source, "window", t_ms, place, quantity, booked FROM ledger '
    'ORDER BY "window", t_ms, place, quantity',
    "SELECT seq, epoch, name, superseded.t_ms, revision FROM superseded "
    "JOIN batch ON batch.id = superseded.batch "
    "JOIN series ON series.id = superseded.series "
    "ORDER BY seq, epoch, name, superseded.t_ms, revision",
    "SELECT t_ms, kind FROM event_log ORDER BY t_ms, kind",
    'SELECT "window", t_ms, revision, epoch, seq FROM booking '
    'JOIN batch ON batch.id = booking.batch ORDER BY "window", t_ms',
)


def windows(rows: list[tuple[int, int, int]], extra: bool) -> Table:
    """Return minutes of (number, revision, value); *extra*: with a second place."""
    columns = [
        Column(
            "time", "ms", 0, array("q", [START_MS + MINUTE_MS * r[0] for r in rows])
        ),
        Column("revision", "", 0, array("q", [r[1] for r in rows])),
        Column("sink.a:quantity", "kWh", -6, array("q", [r[2] for r in rows])),
    ]
    if extra:
        values = array("q", [r[2] + 1 for r in rows])
        columns.append(Column("sink.b:quantity", "kWh", -6, values))
    return Table("ledger/1min", columns)


def state(store: Store) -> list[list[tuple[Any, ...]]]:
    return [[tuple(r.values()) for r in store.query(query)] for query in QUERIES]


def filled(target: str, batches: list[bytes]) -> list[list[tuple[Any, ...]]]:
    with closing(store_opener(target)()) as store:
        for data in batches:
            take(store, data)
        return state(store)


#: A batch: its epoch, and tables of (minute, revision, value).
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 99)), max_size=4
)
BATCHES = st.lists(
    st.tuples(
        st.sampled_from([EPOCH, LATER]), st.lists(st.tuples(ROWS, st.booleans()))
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=BATCHES, chance=st.randoms(use_true_random=False))
def test_any_order_gives_the_same_tables(
    tmp_path: Path, drawn: list[Any], chance: random.Random
) -> None:
    batches = [
        sealed(
            seq,
            epoch=epoch,
            stream="minutes",
            tables=[windows(rows, extra) for rows, extra in tables],
        )
        for seq, (epoch, tables) in enumerate(drawn, 1)
    ]
    shuffled = batches + batches[::2]
    chance.shuffle(shuffled)
    found = []
    for number, order in enumerate((batches, shuffled)):
        path = tmp_path / f"{number}.sqlite"
        found.append(filled(str(path), order))
        path.unlink()
    assert found[0] == found[1]


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def targets(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database() as one, server.database() as other:
            yield one, other
    else:
        yield f"{request.param}:{tmp_path}/1", f"{request.param}:{tmp_path}/2"


def test_a_restated_window_that_comes_first_stays(targets: tuple[str, str]) -> None:
    """Live goes first: the backlog brings what was booked before."""
    batches = [
        sealed(1, stream="minutes", tables=[windows([(0, 0, 10), (1, 0, 20)], True)]),
        sealed(2, stream="minutes", tables=[windows([(0, 1, 11), (2, 0, 30)], False)]),
        sealed(3, stream="minutes", tables=[windows([(0, 2, 12)], False)]),
    ]
    forth, back = (
        filled(target, order)
        for target, order in zip(targets, (batches, batches[::-1]), strict=True)
    )
    assert forth == back
    booked = {(row[2], row[3]): row[5] for row in forth[0]}
    minutes = [START_MS + MINUTE_MS * minute for minute in range(3)]
    assert booked == {
        (minutes[0], "revision"): 2,
        (minutes[0], "sink.a"): 12,
        (minutes[1], "revision"): 0,
        (minutes[1], "sink.a"): 20,
        (minutes[1], "sink.b"): 21,
        (minutes[2], "revision"): 0,
        (minutes[2], "sink.a"): 30,
    }
    assert [row[2:] for row in forth[1] if row[2] != "revision"] == [
        ("sink.a:quantity", minutes[0], 0),
        ("sink.b:quantity", minutes[0], 0),
        ("sink.a:quantity", minutes[0], 1),
    ]
