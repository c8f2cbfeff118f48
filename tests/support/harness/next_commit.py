"""A commit that goes on where a journal ends."""

from harness.batches import header
from harness.sealed_batches import power_table

from zerometer.agent.batch import encode
from zerometer.agent.journal import Commit, Journal, Resume, SealedBatch


def next_commit(
    journal: Journal, resume: Resume, streams: tuple[str, ...] = ("readings",)
) -> Commit:
    """Return a commit that seals a batch of *streams*, and of all that there are."""
    sealed = []
    for stream in sorted({*resume.next_seq, *streams}):
        seq = resume.next_seq.get(stream, 1)
        gaps = journal.gaps(stream)
        about = header(
            source=journal.source,
            epoch=journal.epoch,
            stream=stream,
            seq=seq,
            prev=resume.last_hash.get(stream),
            gaps=gaps,
        )
        sealed.append(
            SealedBatch(
                stream=stream,
                seq=seq,
                data=encode(about, [power_table(seq)]),
                t0_ms=about.t0_ms,
                t1_ms=about.t1_ms,
                samples=3,
                gaps=gaps,
            )
        )
    return Commit(
        number=resume.number + 1, state=resume.state or b"state", sealed=sealed
    )
