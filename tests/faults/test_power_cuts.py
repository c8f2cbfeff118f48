"""Power cuts at any moment: the gateway starts, and has all that it told of."""

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import announcing_writer
from harness.crash_check import Found, check_in_processes, files_below
from harness.crash_images import WAYS, Disk
from harness.plant import Plant
from harness.recorded_calls import read_calls, recording
from harness.whole_chain import QUICK

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

IMAGES = 420
COMMITS = 120
#: Of a journal that evicts all the time, and of one that never does.
MAX_BYTES, LARGE = 300_000, 1 << 28
OLD = Path(__file__).parents[1] / "compat" / "0.1" / "killed.db.gz"
LIVES_S = (8.0, 10.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which a journal was written, begun and evicted."""
    folder = tmp_path_factory.mktemp("written")
    environment = recording(folder, under=folder, to=folder / "trace")
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run(
        [
            sys.executable, announcing_writer.__file__, str(folder / "journal"),
            str(COMMITS), str(MAX_BYTES),
        ],
        env=os.environ | environment | {"PYTHONPATH": path},
        check=True,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the folder in which a journal of release 0.1 was opened, and a copy."""
    folder, before = tmp_path_factory.mktemp("new"), tmp_path_factory.mktemp("old")
    for place in (folder, before):
        (place / "journal").mkdir()
        old = gzip.decompress(OLD.read_bytes())
        (place / "journal" / "journal.db").write_bytes(old)
    environment = recording(before.parent, under=folder, to=folder / "trace")
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run(
        [
            sys.executable, announcing_writer.__file__, str(folder / "journal"), "3",
            str(LARGE),
        ],
        env=os.environ | environment | {"PYTHONPATH": path},
        check=True,
    )  # fmt: skip
    return folder, before


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder in which an agent lived twice, killed in between."""
    folder = tmp_path_factory.mktemp("lived")
    with Plant(folder, replace=QUICK) as plant:
        environment = recording(folder, under=folder, to=folder / "trace")
        for life_s in LIVES_S:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                agent = plant.agent()
            agent.line()
            time.sleep(life_s)
            agent.kill()
        plant.finish()
    yield folder


def same_as_seen(folder: Path, before: str = "") -> None:
    """Fail unless the trace tells all that was done to the journal's files."""
    disk = Disk(folder, files_below(before))
    for call in read_calls(folder / "trace"):
        disk.take(call)
    seen = {
        path: content
        for path, content in disk.as_seen().items()
        if path.parts[0] == "journal" and not path.name.endswith("-shm")
    }
    there = {
        path.relative_to(folder): path.read_bytes()
        for path in (folder / "journal").iterdir()
        if not path.name.endswith("-shm")
    }
    assert seen == there


def survived(found: Found, announced: int) -> None:
    assert found.problems == []
    assert found.images == IMAGES
    assert set(found.ways) == set(WAYS)
    assert found.announced >= announced


def test_a_journal_that_evicts_survives(written: Path) -> None:
    same_as_seen(written)
    names = {path.name for path in (written / "journal").iterdir()}
    assert "readings-000001.db" not in names, "nothing was evicted"
    survived(check_in_processes(written / "trace", written, IMAGES), COMMITS)


def test_a_journal_of_an_earlier_release_survives(
    migrated: tuple[Path, Path],
) -> None:
    folder, before = migrated
    same_as_seen(folder, str(before))
    found = check_in_processes(folder / "trace", folder, IMAGES, before=before)
    survived(found, 4)


def test_a_running_agent_survives(lived: Path) -> None:
    same_as_seen(lived)
    survived(check_in_processes(lived / "trace", lived, IMAGES), 5)


def test_without_flushes_batches_would_be_lost(written: Path) -> None:
    found = check_in_processes(written / "trace", written, 40, without="S")
    assert any("is lost" in problem for problem in found.problems)
