"""Cuts the power of a recorded gateway, again and again, and starts it each time.

Run as a script: TRACE ROOT FROM STEP COUNT SEED takes the images FROM, FROM + STEP,
... below COUNT, and prints what it found as JSON.
"""

import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.crash_images import WAYS, Disk
from harness.journals import open_journal
from harness.next_commit import next_commit
from harness.recorded_calls import Call, read_calls

from zerometer.agent.batch import peek
from zerometer.agent.journal_tools.contents import read_journal
from zerometer.agent.journal_tools.kept import kept_batches
from zerometer.agent.journal_tools.verify import verify
from zerometer.core.errors import FormatError, ZerometerError

#: SQLite's index of a WAL is mapped memory: after a cut it is anything, or nothing.
SHM_BYTES = 32_768


@dataclass
class Found:
    """What came of the images: how many, of which kind, and what was wrong."""

    images: int = 0
    ways: dict[str, int] = field(default_factory=dict)
    announced: int = 0
    problems: list[str] = field(default_factory=list)


def check(trace: Path, root: Path, numbers: range, seed: int) -> Found:
    """Cut at random calls of *trace*, once for each of *numbers*."""
    calls = read_calls(trace)
    found = Found()
    disk = Disk(root)
    taken = 0
    announced: set[bytes] = set()
    for cut, number in sorted((_cut(calls, seed, n), n) for n in numbers):
        for call in calls[taken:cut]:
            announced.update(_leaving(call))
            disk.take(call)
        taken = cut
        chance = random.Random(f"{seed}/{number}")
        way = WAYS[number % len(WAYS)]
        problems = _start(disk.image(way, chance), announced, chance)
        found.problems += [f"image {number} ({way}, {cut}): {p}" for p in problems]
        found.images += 1
        found.ways[way] = found.ways.get(way, 0) + 1
        found.announced = max(found.announced, len(announced))
    return found


def _cut(calls: list[Call], seed: int, number: int) -> int:
    return random.Random(f"{seed}/cut/{number}").randrange(len(calls) + 1)


def _leaving(call: Call) -> Iterator[bytes]:
    """Yield the batch hash of a batch that was about to leave the gateway."""
    if call.kind == "N":
        try:
            peek(call.data)
        except FormatError:
            return
        yield hashlib.sha256(call.data).digest()


def _start(
    image: dict[Path, bytes], announced: set[bytes], chance: random.Random
) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        folder.mkdir()
        for path, content in image.items():
            if path.parts[0] != "journal":
                continue
            file = Path(name) / path
            if not file.name.endswith("-shm"):
                file.write_bytes(content)
            elif chance.random() < 0.5:
                file.write_bytes(chance.randbytes(SHM_BYTES))
        try:
            return list(_problems(folder, announced))
        except ZerometerError as error:
            return [f"does not start: {error}"]


def _problems(folder: Path, announced: set[bytes]) -> Iterator[str]:
    """Yield what a start in *folder*, and one after it, find wrong."""
    sealed: list[bytes] = []
    for _ in range(2):
        journal = open_journal(folder)
        try:
            resume = journal.resume()
            yield from journal.notices
            if announced and resume.state is None:
                yield "the accounting state is lost"
            commit = next_commit(journal, resume)
            journal.append(commit).result()
            sealed += [batch.data for batch in commit.sealed]
        finally:
            journal.close()
    yield from (str(path) for path in folder.glob("*.bad-*"))
    ends = read_journal(folder).ends
    kept = {hashlib.sha256(batch.data).digest() for batch in kept_batches(folder, ends)}
    yield from (f"batch {digest.hex()} is lost" for digest in announced - kept)
    later = {hashlib.sha256(data).digest() for data in sealed}
    yield from (f"appended batch {digest.hex()} is lost" for digest in later - kept)
    for proof in verify(folder).proofs:
        yield from (f"{f.kind}: {f.text}" for f in proof.findings)
        gaps = [gap for gap in proof.declared if gap.reason != "evicted"]
        yield from (f"{proof.stream}: {gap}" for gap in gaps)


if __name__ == "__main__":
    trace, root, first, step, count, seed = sys.argv[1:]
    result = check(
        Path(trace), Path(root), range(int(first), int(count), int(step)), int(seed)
    )
    print(json.dumps(asdict(result)))
