"""A process that commits to a journal until it is killed, and says what it did.

Commit n adds the segment "n"; every third also seals all segments there are into a
batch that lists them. So state, segments and batches must always tell the same n.
"""

import sys
from pathlib import Path

from harness.journals import open_journal

from zerometer.agent.journal import Commit, SealedBatch


def commit_after(state: bytes | None, open_rows: list[bytes], seq: int) -> Commit:
    """Return the commit that follows *state*."""
    n = int(state or b"0") + 1
    row = b"%d" % n
    if n % 3:
        return Commit(state=row, segments=[("readings", row)])
    batch = SealedBatch(
        stream="readings", seq=seq, t0_ms=n, t1_ms=n, samples=len(open_rows) + 1,
        data=b" ".join([*open_rows, row]) + b" " * 3000,
    )  # fmt: skip
    return Commit(state=row, sealed=[batch])


def main(folder: str) -> None:
    """Commit for ever, and print each number once it is durable."""
    journal = open_journal(Path(folder))
    while True:
        resume = journal.resume()
        rows = [data for _, data in resume.segments]
        commit = commit_after(resume.state, rows, resume.next_seq.get("readings", 1))
        journal.append(commit).result()
        sys.stdout.write(f"{commit.state.decode()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
