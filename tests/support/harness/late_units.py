"""A line in this process, with a clock of its own, whose units are as late as told.

Whoever wants to know whether a late reply was taken for another's sees it at once:
every register of a reply is the number of the request that it answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from zerometer.core._frame import crc16
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.outcome import Outcome

MS = 1_000_000
CHARACTER_NS = 100_000


def framed(body: bytes) -> bytes:
    """Return *body* with its CRC."""
    return body + crc16(body).to_bytes(2, "little")


@dataclass(slots=True)
class Fate:
    """What becomes of a request: when it is answered, and how.

    ``late_ms`` is None if it is never. The reply is ``held`` until so many further
    requests have come, to be taken for their replies. ``spoilt`` turns the frame into
    another.
    """

    late_ms: int | None = 0
    held: int = 0
    spoilt: Callable[[bytes], bytes] = bytes


@dataclass(slots=True)
class LateUnit:
    """A unit that answers in order, whenever *fates* say.

    One that is *strict* does not hear what comes while it works. *judge* returns the
    exception with which it refuses function, address and count; 0 for none, -1 for
    silence. No reply is held for longer than *longest_ns*.
    """

    fates: Iterator[Fate]
    strict: bool = False
    judge: Callable[[int, int, int], int] = lambda *_: 0
    longest_ns: int = 10**18
    free_ns: int = 0
    #: What is being worked at: since when, for how many requests yet, the lateness,
    #: the reply.
    queue: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def forget(self, now_ns: int) -> None:
        """Let go what was held for too long: it went while nobody asked anything."""
        while self.queue and self.queue[0][0] + self.longest_ns < now_ns:
            self.queue.pop(0)

    def hear(self, now_ns: int) -> Iterator[tuple[int, bytes]]:
        """Yield the replies that the request of this time sets free, and when."""
        self.queue = [(at, held - 1, late, f) for at, held, late, f in self.queue]
        while self.queue and self.queue[0][1] <= 0:
            _, _, late_ms, frame = self.queue.pop(0)
            self.free_ns = max(self.free_ns, now_ns) + late_ms * MS + MS
            yield self.free_ns, frame


@dataclass(slots=True)
class LateLine:
    """Line and master in one; ``now_ns`` is the time, which only it moves on."""

    units: dict[int, LateUnit]
    now_ns: int = 10**15  # later than the real clock, which transactions read
    transactions: int = 0
    busy_ns: int = 0
    wakes: int = 0
    discarded: int = 0
    heard_ns: int = 0
    error: int = 0
    pairs_replies: bool = False
    deaf_after_ns: int = 0
    #: Frames on their way: when they are here, in order.
    coming: list[tuple[int, bytes]] = field(default_factory=list)
    #: The numbers of the requests in the running series.
    asked: set[int] = field(default_factory=set)

    @property
    def master(self) -> "LateLine":
        """Itself."""
        return self

    def close(self) -> None:
        """Do nothing."""

    def time(self) -> int:
        """Return the time."""
        return self.now_ns

    def run(self, series: list[Transaction]) -> int:
        """Run *series* up to the first that is not good."""
        self.asked.clear()
        for ran, transaction in enumerate(series, 1):
            self._run(transaction)
            if transaction.outcome != Outcome.GOOD:
                return ran
        return len(series)

    def _run(self, transaction: Transaction) -> None:
        sent_ns = self.now_ns
        self._discard()
        self.transactions += 1
        number = self.transactions % 65_521
        self._hear(transaction.request, number)
        deadline_ns = sent_ns + max(transaction.timeout_ns, 10 * MS)
        reply = b""
        self.now_ns = deadline_ns
        if self.coming and self.coming[0][0] <= deadline_ns:
            self.now_ns, reply = self.coming.pop(0)
        # The transaction reads the real clock: what counts is how long it took.
        took_ns = self.now_ns - sent_ns
        transaction.conclude(reply, 0, CHARACTER_NS, False)
        transaction.conclude(reply, transaction.done_ns - took_ns, CHARACTER_NS, False)
        self.asked.add(number)

    def drain(self, silence_ns: int, cap_ns: int) -> int:
        """Discard what comes, as the real one does."""
        start_ns = last_ns = self.now_ns
        while last_ns - start_ns < cap_ns:
            until_ns = min(last_ns + silence_ns, start_ns + cap_ns)
            if not self.coming or self.coming[0][0] > until_ns:
                self.now_ns = until_ns
                break
            last_ns = self.now_ns = self.coming.pop(0)[0]
        return last_ns - start_ns

    def _discard(self) -> None:
        while self.coming and self.coming[0][0] <= self.now_ns:
            self.coming.pop(0)

    def _hear(self, request: bytes, number: int) -> None:
        unit = self.units.get(request[0])
        if unit is None:
            return
        unit.forget(self.now_ns)
        busy = bool(unit.queue) or self.now_ns < unit.free_ns
        if not (unit.strict and busy):
            self._work(unit, request, number, self.now_ns)
        self.coming += unit.hear(self.now_ns)
        self.coming.sort(key=lambda item: item[0])

    @staticmethod
    def _work(unit: LateUnit, request: bytes, number: int, now_ns: int) -> None:
        fate = next(unit.fates, Fate())
        address = int.from_bytes(request[2:4], "big")
        count = int.from_bytes(request[4:6], "big")
        code = unit.judge(request[1], address, count)
        if fate.late_ms is None or code < 0:
            return
        if code:
            frame = framed(bytes([request[0], request[1] | 0x80, code]))
        else:
            size = 2 * count if request[1] > 2 else (count + 7) // 8
            data = (number.to_bytes(2, "big") * count)[:size]
            frame = framed(bytes([request[0], request[1], size]) + data)
        # This request itself is heard next.
        unit.queue.append((now_ns, fate.held + 1, fate.late_ms, fate.spoilt(frame)))
