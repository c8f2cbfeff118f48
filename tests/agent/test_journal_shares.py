"""Quarter hours in the journal: with their commit, for a while, within bounds."""

import sqlite3
from contextlib import closing
from pathlib import Path

from harness.journals import open_journal

from zerometer.agent.journal import Commit, Journal
from zerometer.agent.journal.shares import LARGEST_PART


def starts(journal: Journal, start_ns: int = 0, limit: int = 1000) -> list[int]:
    return [start for start, _ in journal.shares(start_ns, limit).result()]


def add(journal: Journal, *shares: tuple[int, bytes], from_ns: int = 0) -> None:
    commit = Commit(state=b"", shares=list(shares), shares_from_ns=from_ns)
    journal.append(commit).result()


def test_quarters_are_there_after_a_start_in_order(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        add(journal, (30, b"c"), (10, b"a"))
        add(journal, (20, b"b"))
    with closing(open_journal(tmp_path)) as journal:
        assert journal.shares(0, 9).result() == [(10, b"a"), (20, b"b"), (30, b"c")]
        assert starts(journal, 11) == [20, 30]
        assert starts(journal, 0, 2) == [10, 20]


def test_a_quarter_is_replaced_and_old_ones_go(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        add(journal, (10, b"a"), (20, b"b"), (30, b"c"))
        add(journal, (20, b"B"), from_ns=20)
        assert journal.shares(0, 9).result() == [(20, b"B"), (30, b"c")]


def test_quarters_leave_room_for_batches(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path, 1 << 20)) as journal:
        for n in range(100):
            add(journal, (n, bytes(10_000)))
        kept = starts(journal)
        assert kept == list(range(kept[0], 100))
        assert 0 < 10_000 * len(kept) <= LARGEST_PART * (1 << 20)
        assert 10_000 * (len(kept) + 1) > LARGEST_PART * (1 << 20)


def test_a_damaged_quarter_is_left_out(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        add(journal, (10, b"a"), (20, b"b"))
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE shares SET data = 'x' WHERE start_ns = 10")
        connection.commit()
    with closing(open_journal(tmp_path)) as journal:
        assert starts(journal) == [20]
