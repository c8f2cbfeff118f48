"""A process that commits to a small journal and tells of each batch that is durable.

Run as a script: FOLDER COMMITS MAX_BYTES. What it tells goes over a socket, as an
uplink's batches do. Where the journal is small for its batches, files are begun and
evicted all the time; some are acknowledged, so that there are gaps as well.
"""

import socket
import sys
from pathlib import Path

from harness.batches import header
from harness.journals import open_journal
from harness.sealed_batches import power_table

from zerometer.agent.batch import batch_hash, encode
from zerometer.agent.journal import Commit, SealedBatch

STREAMS = ("readings", "minutes", "ledger")
#: Rows of a batch: some 500 bytes.
ROWS = 3000


def main(folder: Path, commits: int, max_bytes: int) -> None:
    """Commit so often, then close the journal."""
    near, far = socket.socketpair()
    journal = open_journal(folder, max_bytes, ["up"])
    resume = journal.resume()
    seqs, hashes = dict(resume.next_seq), dict(resume.last_hash)
    for number in range(resume.number + 1, resume.number + commits + 1):
        sealed = []
        for stream in STREAMS[: 1 + number % 3]:
            seq = seqs.get(stream, 1)
            about = header(
                source=journal.source, epoch=journal.epoch, stream=stream, seq=seq,
                prev=hashes.get(stream), gaps=journal.gaps(stream),
            )  # fmt: skip
            tables = [power_table(seq, ROWS), power_table(seq, ROWS, "saw")]
            data = encode(about, tables)
            sealed.append(
                SealedBatch(
                    stream=stream, seq=seq, data=data, t0_ms=about.t0_ms,
                    t1_ms=about.t1_ms, samples=ROWS, gaps=about.gaps,
                )
            )  # fmt: skip
            seqs[stream], hashes[stream] = seq + 1, batch_hash(data)
        segments = [(stream, b"row" * 50) for stream in STREAMS]
        commit = Commit(
            number=number, state=b"%d" % number * 200, segments=segments, sealed=sealed
        )
        journal.append(commit).result()
        for batch in sealed:
            near.send(batch.data)
            far.recv(1 << 20)
        for batch in journal.oldest("up", 2) if number % 3 else []:
            journal.acknowledge("up", batch)
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
