"""Batches into a folder: durable or not there, and only where a disk is mounted."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from harness.batches import EPOCH, SOURCE
from harness.flushing import flush
from harness.outbox import MemoryOutbox, stored
from harness.sealed_batches import START_MS, sealed
from harness.uplinks import uplink_to

from zerometer.agent.batch_files import folder_files, read_files
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.file import FileSender, open_sender
from zerometer.core.site import UplinkSettings

DAY_MS = 86_400_000


def batch(seq: int = 1, t1_ms: int = START_MS):  # type: ignore[no-untyped-def]
    return replace(stored(sealed(seq)), t1_ms=t1_ms)


def names(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder_files(folder)]


def test_each_batch_is_a_file_named_by_its_time(tmp_path: Path) -> None:
    sender = open_sender(UplinkSettings(id="a", url=tmp_path.as_uri()), SOURCE)
    for seq, t1_ms in ((12, START_MS + DAY_MS), (2, START_MS + 1), (3, START_MS)):
        assert sender.send(batch(seq, t1_ms), 5).outcome is Outcome.ACCEPTED
    source, epoch = SOURCE.hex(), EPOCH.hex()
    assert names(tmp_path) == [
        f"{source}/2026-01-01/20260101T000000.000Z-readings-00000003-{epoch}.batch",
        f"{source}/2026-01-01/20260101T000000.001Z-readings-00000002-{epoch}.batch",
        f"{source}/2026-01-02/20260102T000000.000Z-readings-00000012-{epoch}.batch",
    ]
    read = [data for _, data in read_files(str(tmp_path))]
    assert read == [sealed(3), sealed(2), sealed(12)]


def test_again_is_no_other_file(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, SOURCE)
    for _ in range(2):
        assert sender.send(batch(), 5).outcome is Outcome.ACCEPTED
    assert len(names(tmp_path)) == 1


def test_another_batch_of_the_same_identity_is_a_conflict(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, SOURCE)
    sender.send(batch(), 5)
    other = replace(batch(), data=sealed(1, rows=5))
    answer = sender.send(other, 5)
    assert (answer.outcome, answer.code) == (Outcome.CONFLICT, "identity-conflict")
    assert [data for _, data in read_files(str(tmp_path))] == [sealed(1)]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Below an empty mount point, it would fill the wrong disk."""
    folder = tmp_path / "stick" / "batches"
    sender = FileSender(folder, SOURCE)
    answer = sender.send(batch(), 5)
    assert answer.outcome is Outcome.RETRY
    assert answer.reason == f"folder {folder} is not there: mount its disk, or make it"
    assert not folder.parent.exists()
    folder.mkdir(parents=True)
    assert sender.send(batch(), 5).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ENOSPC, Outcome.RETRY),
        (errno.EIO, Outcome.RETRY),
        (errno.EROFS, Outcome.PAUSE),
        (errno.EACCES, Outcome.PAUSE),
    ],
)
def test_a_disk_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, outcome: Outcome
) -> None:
    """Nothing is accepted, and nothing half can be read."""

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    sender = FileSender(tmp_path, SOURCE)
    sender.send(batch(7), 5)
    monkeypatch.setattr(os, "fsync", fail)
    answer = sender.send(batch(), 5)
    assert answer.outcome is outcome
    assert answer.reason == f"folder {tmp_path}: {os.strerror(number)}"
    assert len(names(tmp_path)) == 1
    monkeypatch.undo()
    assert sender.send(batch(), 5).outcome is Outcome.ACCEPTED


def test_a_full_disk(tmp_path: Path) -> None:
    """/dev/full fails each write, as a full disk does."""
    sender = FileSender(tmp_path, SOURCE)
    path = sender._path(batch())
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.tmp").symlink_to("/dev/full")
    answer = sender.send(batch(), 5)
    assert (answer.outcome, answer.reason) == (
        Outcome.RETRY,
        f"folder {tmp_path}: No space left on device",
    )


def test_a_folder_whose_names_cannot_be_synced_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_files(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", only_files)
    assert FileSender(tmp_path, SOURCE).send(batch(), 5).outcome is Outcome.ACCEPTED


def test_a_time_beyond_the_calendar_has_a_name(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, SOURCE)
    assert sender.send(batch(1, 2**53), 5).outcome is Outcome.ACCEPTED
    assert "9999-12-31" in names(tmp_path)[0]


def test_two_lanes_write_at_once(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, SOURCE)
    with ThreadPoolExecutor(2) as lanes:
        answers = lanes.map(lambda seq: sender.send(batch(seq), 5), range(1, 30))
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert len(names(tmp_path)) == 29


def test_a_site_without_a_network(tmp_path: Path) -> None:
    outbox = MemoryOutbox()
    outbox.append(*[sealed(seq) for seq in range(1, 8)])
    uplink = uplink_to(tmp_path.as_uri(), outbox)
    uplink.start()
    assert flush(uplink)
    uplink.stop(1)
    read = [data for _, data in read_files(str(tmp_path))]
    assert sorted(read) == sorted(sealed(seq) for seq in range(1, 8))
