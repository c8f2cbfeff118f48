"""Cuts the power of a recorded gateway, again and again, and starts it each time.

Run as a script: TRACE ROOT BEFORE FROM STEP COUNT [KIND...] takes the images FROM,
FROM + STEP, ... below COUNT, and prints what it found as JSON. BEFORE is a copy of ROOT
as it was when the recording began, or empty. Calls of the kinds named are left out, as
if they had done nothing.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.crash_images import WAYS, Disk
from harness.journals import open_journal
from harness.next_commit import next_commit
from harness.recorded_calls import Call, read_calls

from zerometer.agent.batch import Header, batch_hash, peek
from zerometer.agent.journal.book import Book
from zerometer.agent.journal_tools.contents import read_batches, read_journal
from zerometer.agent.journal_tools.kept import kept_batches
from zerometer.agent.journal_tools.verify import verify
from zerometer.core.errors import FormatError, ZerometerError

#: SQLite's index of a WAL is mapped memory: after a cut it is anything, or nothing.
SHM_BYTES = 32_768
#: As many processes start gateways at the same time.
PROCESSES = 2

#: Batches by their hashes.
Announced = dict[bytes, Header]


@dataclass
class Found:
    """What came of the images: how many, of which kind, and what was wrong."""

    images: int = 0
    ways: dict[str, int] = field(default_factory=dict)
    announced: int = 0
    problems: list[str] = field(default_factory=list)


def check(calls: list[Call], root: Path, before: str, numbers: range) -> Found:
    """Cut at random calls, once for each of *numbers*."""
    found = Found()
    disk = Disk(root, files_below(before))
    taken = 0
    announced = _told(before)
    for cut, number in sorted((_cut(calls, n), n) for n in numbers):
        for call in calls[taken:cut]:
            announced |= _leaving(call)
            disk.take(call)
        taken = cut
        chance = random.Random(number)
        way = WAYS[number % len(WAYS)]
        problems = _start(disk.image(way, chance), announced, chance)
        found.problems += [f"image {number} ({way}, {cut}): {p}" for p in problems]
        found.images += 1
        found.ways[way] = found.ways.get(way, 0) + 1
        found.announced = max(found.announced, len(announced))
    return found


def files_below(folder: str) -> dict[Path, bytes]:
    """Return the files of a folder and those below it, none if it has no name."""
    if not folder:
        return {}
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def _told(before: str) -> Announced:
    """Return the batches that were there when the recording began."""
    if not before:
        return {}
    kept = read_batches(Path(before) / "journal")
    return {batch_hash(batch.data): peek(batch.data) for batch in kept}


def check_in_processes(
    trace: Path,
    root: Path,
    count: int,
    *,
    before: Path | None = None,
    without: Sequence[str] = (),
) -> Found:
    """Cut *trace* so often, in several processes; return all that they found."""
    running = [
        subprocess.Popen(
            [
                sys.executable, __file__, str(trace), str(root),
                str(before or ""), str(first),
                str(PROCESSES), str(count), *without,
            ],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        for first in range(PROCESSES)
    ]  # fmt: skip
    total = Found()
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0
        part = Found(**json.loads(output))
        total.images += part.images
        total.announced = max(total.announced, part.announced)
        total.problems += part.problems
        for way, images in part.ways.items():
            total.ways[way] = total.ways.get(way, 0) + images
    return total


def _cut(calls: list[Call], number: int) -> int:
    return random.Random(f"cut {number}").randrange(len(calls) + 1)


def _leaving(call: Call) -> Announced:
    """Return the batch that was about to leave the gateway, if it is one."""
    if call.kind != "N":
        return {}
    try:
        return {batch_hash(call.data): peek(call.data)}
    except FormatError:
        return {}


def _start(
    image: dict[Path, bytes], announced: Announced, chance: random.Random
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


def _problems(folder: Path, announced: Announced) -> Iterator[str]:
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
    contents = read_journal(folder)
    kept = {batch_hash(b.data) for b in kept_batches(folder, contents.ends)}
    for digest, header in announced.items():
        if digest not in kept and not _evicted(contents.book, header):
            yield f"batch {header.stream}/{header.seq} is lost"
    for data in sealed:
        if batch_hash(data) not in kept:
            yield f"batch {peek(data).stream}/{peek(data).seq}, appended, is lost"
    for proof in verify(folder).proofs:
        yield from (f"{f.kind}: {f.text}" for f in proof.findings)
        gaps = [gap for gap in proof.declared if gap.reason != "evicted"]
        yield from (f"{proof.stream}: unexpected {gap}" for gap in gaps)


def _evicted(book: Book, header: Header) -> bool:
    """Tell whether a batch was in a file that has gone."""
    stream = book.streams.get(header.stream)
    if stream is None:
        return False
    span = stream.positions(header.epoch, header.seq, header.seq)
    return span is not None and span[0] < stream.kept_from


if __name__ == "__main__":
    trace, root, before, first, step, count, *without = sys.argv[1:]
    recorded = [call for call in read_calls(Path(trace)) if call.kind not in without]
    taken = range(int(first), int(count), int(step))
    json.dump(asdict(check(recorded, Path(root), before, taken)), sys.stdout)
