"""What the journal knows of a stream without looking at its files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import msgpack

from zerometer.agent.batch import Gap
from zerometer.core.number_spans import Intervals, Span

#: Losses for this reason are still there for others than the receiver that refused.
QUARANTINED = "quarantined"
#: A loss was declared in a batch that has been acknowledged, and went since.
SETTLED = -1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a stream: its number, and the positions it may have.

    ``t0_ms`` and ``t1_ms`` are the first and last time in it. ``begun_ms`` is when
    it was begun (UTC); ``bytes`` is its size once nothing more goes in, before 0.
    """

    number: int
    first: int
    last: int
    t0_ms: int
    t1_ms: int
    begun_ms: int
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Loss:
    """Positions that will not be sent, and why.

    ``told`` is the position of the batch that declares them, 0: of none yet.
    """

    first: int
    last: int
    reason: str
    told: int = 0


@dataclass(slots=True)
class StreamBook:
    """A stream: its end, its epochs, its files, and what it lost.

    ``position`` is that of the last batch and ``hash`` its batch hash, empty where
    the epoch has none yet; ``samples`` are those of all its batches. ``bases`` has
    each epoch that files may have batches of, with the position before its first: a
    batch's ``seq`` is its position less that. ``next_file`` is the number of the
    next file.
    """

    position: int = 0
    hash: bytes = b""
    samples: int = 0
    bases: list[tuple[bytes, int]] = field(default_factory=list)
    files: list[FileEntry] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    next_file: int = 1

    @property
    def base(self) -> int:
        """The position before the first one of this epoch."""
        return self.bases[-1][1]

    @property
    def seq(self) -> int:
        """The number of the last batch of this epoch, 0 before the first."""
        return self.position - self.base

    @property
    def kept_from(self) -> int:
        """The first position that a file may have."""
        return self.files[0].first if self.files else self.position + 1

    def copy(self) -> "StreamBook":
        """Return a copy that can be changed apart."""
        return replace(
            self,
            bases=self.bases[:],
            files=self.files[:],
            losses=self.losses[:],
        )

    def pack(self) -> bytes:
        """Return it as bytes."""
        packed: bytes = msgpack.packb(
            {
                "position": self.position,
                "hash": self.hash,
                "samples": self.samples,
                "bases": self.bases,
                "files": [
                    (f.number, f.first, f.last, f.t0_ms, f.t1_ms, f.begun_ms, f.bytes)
                    for f in self.files
                ],
                "losses": [(x.first, x.last, x.reason, x.told) for x in self.losses],
                "next_file": self.next_file,
            }
        )
        return packed

    @classmethod
    def unpack(cls, data: bytes) -> "StreamBook":
        """Return what ``pack`` packed."""
        found = msgpack.unpackb(data)
        return cls(
            found["position"],
            found["hash"],
            found["samples"],
            [(epoch, base) for epoch, base in found["bases"]],
            [FileEntry(*entry) for entry in found["files"]],
            [Loss(*loss) for loss in found["losses"]],
            found["next_file"],
        )

    def place(self, position: int) -> tuple[bytes, int]:
        """Return epoch and seq of a position."""
        epoch, base = next(b for b in reversed(self.bases) if b[1] < position)
        return epoch, position - base

    def positions(self, epoch: bytes, first: int, last: int) -> Span | None:
        """Return the positions of the numbers *first* to *last* of *epoch*.

        None where none of them is known.
        """
        for known, base, end in self.epochs():
            if known == epoch:
                span = base + max(first, 1), min(base + last, end)
                return span if span[0] <= span[1] else None
        return None

    def epochs(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield each epoch with the position before its first, and its last."""
        ends = [*(base for _, base in self.bases[1:]), self.position]
        for (epoch, base), end in zip(self.bases, ends, strict=True):
            yield epoch, base, end

    def dead(self) -> Intervals:
        """Return the positions that can be sent to nobody."""
        return Intervals(
            (loss.first, loss.last)
            for loss in self.losses
            if loss.reason != QUARANTINED
        )

    def lose(self, spans: Iterable[Span], reason: str) -> None:
        """Note that positions will not come; what is lost already stays so."""
        known = self.dead()
        if reason == QUARANTINED:
            known = Intervals((loss.first, loss.last) for loss in self.losses)
        for first, last in spans:
            for fresh in known.absent(first, last):
                self._untell(*fresh)
                self.losses += [Loss(*part, reason) for part in self._by_epoch(*fresh)]
        self._merge()

    def untell(self, first: int, last: int) -> None:
        """Let losses between these positions be declared again."""
        self.losses = [
            replace(loss, told=0) if loss.first <= last and loss.last >= first else loss
            for loss in self.losses
        ]
        self._merge()

    def _untell(self, first: int, last: int) -> None:
        """Let what lost batches declared be declared again."""
        self.losses = [
            replace(loss, told=0) if first <= loss.told <= last else loss
            for loss in self.losses
        ]

    def settle(self, spans: Iterable[Span]) -> None:
        """Forget which of these positions declared losses: they have arrived."""
        arrived = Intervals(spans)
        self.losses = [
            replace(loss, told=SETTLED) if loss.told in arrived else loss
            for loss in self.losses
        ]
        self._merge()

    def gaps(self) -> tuple[Gap, ...]:
        """Return what this epoch lost and no batch declares yet, as numbers."""
        base = self.base
        return tuple(
            Gap(loss.first - base, loss.last - base, loss.reason)
            for loss in self.losses
            if loss.told == 0 and loss.first > base
        )

    def tell(self, gaps: Iterable[Gap], position: int) -> None:
        """Note that the batch at *position* declares *gaps*."""
        for gap in gaps:
            first, last = gap.first + self.base, gap.last + self.base
            self.losses = [
                part
                for loss in self.losses
                for part in _told(loss, gap.reason, first, last, position)
            ]
        self._merge()

    def _by_epoch(self, first: int, last: int) -> list[Span]:
        """Cut a range of positions where an epoch ends."""
        cuts = [base for _, base in self.bases if first <= base < last]
        starts = [first, *(base + 1 for base in cuts)]
        return list(zip(starts, [*cuts, last], strict=True))

    def _merge(self) -> None:
        """Let neighbours of one kind, within an epoch, be one."""
        bases = {base for _, base in self.bases}
        merged: list[Loss] = []
        for loss in sorted(self.losses, key=lambda loss: (loss.first, loss.reason)):
            last = merged[-1] if merged else None
            if (
                last is not None
                and (last.reason, last.told) == (loss.reason, loss.told)
                and last.last + 1 == loss.first
                and last.last not in bases
            ):
                merged[-1] = replace(last, last=loss.last)
            else:
                merged.append(loss)
        self.losses = merged

    def begin_epoch(self, epoch: bytes) -> None:
        """Let numbers begin with 1 again."""
        self.bases.append((epoch, self.position))
        self.hash = b""

    def drop_file(self, entry: FileEntry) -> None:
        """Forget a file, and epochs that only it had batches of."""
        self.files.remove(entry)
        while len(self.bases) > 1 and self.bases[1][1] < self.kept_from:
            del self.bases[0]


def _told(loss: Loss, reason: str, first: int, last: int, position: int) -> list[Loss]:
    """Return *loss* in parts: what lies from *first* to *last* is told now."""
    low, high = max(loss.first, first), min(loss.last, last)
    if loss.told or loss.reason != reason or low > high:
        return [loss]
    parts = [
        replace(loss, last=low - 1),
        replace(loss, first=low, last=high, told=position),
        replace(loss, first=high + 1),
    ]
    return [part for part in parts if part.first <= part.last]
