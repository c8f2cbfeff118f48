"""How long a line is drained: by the latest reply, and less while none is late."""

from harness.late_units import MS, LateLine

from zerometer.core._frame import read_request
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.port import ASSUMED_LATENESS_NS, LONGEST_LATENESS_NS, Port


def drained_ns(port: Port, line: LateLine, late_ms: int = 0) -> int:
    """Drain after a time-out; late bytes come up to *late_ms* after it."""
    before_ns = line.now_ns
    for ms in range(late_ms, 0, -400):
        line.coming.insert(0, (before_ns + ms * MS, b"late"))
    failed = Transaction(read_request(1, 3, 0, 1))
    there, late_ns = port.drain(line, failed, corrupted=False)
    assert there
    assert bool(late_ns) == bool(late_ms)
    return line.now_ns - before_ns


def test_one_very_late_reply_does_not_prolong_drains_for_ever() -> None:
    line = LateLine({})
    port = Port(lambda: line, lambda: False)
    port.open(0)
    assert drained_ns(port, line) == ASSUMED_LATENESS_NS
    for late_ms in (900, 1700, 3300, 4900):
        drained_ns(port, line, late_ms)
    longest_ns = drained_ns(port, line)
    assert 4_500 * MS < longest_ns <= LONGEST_LATENESS_NS
    last_ns = longest_ns
    for _ in range(40):
        this_ns = drained_ns(port, line)
        assert ASSUMED_LATENESS_NS <= this_ns <= last_ns
        last_ns = this_ns
    assert last_ns < ASSUMED_LATENESS_NS + 50 * MS


def test_a_corrupted_reply_is_waited_out_for_a_moment_only() -> None:
    line = LateLine({})
    port = Port(lambda: line, lambda: False)
    port.open(0)
    before_ns = line.now_ns
    failed = Transaction(read_request(1, 3, 0, 1))
    assert port.drain(line, failed, corrupted=True) == (True, 0)
    assert line.now_ns - before_ns == 20 * MS
