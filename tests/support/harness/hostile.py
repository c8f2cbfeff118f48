"""Meters that send anything: made-up and damaged frames, and what becomes of them."""

import math
import socket
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import get_args

from reference import frame as reference

from zerometer.core import _frame
from zerometer.core.decoding import decode_plan
from zerometer.core.points import Point, Quality, ReadBlock, RegisterType, WordOrder
from zerometer.core.verdict import Verdict
from zerometer.drivers._exchange import Exchange, Transaction
from zerometer.drivers.outcome import Outcome

MS = 1_000_000

#: Every type in every order, from the reply's first byte on.
POINTS = tuple(
    Point(name=f"{kind}-{order}", function=3, address=0, type=kind, order=order)
    for kind in get_args(RegisterType)
    for order in get_args(WordOrder)
)
WIDEST = 4
PLAN = decode_plan(
    POINTS,
    ReadBlock(function=3, address=0, count=WIDEST, points=tuple(range(len(POINTS)))),
)


def request_of(random: Random) -> bytes:
    function = random.randint(1, 4)
    count = random.choice((1, 2, 4, 9, 60, 125 if function > 2 else 2000))
    return reference.read_request(
        random.randint(1, 247), function, random.randrange(60_000), count
    )


def granted(random: Random, request: bytes) -> bytes:
    return reference.granted(request, random.randbytes(reference.data_bytes(request)))


def _noise(random: Random, request: bytes) -> bytes:
    return random.randbytes(random.choice((1, 4, 5, 8, 40, 256, 300)))


def _flipped(random: Random, request: bytes) -> bytes:
    """Wrong bits; more than the CRC is certain to find."""
    frame = bytearray(granted(random, request))
    for _ in range(random.choice((1, 2, 3, 16))):
        frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)
    return bytes(frame)


def _cut(random: Random, request: bytes) -> bytes:
    frame = granted(random, request)
    return frame[: random.randrange(1, len(frame))]


def _surplus(random: Random, request: bytes) -> bytes:
    return granted(random, request) + random.randbytes(random.choice((1, 2, 8)))


def _twice(random: Random, request: bytes) -> bytes:
    return granted(random, request) + granted(random, request)


def _spliced(random: Random, request: bytes) -> bytes:
    """What two units give that speak at once, one after the other."""
    first, second = granted(random, request), granted(random, request)
    place = random.randrange(len(first))
    return first[:place] + second[place:]


def _forged(random: Random, request: bytes) -> bytes:
    """A good CRC over a header that was changed."""
    body = bytearray(granted(random, request)[:-2])
    body[random.randrange(3)] ^= random.randrange(1, 256)
    return reference.with_crc(bytes(body))


def _of_another(random: Random, request: bytes) -> bytes:
    return granted(random, request_of(random))


def _refused(random: Random, request: bytes) -> bytes:
    return reference.refused(request, random.randrange(256))


def _echoed(random: Random, request: bytes) -> bytes:
    """A part of what was sent comes back before the reply, or all of it."""
    return request[: random.randrange(1, 9)] + granted(random, request)


KINDS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _noise, _flipped, _cut, _surplus, _twice, _spliced, _forged, _of_another, _refused,
    _echoed, granted,
)  # fmt: skip


def frames(seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield requests, and what a hostile meter says to them; without end."""
    random = Random(seed)
    while True:
        request = request_of(random)
        yield request, random.choice(KINDS)(random, request)


def judge_frames(count: int, seed: int) -> Counter[str]:
    """Judge *count* frames by the kernel and the reference; decode what is good.

    Return how many had which verdict. AssertionError when the two differ, or when
    anything but a number or "no value" comes of a good one.
    """
    verdicts: Counter[str] = Counter()
    for _, (request, frame) in zip(range(count), frames(seed), strict=False):
        verdict = Verdict(_frame.judge(request, frame))
        assert verdict is reference.judge(request, frame), (request, frame)
        verdicts[verdict.name] += 1
        if verdict is Verdict.GOOD:
            assert reference.with_crc(frame[:-2]) == frame
            if len(frame) >= 5 + 2 * WIDEST:
                decoded(frame[3:-2])
    return verdicts


def decoded(data: bytes) -> None:
    """Decode *data* as every type; each value is a number, or missing."""
    values = array("d", bytes(8 * len(POINTS)))
    qualities = bytearray(len(POINTS))
    PLAN.decode(data, values, qualities)
    for value, quality in zip(values, qualities, strict=True):
        assert quality == (Quality.MISSING if math.isnan(value) else Quality.MEASURED)
        assert not math.isinf(value)


class HostileMeter:
    """Answers on one end of a socket pair; ``exchange`` works on the other."""

    def __init__(self, seed: int) -> None:
        near, self._far = socket.socketpair()
        self._near = near
        near.setblocking(False)
        self.exchange = Exchange(near.fileno(), 1, 0)
        self._frames = frames(seed)
        self._pieces = Random(seed)
        self._said = threading.Semaphore(0)
        self.outcomes: Counter[str] = Counter()

    def run(self, count: int) -> None:
        """Ask *count* times; see what became of each answer."""
        far = threading.Thread(target=self._answer)
        far.start()
        try:
            for _ in range(count):
                self._ask()
        finally:
            self._far.shutdown(socket.SHUT_RDWR)
            far.join()
            self._near.close()
            self._far.close()

    def _ask(self) -> None:
        request, self._frame = next(self._frames)
        transaction = Transaction(request)
        transaction.expect(0, 25 * MS)
        self.exchange.run([transaction])
        # What it says beyond that is stale by the next request, which it must not
        # be taken for the reply to.
        self._said.acquire()
        outcome = Outcome(transaction.outcome)
        self.outcomes[outcome.name] += 1
        came = transaction.reply()
        # Judged is what came first, but for an echo, and all that was there by then.
        frame = self._frame
        assert frame.startswith(came) or frame.startswith(request + came)
        verdict = reference.judge(request, came)
        if outcome is Outcome.TIMEOUT:
            # Too late, on a busy machine; or a gateway's word for a silent unit.
            assert came == b"" or (verdict is Verdict.EXCEPTION and came[2] in (10, 11))
        elif outcome is Outcome.COLLISION:
            assert verdict not in (Verdict.GOOD, Verdict.EXCEPTION)
        else:
            assert outcome == verdict, (request, frame)

    def _answer(self) -> None:
        while len(request := self._far.recv(64)) == 8:
            frame = self._frame
            if self._pieces.random() < 0.25:
                place = self._pieces.randrange(len(frame))
                self._far.sendall(frame[:place])
                frame = frame[place:]
            self._far.sendall(frame)
            self._said.release()
        assert request == b"", request


def exchange_frames(count: int, seed: int, meters: int) -> Counter[str]:
    """Let *meters* hostile meters answer *count* requests altogether.

    Return how many had which outcome. AssertionError when one is not what the
    reference says of the bytes that came.
    """
    outcomes: Counter[str] = Counter()
    failures: list[BaseException] = []

    def run(meter: HostileMeter) -> None:
        try:
            meter.run(count // meters)
        except BaseException as error:  # shown by the thread that waits
            failures.append(error)

    lines = [HostileMeter(seed + number) for number in range(meters)]
    threads = [threading.Thread(target=run, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread, line in zip(threads, lines, strict=True):
        thread.join()
        outcomes += line.outcomes
    if failures:
        raise failures[0]
    return outcomes
