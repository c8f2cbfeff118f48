"""A card that is copied into another machine: both send, and nothing is mixed up."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.journals import open_journal, unsent
from harness.receiving import Receiving, receiving
from harness.sealing import Sealing

from zerometer.agent.journal.journal import Journal
from zerometer.agent.journal_tools.verify import verify

OURS, OTHER = bytes([1]) * 32, bytes([2]) * 32


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "received.sqlite") as running:
        yield running


def opened(folder: Path, hardware: bytes) -> Journal:
    return open_journal(folder, uplinks=["up"], hardware=hardware)


def send(journal: Journal, receiver: Receiving) -> list[tuple[int, str]]:
    """Send what waits; return status and word of each answer."""
    answers = []
    for batch in unsent(journal):
        status, _, answer = receiver.post(batch.data)
        answers.append((status, answer.get("error") or answer["status"]))
        journal.acknowledge("up", batch)
    return answers


def live(
    folder: Path, hardware: bytes, minutes: list[int], receiver: Receiving
) -> tuple[bytes, list[tuple[int, str]]]:
    """Let a gateway seal and send; return its epoch and the receiver's answers."""
    with closing(opened(folder, hardware)) as journal:
        Sealing(journal).minutes(minutes)
        return journal.epoch, send(journal, receiver)


def test_a_clone_begins_an_epoch_of_its_own(
    tmp_path: Path, receiver: Receiving
) -> None:
    ours, clone = tmp_path / "ours", tmp_path / "clone"
    epoch, answers = live(ours, OURS, [0, 1], receiver)
    shutil.copytree(ours, clone)
    with closing(opened(clone, OTHER)) as journal:
        assert journal.epoch != epoch
        assert any("other hardware" in notice for notice in journal.notices)
    same, more = live(ours, OURS, [2, 3], receiver)
    assert same == epoch
    cloned, clones = live(clone, OTHER, [4, 5], receiver)
    assert cloned != epoch
    assert {*answers, *more, *clones} == {(200, "stored")}
    for folder in (ours, clone):
        assert verify(folder).findings == []
    with closing(opened(clone, OTHER)) as journal:  # it is at home now
        assert journal.epoch == cloned
        assert journal.notices == []


def test_where_nothing_tells_the_receiver_does(
    tmp_path: Path, receiver: Receiving
) -> None:
    ours, clone = tmp_path / "ours", tmp_path / "clone"
    live(ours, b"", [0, 1], receiver)
    shutil.copytree(ours, clone)
    live(ours, b"", [2], receiver)
    _, answers = live(clone, b"", [3], receiver)
    assert set(answers) == {(409, "identity-conflict")}
