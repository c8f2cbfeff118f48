"""``zerometer receive --import``: what a file uplink wrote, taken once."""

import argparse
from contextlib import closing
from pathlib import Path

import pytest
from harness.batches import SOURCE
from harness.sealed_batches import sealed

from zerometer.agent.batch import peek
from zerometer.agent.cli import receive
from zerometer.agent.journal import StoredBatch
from zerometer.agent.receiver.stores import store_opener
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.file import FileSender
from zerometer.core.errors import UsageError


def write(folder: Path, data: bytes) -> None:
    """Write a batch as the uplink does."""
    header = peek(data)
    batch = StoredBatch(
        stream=header.stream,
        position=header.seq,
        epoch=header.epoch,
        seq=header.seq,
        data=data,
        samples=header.samples,
        t1_ms=header.t1_ms,
    )
    assert FileSender(folder, SOURCE).send(batch, 1).outcome is Outcome.ACCEPTED


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    receive.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["receive", *arguments])
    code: int = parsed.run(parsed)
    return code


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_a_folder_is_taken_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    for seq in range(1, 41):
        write(folder, sealed(seq))
    target = f"{scheme}:{tmp_path / 'received'}"
    assert run("--to", target, "--import", str(folder)) == 0
    assert capsys.readouterr().out == "stored: 40\nduplicate: 0\nrefused: 0\n"
    (damaged, *_) = sorted(folder.rglob("*.batch"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert run("--to", target, "--import", str(folder)) == 5
    said = capsys.readouterr()
    assert said.out == "stored: 0\nduplicate: 39\nrefused: 1\n"
    assert f"{damaged}: truncated: " in said.err
    with closing(store_opener(target)()) as store:
        assert store.query("SELECT count(*) AS count FROM reading") == [{"count": 120}]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    target = str(tmp_path / "received.sqlite")
    with pytest.raises(UsageError, match="nowhere: is no folder"):
        run("--to", target, "--import", str(tmp_path / "nowhere"))
