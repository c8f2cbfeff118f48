"""A receiver's database is restored from a copy: a gateway's journal fills it again."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from harness.flushing import flush
from harness.journals import open_journal
from harness.receiving import Receiving, receiving
from harness.sealed_batches import sealed
from harness.uplinks import uplink_to

from zerometer.agent.batch import batch_hash, peek
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.agent.receiver import continuity


class Chain:
    """A journal whose batches are those of its source and epoch."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._count = 0
        self._last: bytes | None = None

    def seal(self, count: int) -> None:
        """Seal so many batches, one commit each."""
        for _ in range(count):
            self._count += 1
            data = sealed(
                self._count,
                source=self._journal.source,
                epoch=self._journal.epoch,
                prev=self._last,
            )
            self._last = batch_hash(data)
            header = peek(data)
            batch = SealedBatch(
                stream=header.stream,
                seq=header.seq,
                data=data,
                t0_ms=header.t0_ms,
                t1_ms=header.t1_ms,
                samples=header.samples,
            )
            self._journal.append(Commit(state=b"", sealed=[batch])).result(5)


@contextmanager
def sending(journal: Journal, receiver: Receiving) -> Iterator[None]:
    """Run an uplink until all that it knows of is sent."""
    uplink = uplink_to(receiver.url, journal)
    uplink.start()
    try:
        yield
        assert flush(uplink)
    finally:
        uplink.stop(1)


def numbers(receiver: Receiving) -> tuple[list[int], int]:
    """Return the numbers that are there, and how many are missing."""
    rows = receiver.desk(lambda store: store.query("SELECT seq FROM batch ORDER BY 1"))
    _, _, status = receiver.request("GET", "/v1/status")
    return [row["seq"] for row in rows], sum(s["missing"] for s in status["streams"])


def test_a_restored_receiver_gets_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, copy = tmp_path / "received.sqlite", tmp_path / "copy.sqlite"
    with closing(open_journal(tmp_path / "journal", uplinks=["main"])) as journal:
        chain = Chain(journal)
        with receiving(database) as receiver, sending(journal, receiver):
            chain.seal(3)
        shutil.copy(database, copy)
        with receiving(database) as receiver, sending(journal, receiver):
            chain.seal(4)
        copy.replace(database)
        # Nobody is asked while what is missing may be on its way.
        with receiving(database) as receiver:
            with sending(journal, receiver):
                chain.seal(1)
            assert numbers(receiver) == ([1, 2, 3, 8], 4)
        monkeypatch.setattr(continuity, "GRACE_NS", 0)
        with receiving(database) as receiver:
            with sending(journal, receiver):
                chain.seal(1)
            assert numbers(receiver) == ([1, 2, 3, 4, 5, 6, 7, 8, 9], 0)


def test_an_empty_receiver_gets_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuity, "GRACE_NS", 0)
    with closing(open_journal(tmp_path / "journal", uplinks=["main"])) as journal:
        chain = Chain(journal)
        with receiving(tmp_path / "one") as receiver, sending(journal, receiver):
            chain.seal(5)
        with receiving(tmp_path / "two") as receiver:
            with sending(journal, receiver):
                chain.seal(1)
            assert numbers(receiver) == ([1, 2, 3, 4, 5, 6], 0)
