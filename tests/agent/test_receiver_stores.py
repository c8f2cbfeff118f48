"""What the receiver's databases hold of a batch, and how it is read: all the same."""

import json
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.batches import EPOCH, SOURCE
from harness.postgres import PostgresServer
from harness.sealed_batches import START_MS, power_table, sealed
from harness.taking import take

from zerometer.agent.batch import Column, Gap, Table, batch_hash, decode
from zerometer.agent.receiver.errors import (
    BadTableError,
    IdentityConflictError,
    StoreError,
)
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.status import read_status
from zerometer.agent.receiver.store import Store
from zerometer.agent.receiver.stores import store_opener
from zerometer.core.errors import ConfigError

TARGETS = ("sqlite", "duckdb", "postgresql")
NAN = float("nan")
TIMES = array("q", [START_MS, START_MS + 1500])


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where an empty store is, as ``--to`` names it."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database() as url:
            yield url
    else:
        yield f"{request.param}:{tmp_path / 'received'}"


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    with closing(store_opener(target)()) as store:
        yield store


def select(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in store.query(sql)]


def fields_of(json_object: Any) -> Any:
    """Return what an object says, which a database may have opened already."""
    return json.loads(json_object) if isinstance(json_object, str) else json_object


def table(name: str, *columns: Column) -> Table:
    return Table(name, [Column("time", "ms", 0, TIMES), *columns])


@pytest.mark.parametrize("target", ["postgress://db/energy", "http://db/energy"])
def test_a_typo_in_a_scheme_is_no_file_name(target: str) -> None:
    with pytest.raises(ConfigError, match="is not one of sqlite, duckdb, postgresql"):
        store_opener(target)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="none: No such file"):
        store_opener(str(tmp_path / "none" / "a.sqlite"))()


def test_readings_are_read_in_their_unit(store: Store) -> None:
    readings = table(
        "readings/press-3/energy",
        Column("energy", "kWh", -2, array("q", [12345, 12350])),
        Column("index", "kWh", -6, array("q", [123_450_000_000_123, 0]), b"\0\1"),
        Column("frequency", "Hz", 0, array("d", [49.98, NAN])),
    )
    take(store, sealed(1, tables=[readings], site="demo"))
    assert select(
        store,
        'SELECT site, meter, "group", point, unit, time, value FROM reading '
        "ORDER BY point, t_ms",
    ) == [
        ("demo", "press-3", "energy", point, unit, f"2026-01-01T00:00:{time}Z", value)
        for point, unit, time, value in [
            ("energy", "kWh", "00.000", 123.45),
            ("energy", "kWh", "01.500", 123.50),
            ("frequency", "Hz", "00.000", 49.98),
            ("index", "kWh", "00.000", 123_450_000.000_123),
        ]
    ]


def test_ledger_units_are_kept_as_integers(store: Store) -> None:
    booked = 9_007_199_254_740_993  # not a float
    ledger = table(
        "ledger/15min",
        Column("sink.line-1:from:source.grid", "kWh", -6, array("q", [booked, 1])),
        Column("seconds", "s", 0, array("q", [900, 450])),
    )
    take(store, sealed(1, stream="ledger", tables=[ledger]))
    rows = select(
        store,
        'SELECT "window", time, place, quantity, unit, booked, exponent FROM ledger '
        "ORDER BY place DESC, t_ms",
    )
    assert rows == [
        ("15min", f"2026-01-01T00:00:0{s}Z", place, what, unit, booked, exponent)
        for s, place, what, unit, booked, exponent in [
            (0, "sink.line-1", "from:source.grid", "kWh", booked, -6),
            (1, "sink.line-1", "from:source.grid", "kWh", 1, -6),
            (0, "seconds", "", "s", 900, 0),
            (1, "seconds", "", "s", 450, 0),
        ]
    ]


def test_events_are_kept_whole(store: Store) -> None:
    events = table(
        "events",
        Column("kind", "", 0, ["timeout", "up"]),
        Column("meter", "", 0, ["press-3", None]),
        Column("latency", "ms", 0, array("d", [NAN, float("inf")])),
    )
    take(store, sealed(1, tables=[events]))
    rows = select(store, "SELECT site, time, fields FROM event_log")
    assert [(site, time, fields_of(fields)) for site, time, fields in rows] == [
        ("demo", "2026-01-01T00:00:00.000Z",
         {"kind": "timeout", "meter": "press-3", "latency": None}),
        ("demo", "2026-01-01T00:00:01.500Z",
         {"kind": "up", "meter": None, "latency": None}),
    ]  # fmt: skip


def test_records_of_one_time_are_all_kept(store: Store) -> None:
    """What explains the numbers is no series: a site has many meters at once."""
    meters = Table(
        "config/meters",
        [
            Column("time", "ms", 0, array("q", [START_MS, START_MS])),
            Column("meter", "", 0, ["press-3", "grid"]),
            Column("unit", "", 0, array("q", [7, 1])),
        ],
    )
    take(store, sealed(1, stream="state", tables=[meters]))
    assert select(store, "SELECT * FROM event_log") == []
    rows = select(
        store,
        """SELECT "table", t_ms, fields FROM record ORDER BY fields ->> 'meter'""",
    )
    assert [(name, time_ms, fields_of(fields)) for name, time_ms, fields in rows] == [
        ("config/meters", START_MS, {"meter": m, "unit": u})
        for m, u in (("grid", 1), ("press-3", 7))
    ]


def test_tables_of_one_name_belong_together(store: Store) -> None:
    tables = [
        table("events", Column("kind", "", 0, ["a", "b"])),
        table("events", Column("kind", "", 0, ["c", "d"])),
        table("readings/press/power", Column("p1", "kW", 0, array("q", [1, 2]))),
        table("readings/press/power", Column("p2", "kW", 0, array("q", [3, 4]))),
    ]
    take(store, sealed(1, tables=tables))
    assert select(store, "SELECT kind FROM event_log ORDER BY 1") == [
        ("a",),
        ("b",),
        ("c",),
        ("d",),
    ]
    assert select(
        store, "SELECT sum(value) FROM reading GROUP BY point ORDER BY 1"
    ) == [
        (3.0,),
        (7.0,),
    ]


def test_texts_of_a_series_are_kept(store: Store) -> None:
    state = table("readings/press-3/state", Column("mode", "", 0, ["run", None]))
    take(store, sealed(1, tables=[state]))
    assert select(store, "SELECT point, value, text FROM reading") == [
        ("mode", None, "run")
    ]


def test_another_exponent_is_another_series_of_the_same_point(store: Store) -> None:
    for seq, exponent, value in ((1, -1, 15), (2, -3, 1501)):
        times = array("q", [START_MS + seq])
        column = Column("power", "kW", exponent, array("q", [value]))
        readings = Table(
            "readings/press/power", [Column("time", "ms", 0, times), column]
        )
        take(store, sealed(seq, tables=[readings]))
    sql = "SELECT point, value FROM reading ORDER BY t_ms"
    assert select(store, sql) == [("power", 1.5), ("power", 1.501)]


def test_a_later_batch_restates(store: Store) -> None:
    for seq, value in ((1, 10), (2, 11)):
        ledger = table("ledger/1min", Column("a:b", "kg", -6, array("q", [value, 5])))
        take(store, sealed(seq, stream="ledger", tables=[ledger]))
    assert select(store, "SELECT booked FROM ledger ORDER BY t_ms") == [(11,), (5,)]


def test_sources_do_not_mix(store: Store) -> None:
    other = bytes(reversed(SOURCE))
    assert take(store, sealed(1)).status == "stored"
    assert take(store, sealed(1, source=other, site="b")).status == "stored"
    assert select(
        store, "SELECT count(*) AS n, count(DISTINCT source) AS m FROM reading"
    ) == [(6, 2)]


@pytest.mark.parametrize(
    "columns",
    [
        [Column("power", "kW", 0, TIMES)],
        [Column("time", "s", 0, TIMES)],
        [Column("time", "ms", 0, array("d", [0.0, 1.0]))],
        [Column("time", "ms", 0, TIMES, b"\0\1")],
        [Column("time", "ms", 0, TIMES), Column("count", "", 0, [1, (1 << 63)])],
    ],
)
@pytest.mark.parametrize("seq", [1, 2])
def test_a_bad_table_refuses_the_whole_batch(
    store: Store, columns: list[Column], seq: int
) -> None:
    bad = Table("readings/press/other", columns)
    with pytest.raises(BadTableError):
        take(store, sealed(seq, tables=[power_table(seq), bad]))
    for name in ("batch", "source", "series", "sample"):
        assert select(store, f"SELECT count(*) FROM {name}") == [(0,)]
    # Nothing of what was rolled back is remembered.
    assert take(store, sealed(seq)).status == "stored"
    assert select(store, "SELECT count(*) FROM reading") == [(3,)]


def test_a_batch_is_remembered_with_its_history(store: Store) -> None:
    take(store, sealed(1, clock="unsynced", config="r7", factors=("grid-2023",)))
    assert select(
        store,
        "SELECT epoch, stream, seq, clock, config, factors, received_ms FROM batch",
    ) == [(EPOCH.hex(), "readings", 1, "unsynced", "r7", '["grid-2023"]', 17_000_000)]


def test_declared_gaps_are_not_missing(store: Store) -> None:
    take(store, sealed(1))
    gaps = (Gap(2, 4, "evicted"), Gap(6, 6, "evicted"))
    take(store, sealed(9, gaps=gaps))
    take(store, sealed(10, gaps=(*gaps, Gap(99, 100, "a promise"))))
    status = read_status(store)
    assert (status["batches"], status["gaps"]) == (3, 3)
    (stream,) = status["streams"]
    assert (stream["declared"], stream["missing"]) == (4, 3)
    assert stream["missing_ranges"] == [(5, 5), (7, 8)]


def test_everything_is_there_after_a_restart(target: str) -> None:
    for status in ("stored", "duplicate"):
        with closing(store_opener(target)()) as store:
            assert take(store, sealed(1)).status == status
            with pytest.raises(IdentityConflictError, match="readings/1: hash is"):
                take(store, sealed(1, config="changed"))
            assert select(store, "SELECT value FROM reading ORDER BY t_ms") == [
                (0.3,),
                (0.4,),
                (0.5,),
            ]


def test_a_conflict_is_written_down(store: Store) -> None:
    take(store, sealed(1))
    for moment in (20, 30):
        with pytest.raises(IdentityConflictError):
            take(store, sealed(1, config="cloned"), moment)
    (row,) = store.query("SELECT * FROM conflict")
    assert (row["stream"], row["seq"], row["times"]) == ("readings", 1, 2)
    assert (row["first_ms"], row["last_ms"]) == (20, 30)
    assert bytes(row["committed"]) == batch_hash(sealed(1))
    assert bytes(row["offered"]) == batch_hash(sealed(1, config="cloned"))


def incoming(data: bytes) -> Incoming:
    return Incoming(decode(data), batch_hash(data), 0)


def test_one_bad_batch_does_not_spoil_the_group(store: Store) -> None:
    """Nor does a duplicate, or one in conflict, within the same group."""
    bad = Table("readings/press/power", [Column("power", "kW", 0, TIMES)])
    group = [
        sealed(3),
        sealed(1),
        sealed(2, tables=[bad]),
        sealed(1),
        sealed(1, config="x"),
    ]
    outcomes = store.commit([incoming(data) for data in group])
    assert [
        outcome.status if isinstance(outcome, Receipt) else type(outcome)
        for outcome in outcomes
    ] == ["stored", "stored", BadTableError, "duplicate", IdentityConflictError]
    assert select(store, "SELECT seq FROM batch ORDER BY seq") == [(1,), (3,)]
    assert select(store, "SELECT count(*) FROM reading") == [(6,)]
    assert select(store, "SELECT count(*) FROM conflict") == [(1,)]


def test_texts_that_a_database_cannot_hold(store: Store) -> None:
    """NUL is replaced everywhere: PostgreSQL has none."""
    tables = [
        table("readings/a\0b/power", Column("p\0", "k\0W", 0, ["\0x", None])),
        table("events", Column("kind", "", 0, ["\0up", None])),
    ]
    data = sealed(1, tables=tables, site="s\0", stream="r\0", config="c\0",
                  factors=("f\0",), gaps=(Gap(7, 7, "w\0"),))  # fmt: skip
    assert take(store, data).status == "stored"
    assert take(store, data).status == "duplicate"
    sql = "SELECT site, meter, point, unit, text FROM reading"
    nul = "\ufffd"
    assert select(store, sql) == [
        (f"s{nul}", f"a{nul}b", f"p{nul}", f"k{nul}W", f"{nul}x")
    ]
    assert select(store, "SELECT kind FROM event_log ORDER BY t_ms") == [
        (f"{nul}up",),
        (None,),
    ]


@pytest.mark.parametrize(
    ("name", "column", "unit"),
    [("a" * 248, "c", "u"), ("b", "c" * 257, "u"), ("b", "c", "u" * 65)],
)
def test_names_that_no_index_holds_are_refused(
    store: Store, name: str, column: str, unit: str
) -> None:
    def long(name: str, column: str, unit: str) -> Table:
        values = Column(column, unit, 0, array("q", [1, 2]))
        return table(f"readings/{name}", values)

    with pytest.raises(BadTableError, match="allowed are 256 and 64"):
        take(store, sealed(1, tables=[long(name, column, unit)]))
    fits = long("\U0001f50c" * 247, "\U0001f50c" * 256, "\U0001f50c" * 64)
    assert take(store, sealed(1, tables=[fits])).status == "stored"


@pytest.mark.parametrize("time_ms", [-1, 253_402_300_800_000])
def test_times_that_no_calendar_has_are_refused(store: Store, time_ms: int) -> None:
    times = array("q", [START_MS, time_ms])
    odd = Table("events", [Column("time", "ms", 0, times)])
    with pytest.raises(BadTableError, match="allowed are 0 to 253402300799999"):
        take(store, sealed(1, tables=[odd]))


def test_times_of_any_month(store: Store) -> None:
    """Also those of a clock that has lost its battery, or is far ahead."""
    times = array(
        "q",
        [
            0,
            1_580_000_000_000,
            1_769_904_000_000,
            4_102_444_800_000,
            253_402_300_799_999,
        ],
    )
    power = Column("power", "kW", 0, array("d", [1, 2, 3, 4, 5]))
    odd = Table("readings/a/b", [Column("time", "ms", 0, times), power])
    take(store, sealed(1, tables=[odd]))
    assert select(store, "SELECT time FROM reading ORDER BY t_ms") == [
        ("1970-01-01T00:00:00.000Z",),
        ("2020-01-26T00:53:20.000Z",),
        ("2026-02-01T00:00:00.000Z",),
        ("2100-01-01T00:00:00.000Z",),
        ("9999-12-31T23:59:59.999Z",),
    ]
