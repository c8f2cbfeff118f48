"""The file of a site's events."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zerometer.agent.site_events.store import EVENTS, EventStore
from zerometer.core.errors import JournalError
from zerometer.core.event import SiteEvent

LEAK = SiteEvent(
    time_ns=1, kind="refrigerant", subject="R410A", quantity=2.5, unit="kg",
    text="加注", evidence="invoice 7",
)  # fmt: skip
CAPTURE = SiteEvent(
    time_ns=2, kind="capture", subject="kiln", quantity=0.1, unit="t", permanent=True
)


def test_events_are_kept_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    with closing(EventStore(tmp_path / "state")) as store:
        assert store.add([CAPTURE, LEAK], 5) == [1, 2]
    with closing(EventStore(tmp_path / "state")) as store:
        assert store.after(0) == [(1, CAPTURE), (2, LEAK)]
        assert store.after(1) == [(2, LEAK)]


def test_the_same_event_is_there_once(tmp_path: Path) -> None:
    with closing(EventStore(tmp_path)) as store:
        assert store.add([LEAK], 5) == [1]
        assert store.add([LEAK, CAPTURE], 6) == [None, 2]
        assert [event for _, event in store.after(0)] == [LEAK, CAPTURE]


def test_what_another_adds_is_seen(tmp_path: Path) -> None:
    with closing(EventStore(tmp_path)) as agent, closing(EventStore(tmp_path)) as other:
        assert agent.changed()
        assert not agent.changed()
        other.add([LEAK], 5)
        assert agent.changed()
        assert not agent.changed()
        assert agent.after(0) == [(1, LEAK)]


@pytest.mark.parametrize("statement", ["DELETE FROM event", "UPDATE event SET unit=1"])
def test_nothing_is_deleted_or_changed(tmp_path: Path, statement: str) -> None:
    with closing(EventStore(tmp_path)) as store:
        store.add([LEAK], 5)
    with (
        closing(sqlite3.connect(tmp_path / EVENTS.name)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="rows of event stay"),
    ):
        connection.execute(statement)


def test_all_of_a_batch_is_added_or_nothing(tmp_path: Path) -> None:
    with closing(EventStore(tmp_path)) as store:
        with pytest.raises(OverflowError):
            store.add([LEAK, SiteEvent(time_ns=1 << 70, kind="note", subject="x")], 5)
        assert store.after(0) == []


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    EventStore(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / EVENTS.name)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalError, match="format 9; this version reads 1"):
        EventStore(tmp_path)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / EVENTS.name).write_text(
        "no database at all, but long enough to be read\n" * 9
    )
    with pytest.raises(JournalError, match="not a database"):
        EventStore(tmp_path)
