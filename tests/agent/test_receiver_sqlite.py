"""The receiver's SQLite file: whose it is, how safe, and whether it is still there."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.sealed_batches import sealed
from harness.taking import take

from zerometer.agent.receiver.errors import StoreError, StoreGoneError
from zerometer.agent.receiver.sql_store import SqlStore
from zerometer.agent.receiver.sqlite_store import open_sqlite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(open_sqlite(tmp_path / "received.sqlite")) as store:
        yield store


def test_commits_are_synced(store: SqlStore) -> None:
    assert store.query("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    assert store.query("PRAGMA synchronous") == [{"synchronous": 2}]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        open_sqlite(tmp_path / "nowhere" / "received.sqlite")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database"):
        open_sqlite(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE batch (id)")
    with pytest.raises(StoreError, match="belongs to another application"):
        open_sqlite(path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "received.sqlite"
    open_sqlite(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema version is 99, known is 2"):
        open_sqlite(path)


def test_an_odd_file_name(tmp_path: Path) -> None:
    path = tmp_path / "50% of a? #1.sqlite"
    open_sqlite(path).close()
    assert path.exists()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_taken_into_a_file_that_has_left_its_place(
    tmp_path: Path, replaced: bool, again: bool
) -> None:
    """Also nothing that it holds: the sender must send it again to the next file."""
    path = tmp_path / "received.sqlite"
    with closing(open_sqlite(path)) as store:
        take(store, sealed(1))
        for file in tmp_path.iterdir():
            file.unlink()
        if replaced:
            open_sqlite(path).close()
        with pytest.raises(StoreGoneError, match="deleted or replaced"):
            take(store, sealed(1 if again else 2))
        assert StoreGoneError.code == "store-gone"
