"""The files beside the journal: what all kinds of them share."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zerometer.agent.certificates.store import CERTIFICATES
from zerometer.agent.factors.store import FACTORS
from zerometer.agent.site_events.store import EVENTS
from zerometer.agent.state_file import DamagedStateError, StateFile, StateKind, kept
from zerometer.core.errors import JournalError

NOTES = StateKind(
    holds="notes",
    name="notes.sqlite",
    application_id=7,
    format=2,
    schema=("CREATE TABLE note (text TEXT)", *kept("note")),
)


def add(file: StateFile, text: str) -> None:
    with file.writing() as connection:
        connection.execute("INSERT INTO note VALUES (?)", (text,))


def texts(file: StateFile) -> list[str]:
    with file.reading() as connection:
        return [text for (text,) in connection.execute("SELECT text FROM note")]


def test_what_is_written_is_there_for_others(tmp_path: Path) -> None:
    with (
        closing(StateFile(NOTES, tmp_path / "state")) as one,
        closing(StateFile(NOTES, tmp_path / "state")) as other,
    ):
        add(one, "first")
        assert texts(other) == ["first"]
        with pytest.raises(RuntimeError), one.writing() as connection:
            connection.execute("INSERT INTO note VALUES ('half')")
            raise RuntimeError
        assert texts(one) == ["first"]


@pytest.mark.parametrize("statement", ["DELETE FROM note", "UPDATE note SET text = ''"])
def test_what_is_kept_is_neither_changed_nor_deleted(
    tmp_path: Path, statement: str
) -> None:
    with closing(StateFile(NOTES, tmp_path)) as file:
        add(file, "first")
        with (
            pytest.raises(JournalError, match=r"^notes: .*rows of note stay as they"),
            file.writing() as connection,
        ):
            connection.execute(statement)
        assert texts(file) == ["first"]


def test_another_file_is_told_from_one_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / NOTES.name
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE note (text)")
    with pytest.raises(DamagedStateError, match="belongs to another application"):
        StateFile(NOTES, tmp_path)
    path.write_bytes(b"no database at all, but long enough to be read " * 9)
    with pytest.raises(DamagedStateError, match="not a database"):
        StateFile(NOTES, tmp_path)


def test_another_format_is_refused_and_not_damaged(tmp_path: Path) -> None:
    StateFile(NOTES, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / NOTES.name)) as other:
        other.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalError, match="format 9; this version reads 2") as told:
        StateFile(NOTES, tmp_path)
    assert not isinstance(told.value, DamagedStateError)


def test_each_kind_is_told_from_the_others() -> None:
    kinds = (FACTORS, EVENTS, CERTIFICATES)
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert len({kind.application_id for kind in kinds}) == len(kinds)
