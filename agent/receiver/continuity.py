"""Which numbers of a stream are there, and when to ask for those that are not.

A gateway sends what is new first, so numbers may well be missing for hours while its
backlog comes. Only when nothing that was missing has come for a while it is asked:
then it believes that we have them, as after our database was restored from a copy.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from zerometer.agent.batch import Header, Missing
from zerometer.agent.receiver.rows import printable
from zerometer.agent.receiver.store import Store
from zerometer.core.number_spans import Intervals, Span

#: How long nothing that was missing may come before it is asked for, and again.
GRACE_NS = 600 * 1_000_000_000
#: Ranges asked for in one answer.
MAX_RANGES = 16
#: Streams remembered; of others it is read again what is there.
MAX_STREAMS = 20_000

_COVERED = """
SELECT min(seq) AS first, max(seq) AS last, max(seq) AS seen FROM (
    SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run
    FROM batch JOIN source ON source.id = batch.source
    WHERE uuid = ? AND epoch = ? AND stream = ?
) AS numbered GROUP BY run
UNION ALL
SELECT first, last, 0 FROM gap
JOIN batch ON batch.id = gap.batch JOIN source ON source.id = batch.source
WHERE uuid = ? AND epoch = ? AND stream = ?
"""


@dataclass(slots=True)
class _Stream:
    """What is there or declared lost, and the last number that is there.

    ``looked`` was missing at ``since_ns``, and as far as we saw nothing of it has come
    since. Other receivers may have more.
    """

    covered: Intervals
    last: int
    since_ns: int
    looked: list[Span] = field(default_factory=list)

    @property
    def missing(self) -> list[Span]:
        """What is missing below the last; a gap may be declared above it."""
        return list(self.covered.absent(1, self.last))

    def take_in(self, new: Span) -> bool:
        """Let *new* be there; tell whether some of it was missing."""
        first, last = new
        filled = any(self.covered.absent(first, min(last, self.last)))
        self.covered.add(first, last)
        return filled

    def look(self, now_ns: int) -> None:
        """Begin to wait for what is missing now."""
        self.looked, self.since_ns = self.missing, now_ns


class Continuity:
    """Watches the streams of all sources; used by the store's thread."""

    def __init__(self, store: Store, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._now_ns = now_ns
        self._streams: OrderedDict[tuple[bytes, bytes, str], _Stream] = OrderedDict()

    def after(self, header: Header) -> tuple[Missing, ...]:
        """Return what to ask the sender of a batch for, now that it is committed."""
        key = (header.source, header.epoch, header.stream)
        now_ns = self._now_ns()
        stream = self._streams.pop(key, None)
        if stream is None:
            stream = _Stream(*self._covered(header), now_ns)
            stream.look(now_ns)
        elif self._take_in(stream, header) or not stream.looked:
            stream.look(now_ns)
        self._streams[key] = stream
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        if not stream.looked or now_ns - stream.since_ns < GRACE_NS:
            return ()
        return self._ask(stream, header, now_ns)

    def _take_in(self, stream: _Stream, header: Header) -> bool:
        """Tell whether a batch, or what it declares lost, was missing."""
        news = [(gap.first, gap.last) for gap in header.gaps]
        filled = [stream.take_in(new) for new in (*news, (header.seq, header.seq))]
        stream.last = max(stream.last, header.seq)
        return any(filled)

    def _ask(self, stream: _Stream, header: Header, now_ns: int) -> tuple[Missing, ...]:
        """Ask, unless another receiver has got some of it meanwhile."""
        waited = stream.looked
        stream.covered, stream.last = self._covered(header)
        stream.look(now_ns)
        if any(any(stream.covered.present(*one)) for one in waited):
            return ()
        return tuple(
            Missing(header.epoch, header.stream, first, last)
            for first, last in waited[:MAX_RANGES]
        )

    def _covered(self, header: Header) -> tuple[Intervals, int]:
        which = (header.source.hex(), header.epoch.hex(), printable(header.stream))
        rows = self._store.query(_COVERED, which + which)
        covered = Intervals((row["first"], row["last"]) for row in rows)
        return covered, max((row["seen"] for row in rows), default=0)
