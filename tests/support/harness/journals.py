"""A journal opened as the agent does, and commits that go on where it ends."""

from pathlib import Path

from harness.sealed_batches import power_table
from harness.batches import header

from zerometer.agent.batch import encode
from zerometer.agent.journal import Commit, Journal, Resume, SealedBatch

LARGE = 1 << 28


def open_journal(folder: Path) -> Journal:
    """Open the journal in *folder* for the uplinks that it knows."""
    return Journal.open(folder, max_bytes=LARGE)


def seal_next(journal: Journal, resume: Resume) -> Commit:
    """Return a commit that seals a batch of each stream that there is."""
    sealed = []
    for stream in sorted({*resume.next_seq, "readings"}):
        seq = resume.next_seq.get(stream, 1)
        about = header(
            source=journal.source,
            epoch=journal.epoch,
            stream=stream,
            seq=seq,
            prev=resume.last_hash.get(stream),
        )
        data = encode(about, [power_table(seq)])
        sealed.append(
            SealedBatch(
                stream=stream, seq=seq, data=data, samples=3,
                t0_ms=about.t0_ms, t1_ms=about.t1_ms,
            )
        )  # fmt: skip
    return Commit(state=resume.state or b"", sealed=sealed)
