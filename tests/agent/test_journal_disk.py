"""A disk that is really full: a small file system in memory, which root may mount."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.journals import unsent

from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.core.errors import JournalError
from zerometer.core.site import STREAMS, JournalSettings

DISK_BYTES = 16 << 20
SETTINGS = JournalSettings(max_bytes=1 << 30, min_free_bytes=0)
SIZE = 100_000

pytestmark = pytest.mark.root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={DISK_BYTES}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", place],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


def opened(disk: Path, settings: JournalSettings = SETTINGS) -> Journal:
    return Journal.open(
        disk / "journal", settings, uplinks={"up": STREAMS}, wall_ns=lambda: 0
    )


def commit(journal: Journal, number: int, stream: str = "readings") -> Commit:
    """Return a commit of one batch."""
    batch = SealedBatch(
        stream=stream,
        seq=journal.resume().next_seq.get(stream, 1),
        data=bytes(SIZE),
        t0_ms=0,
        t1_ms=0,
        samples=1,
    )
    return Commit(number=number, state=b"%d" % number, sealed=[batch])


def fill(disk: Path) -> Path:
    """Let others take all there is; return their file."""
    file = disk / "others"
    with file.open("wb", buffering=0) as written:
        try:
            while True:
                written.write(bytes(4096))
        except OSError:
            return file


def test_it_goes_on_when_there_is_room_again(disk: Path) -> None:
    with closing(opened(disk)) as journal:
        for number in range(1, 6):
            journal.append(commit(journal, number)).result()
        others = fill(disk)
        failing = commit(journal, 6)
        for _ in range(3):
            with pytest.raises(JournalError, match="disk is full: free space there"):
                journal.append(failing).result()
        assert "disk is full" in journal.info().last_error
        assert journal.info().free_bytes == 0
        first, *rest = unsent(journal)
        journal.acknowledge("up", first)
        assert unsent(journal) == rest
        others.unlink()
        journal.append(failing).result()
        assert journal.info().last_error == ""
    with closing(opened(disk)) as journal:
        assert journal.notices == []
        assert [batch.seq for batch in unsent(journal)] == [2, 3, 4, 5, 6]


def test_it_makes_way_on_a_disk_that_is_full(disk: Path) -> None:
    """No row can be written or deleted there, but files can."""
    settings = replace(SETTINGS, max_bytes=12 << 20, min_free_bytes=1 << 20)
    with closing(opened(disk, settings)) as journal:
        for number in range(1, 80):
            journal.append(commit(journal, number)).result()
        fill(disk)
        journal.append(commit(journal, 80)).result()
        left = [batch.seq for batch in unsent(journal)]
        assert left == list(range(left[0], 81))
        assert journal.gaps("readings")[0].last == left[0] - 1
        assert journal.info().free_bytes >= (1 << 20) - SIZE - (1 << 16)
