"""A journal with batches of every stream, each sealed after the one before."""

from array import array
from collections.abc import Sequence

from harness.batches import header
from harness.sealed_batches import START_MS

from zerometer.agent.batch import Column, Table, batch_hash, encode
from zerometer.agent.journal import Commit, Journal, SealedBatch

MINUTE_MS = 60_000


def power(first_ms: int, rows: int = 3) -> Table:
    """Readings of a meter: a power, and a counter with its index."""
    times = array("q", range(first_ms, first_ms + 1000 * rows, 1000))
    counted = array("d", [7.5 + n for n in range(rows)])
    return Table(
        "readings/press/all",
        [
            Column("time", "ms", 0, times),
            Column("power", "kW", -1, array("q", range(5, 5 + rows)), bytes([1, 0, 0])),
            Column("energy", "kWh", 0, counted),
            Column("energy.index", "kWh", 0, array("d", [n + 0.5 for n in counted])),
        ],
    )


def window(start_ms: int, length: str) -> Table:
    """A window whose line took 1.25 kWh from the grid."""
    cells = [
        ("revision", "", 0, 0),
        ("covered", "s", -3, 60_000),
        ("measured_share", "", -4, 9_900),
        ("sink.line:quantity", "kWh", -6, 1_250_000),
        ("sink.line:from:source.grid", "kWh", -6, 1_250_000),
    ]
    return Table(
        f"ledger/{length}",
        [
            Column("time", "ms", 0, array("q", [start_ms])),
            *(Column(n, unit, exp, array("q", [v])) for n, unit, exp, v in cells),
        ],
    )


def event(time_ms: int, text: str) -> Table:
    """An event of the press."""
    return Table(
        "events",
        [
            Column("time", "ms", 0, array("q", [time_ms])),
            Column("kind", "", 0, ["down"]),
            Column("subject", "", 0, ["press"]),
            Column("text", "", 0, [text]),
        ],
    )


def minute(number: int) -> dict[str, list[Table]]:
    """Return the tables of each stream for a minute since START_MS."""
    at_ms = START_MS + number * MINUTE_MS
    return {
        "readings": [power(at_ms)],
        "minutes": [window(at_ms, "1min")],
        "ledger": [window(at_ms, "15min"), event(at_ms + 1, f"没有回答, {number}")],
    }


class Sealing:
    """Seals minutes into a journal, a batch of each stream in a commit."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        resume = journal.resume()
        self._number = resume.number
        self._seqs = dict(resume.next_seq)
        self._hashes = dict(resume.last_hash)
        self.sealed: list[bytes] = []

    def minutes(self, numbers: Sequence[int]) -> None:
        """Commit these minutes."""
        for number in numbers:
            self._number += 1
            batches = [
                self._batch(stream, tables) for stream, tables in minute(number).items()
            ]
            commit = Commit(number=self._number, state=b"state", sealed=batches)
            self.journal.append(commit).result()
            self.sealed += [batch.data for batch in batches]

    def new_epoch(self) -> None:
        """Let numbers begin again."""
        self.journal.begin_epoch("a test").result()
        self._seqs, self._hashes = {}, {}

    def _batch(self, stream: str, tables: list[Table]) -> SealedBatch:
        times = [t for table in tables for t in table.columns[0].values]
        seq = self._seqs.get(stream, 1)
        about = header(
            source=self.journal.source,
            epoch=self.journal.epoch,
            stream=stream,
            seq=seq,
            prev=self._hashes.get(stream),
            gaps=self.journal.gaps(stream),
            t0_ms=min(times),
            t1_ms=max(times),
        )
        data = encode(about, tables)
        self._seqs[stream] = seq + 1
        self._hashes[stream] = batch_hash(data)
        return SealedBatch(
            stream=stream,
            seq=seq,
            data=data,
            t0_ms=about.t0_ms,
            t1_ms=about.t1_ms,
            samples=3,
            gaps=about.gaps,
        )
