"""Whether a unit that let us wait still owes replies.

RTU replies name no request: one that comes late passes for the reply to the next
request with the same function and of the same length. Units answer in order, so a
reply that no request can have got but the last one proves that nothing is owed any
more, however late the rest was. That is a right reply of a function and a length
that nothing owed has, or an exception of a function that nothing owed has. What a
meter granted before it does not refuse: an exception 2 or 3 then tells as much.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from zerometer.core._frame import expected_length, read_request
from zerometer.core.meter_map import ReadLimits
from zerometer.drivers.faults import REFUSALS
from zerometer.drivers.prepared import PreparedRead

#: A reply that is later than this is believed lost, where nothing can prove it.
BELIEVED_LATENESS_NS = 60_000_000_000

#: Function and length of a reply.
_Signature = tuple[int, int]


class Proof:
    """What one unit owes, and the cheap requests that prove or disprove it."""

    def __init__(self, unit: int, limits: ReadLimits) -> None:
        self._unit = unit
        self._step = 2 if limits.even_only else 1
        #: Registers that it returns for each address.
        self.width = limits.registers_per_address
        self._largest = limits.max_registers // self.width
        self._anchors: deque[PreparedRead] = deque()
        #: When each reply that is owed was asked for last.
        self._owed_ns: dict[_Signature, int] = {}
        #: Functions of owed requests that may be answered by an exception.
        self._refusable: set[int] = set()
        self._refused: set[bytes] = set()
        #: Whether the last probe was not answered.
        self.failing = False

    @property
    def wanted(self) -> bool:
        """Whether replies may be owed."""
        return bool(self._owed_ns)

    def owes(self, length: int) -> bool:
        """Whether a reply of *length* bytes may be owed."""
        return any(length == owed for _, owed in self._owed_ns)

    def anchor(self, reads: Sequence[PreparedRead]) -> None:
        """Probe at the addresses of *reads* from now on, unless a proof is wanted."""
        if not self._anchors or not self.wanted:
            self._anchors = deque(reads)

    def owe(self, request: bytes, now_ns: int, *, granted: bool = False) -> None:
        """Note that *request* was not answered; *granted* if it was before."""
        self._owed_ns[self._signature(request)] = now_ns
        if not granted:
            self._refusable.add(request[1])

    def request(self) -> bytes:
        """Return the cheapest request that tells; an empty one if none is left."""
        for request in self._requests():
            if self._signature(request) not in self._owed_ns:
                return request
        return b""

    def probe(self) -> bytes:
        """Return a cheap request that tells whether the unit is there.

        It is the same again and again: only a proof needs another one each time.
        """
        return next(self._requests(), self._anchors[0].request)

    def proves(self, request: bytes, exception: int = 0) -> bool:
        """Whether the answer to *request* proves that nothing is owed.

        The answer is right, or the *exception* of that number. It is asked before
        the request itself counts as owed.
        """
        if not exception:
            return self._signature(request) not in self._owed_ns
        function = request[1]
        if all(function != owed for owed, _ in self._owed_ns):
            return True
        return exception in REFUSALS and function not in self._refusable

    def answered(self) -> None:
        """Note that a probe was answered, whatever that proves."""
        self.failing = False

    def failed(self) -> None:
        """Note that a probe was not answered; the next one goes elsewhere."""
        self.failing = True
        self._anchors.rotate(-1)

    def refused(self, request: bytes) -> None:
        """Note that a probe was answered by an exception: it is not used again."""
        self._refused.add(request)

    def settle(self) -> None:
        """Note that nothing is owed any more."""
        self._owed_ns.clear()
        self._refusable.clear()
        self.failing = False

    def settle_by_time(self, now_ns: int) -> bool:
        """Give up what is owed for so long that it is lost; return whether all is."""
        if now_ns < max(self._owed_ns.values(), default=0) + BELIEVED_LATENESS_NS:
            return False
        self.settle()
        return True

    def _requests(self) -> Iterator[bytes]:
        """Yield requests of many lengths and functions, cheap and likely ones first."""
        for read in self._anchors:
            for request in self._around(read):
                if request not in self._refused:
                    yield request
        for read in self._anchors:
            for function in (4, 3, 1, 2):
                # Bits may stand at an address at which no register may be asked for.
                address = read.block.address - read.block.address % self._step
                request = read_request(self._unit, function, address, self._step)
                if request not in self._refused:
                    yield request

    def _around(self, read: PreparedRead) -> Iterator[bytes]:
        """Yield smaller reads at the address of *read*, itself, and a larger one."""
        block = read.block
        # Bits come in bytes: eight more make the reply longer.
        step = 8 if block.function <= 2 else self._step
        first = 1 if block.function <= 2 else read.width + read.width % step
        largest = 2000 if block.function <= 2 else self._largest
        counts = chain(
            range(first, block.count, step), [block.count, block.count + step]
        )
        for count in counts:
            if count <= largest and block.address + count <= 65_536:
                yield read_request(self._unit, block.function, block.address, count)

    def _signature(self, request: bytes) -> _Signature:
        return request[1], expected_length(request, self.width)
