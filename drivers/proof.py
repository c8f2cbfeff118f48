"""Whether a unit that let us wait still owes replies.

RTU replies name no request: one that comes late passes for the reply to the next
request of the same length. Units answer in order, so a right reply of a length that
nothing owed has proves that nothing is owed any more, however late the rest was.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from zerometer.core._frame import expected_length, read_request
from zerometer.core.points import ReadLimits
from zerometer.drivers.prepared import PreparedRead

#: So many probes in a row differ in length.
_RECENT_PROBES = 3

#: A unit that refuses so many probes answers at once: it owes nothing.
_REFUSALS = 3


class Proof:
    """What one unit owes, and the cheap requests that prove or disprove it."""

    def __init__(self, unit: int, limits: ReadLimits) -> None:
        self._unit = unit
        self._step = 2 if limits.even_only else 1
        self._largest = limits.max_registers
        self._anchors: deque[PreparedRead] = deque()
        self._owed: set[int] = set()
        self._probed: deque[int] = deque(maxlen=_RECENT_PROBES)
        self._refused: list[bytes] = []
        self._probe = b""

    @property
    def wanted(self) -> bool:
        """Whether replies may be owed."""
        return bool(self._owed)

    def owes(self, length: int) -> bool:
        """Whether a reply of *length* bytes may be owed."""
        return length in self._owed or length in self._probed

    def anchor(self, reads: Sequence[PreparedRead]) -> None:
        """Probe at the addresses of *reads* from now on, unless a proof is wanted."""
        if not self._anchors or not self.wanted:
            self._anchors = deque(reads)

    def owe(self, request: bytes) -> None:
        """Note that *request* was not answered.

        A late reply to a probe harms only by passing for the reply to the next
        probe, so that not the same length is used again soon; the values of a late
        reply to any other request would be taken for new ones.
        """
        if request == self._probe:
            self._probed.append(expected_length(request))
        else:
            self._owed.add(expected_length(request))

    def request(self) -> bytes:
        """Return the cheapest request that tells, or an empty one: none would."""
        if len(self._refused) >= _REFUSALS:
            return b""
        for read in self._anchors:
            for request in self._requests(read):
                if request in self._refused:
                    continue
                if not self.owes(expected_length(request)):
                    self._probe = request
                    return request
        return b""

    def probe(self) -> bytes:
        """Return a cheap request that tells at least whether the unit is there."""
        return self.request() or self._anchors[0].request

    def failed(self) -> None:
        """Note that a probe was not answered; the next one goes elsewhere."""
        self._anchors.rotate(-1)

    def refused(self, request: bytes) -> None:
        """Note that a probe was answered by an exception, which proves little."""
        self._refused.append(request)

    def settle(self) -> None:
        """Note that nothing is owed any more."""
        self._owed.clear()
        self._probed.clear()
        self._refused.clear()
        self._probe = b""

    def _requests(self, read: PreparedRead) -> Iterator[bytes]:
        """Yield smaller reads at the address of *read*, then one a bit larger."""
        block = read.block
        # Bits come in bytes: eight more make the reply longer.
        step = 8 if block.function <= 2 else self._step
        first = 1 if block.function <= 2 else read.width + read.width % step
        largest = 2000 if block.function <= 2 else self._largest
        counts = chain(range(first, block.count, step), [block.count + step])
        for count in counts:
            if count <= largest and block.address + count <= 65_536:
                yield read_request(self._unit, block.function, block.address, count)
