"""The file of factor rows: append-only, and what was known when."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.factors import store as stores
from zerometer.agent.factors.store import FACTORS, FactorStore
from zerometer.agent.factors.table import Bad
from zerometer.core.errors import JournalError
from zerometer.core.factor import FactorRow
from zerometer.core.factor_timeline import Timeline

HOUR = 3600 * 10**9
ROW = FactorRow(
    series="cn-east", t0_ns=0, t1_ns=HOUR, value=0.5, provider="p", published_ns=10,
    fetched_ns=20,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FactorStore]:
    with FactorStore(tmp_path) as opened:
        yield opened


def values(store: FactorStore, as_of_ns: int | None = None) -> list[float]:
    return [row.value for row in store.rows("cn-east", as_of_ns)]


def said(value: float, published_ns: int, fetched_ns: int) -> FactorRow:
    return replace(ROW, value=value, published_ns=published_ns, fetched_ns=fetched_ns)


def test_rows_come_back_with_their_revisions(store: FactorStore) -> None:
    later = replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR, status="final", basis="direct")
    news, bad = store.add([ROW, later])
    assert news == [replace(ROW, revision=1), replace(later, revision=2)]
    assert bad == []
    assert list(store.rows("cn-east")) == news
    assert store.after(0) == news
    assert store.after(1) == news[1:]
    assert store.after(0, since_ns=HOUR) == news[1:]
    assert store.last_revision() == 2


def test_they_are_there_after_a_restart(tmp_path: Path) -> None:
    for value in (0.5, 0.6):
        with FactorStore(tmp_path) as store:
            assert store.notice == ""
            store.add([said(value, int(value * 10), 20)])
    with FactorStore(tmp_path) as store:
        assert [(r.value, r.revision) for r in store.rows("cn-east")] == [
            (0.5, 1),
            (0.6, 2),
        ]


def test_what_says_nothing_new_is_passed_over(store: FactorStore) -> None:
    assert store.add([ROW])[0]
    assert not store.add([ROW])[0]
    assert not store.add([said(0.5, 10, 99)])[0]
    assert store.add([said(0.6, 12, 99)])[0]
    # An older statement that was known already, and a return to it that is new.
    assert not store.add([said(0.5, 10, 100)])[0]
    assert store.add([said(0.5, 13, 101)])[0]
    assert values(store) == [0.5, 0.6, 0.5]


def test_a_file_that_is_read_again_adds_nothing(store: FactorStore) -> None:
    """Lines without a time of publication have that of the reading."""
    for now_ns in (100, 200, 300):
        store.add([said(0.5, now_ns, now_ns), said(0.6, now_ns, now_ns)])
    assert values(store) == [0.6]


def test_another_provider_or_status_is_news(store: FactorStore) -> None:
    store.add([ROW, replace(ROW, provider="q"), replace(ROW, status="final")])
    assert values(store) == [0.5, 0.5, 0.5]


def test_what_was_known_at_a_time(store: FactorStore) -> None:
    store.add([said(0.5, 10, 20)])
    store.add([said(0.6, 30, 40)])
    store.add([said(0.7, 50, 60)])
    assert values(store, 19) == []
    assert values(store, 20) == [0.5]
    assert values(store, 59) == [0.5, 0.6]
    assert values(store) == [0.5, 0.6, 0.7]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FactorStore]:
    with FactorStore(tmp_path_factory.mktemp("shared")) as opened:
        yield opened


SERIES = count()


@given(
    st.lists(
        st.tuples(st.sampled_from([0.4, 0.5, 0.6]), st.integers(0, 5)), max_size=12
    ),
    st.booleans(),
)
def test_passing_over_never_changes_what_holds(
    shared: FactorStore, statements: list[tuple[float, int]], stated: bool
) -> None:
    """Whether the provider states when it published, or does not."""
    series = f"series-{next(SERIES)}"
    rows = [
        replace(
            ROW,
            series=series,
            value=value,
            published_ns=published if stated else fetched,
            fetched_ns=fetched,
        )
        for fetched, (value, published) in enumerate(statements, 10)
    ]
    for row in rows:
        shared.add([row])
    for known in range(len(rows) + 1):
        kept, every = Timeline(), Timeline()
        for row in shared.rows(series, as_of_ns=9 + known):
            kept.add(row)
        for revision, row in enumerate(rows[:known], 1):
            every.add(replace(row, revision=revision))
        found, expected = kept.mean(0, HOUR), every.mean(0, HOUR)
        assert (found and found[0]) == (expected and expected[0])


def test_nothing_that_was_said_can_be_changed(store: FactorStore) -> None:
    store.add([ROW])
    with closing(sqlite3.connect(store.path)) as other:
        for statement in ("UPDATE factor SET value = 0", "DELETE FROM factor"):
            with pytest.raises(sqlite3.IntegrityError, match="stay as they are"):
                other.execute(statement)


def test_what_cannot_be_used_is_set_aside(store: FactorStore) -> None:
    good = replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR)
    news, bad = store.add([replace(ROW, value=550.0), good])
    assert [row.t0_ns for row in news] == [HOUR]
    assert [b.reason for b in bad] == ["value: 550 kg/kWh is not within 0 to 2"]
    ((fetched_ns, kept),) = store.quarantine()
    where = "cn-east at 1970-01-01T00:00:00Z"
    assert (fetched_ns, kept.where, kept.reason) == (20, where, bad[0].reason)
    assert values(store) == [0.5]


def test_a_series_keeps_its_unit_and_its_basis(store: FactorStore) -> None:
    store.add([ROW])
    other = [
        replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR, basis="lifecycle"),
        replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR, unit="kg/GJ", status="final"),
    ]
    news, bad = store.add(other)
    assert news == []
    assert bad[0].reason == (
        "unit and basis: kg/kWh, lifecycle, but cn-east is in kg/kWh, direct; "
        "another series needs another name"
    )
    assert len(bad) == 2


def test_the_quarantine_has_a_size_and_no_doubles(
    store: FactorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "KEPT_ASIDE", 3)
    for now_ns in range(5):
        store.set_aside([Bad("f:1", "x" * 9999, "why"), Bad("f", "", str(now_ns))], 7)
    kept = [bad for _, bad in store.quarantine()]
    assert [bad.reason for bad in kept] == ["4", "why", "3"]
    assert len(kept[1].text) == stores.MAX_TEXT


def test_an_overview(store: FactorStore) -> None:
    store.add([ROW, replace(ROW, series="b", provider="old", basis="lifecycle")])
    later = replace(
        ROW, series="b", provider="new", t0_ns=HOUR, t1_ns=2 * HOUR, fetched_ns=99,
        basis="lifecycle",
    )  # fmt: skip
    store.add([later])
    first, second = store.overview()
    assert [o.series for o in (first, second)] == ["b", "cn-east"]
    assert (first.rows, first.t0_ns, first.t1_ns) == (2, 0, 2 * HOUR)
    assert (first.provider, first.fetched_ns) == ("new", 99)


def test_a_row_that_was_garbled_is_passed_over(store: FactorStore) -> None:
    store.add([ROW, replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR)])
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("DROP TRIGGER factor_is_not_changed")
        for column, value in (("value", "much"), ("status", "?"), ("t1_ns", -1)):
            other.execute("BEGIN")
            other.execute(
                f"UPDATE factor SET {column} = ? WHERE revision = 1", (value,)
            )
            other.execute("COMMIT")
            assert [row.revision for row in store.after(0)] == [2]
    assert store.add([replace(ROW, provider="q")])[0]


@pytest.mark.parametrize("data", [b"not a database, but long enough " * 40, b""])
def test_a_damaged_file_is_moved_aside(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FACTORS.name).write_bytes(data)
    with FactorStore(tmp_path) as store:
        assert store.add([ROW])[0]
        assert bool(store.notice) == bool(data)
    if data:
        assert (tmp_path / "factors.damaged").read_bytes() == data
        assert "it is factors.damaged now, and a new one was begun" in store.notice


def test_a_file_of_another_application_is_moved_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FACTORS.name)) as other:
        other.execute("CREATE TABLE mine (x)")
    with FactorStore(tmp_path) as store:
        assert "belongs to another application" in store.notice


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    with FactorStore(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / FACTORS.name)) as other:
        other.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalError, match="format 9; this version reads 1: install"):
        FactorStore(tmp_path)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"factors: .*Not a directory$"):
        FactorStore(tmp_path / "file" / "state")


def test_a_failed_write_leaves_nothing(store: FactorStore) -> None:
    with closing(sqlite3.connect(store.path)) as other:
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON factor WHEN NEW.t0_ns > 0"
            " BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(JournalError, match=r"factors: .*: full"):
        store.add([ROW, replace(ROW, t0_ns=HOUR, t1_ns=2 * HOUR)])
    assert values(store) == []
