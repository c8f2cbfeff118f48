"""Our exchange alone: ``exchange_loop PORT BAUD POLLS`` prints a Sample."""

import struct
import sys
import time

from bench.bus.plant import (
    BLOCKS,
    READ_INPUT_REGISTERS,
    UNITS,
    WARM_POLLS,
    line_settings,
    values,
)
from bench.bus.sample import Sample, now
from zerometer.core._frame import read_request
from zerometer.drivers._exchange import Exchange, Transaction
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.turnaround import Turnaround

TIMEOUT_NS = 1_000_000_000


def run(port: str, baud: int, polls: int) -> Sample:
    """Read all blocks *polls* times, after some polls that do not count."""
    settings = line_settings(baud)
    line = SerialLine(port, settings)
    exchange = Exchange(line.fd, settings.character_ns, settings.silence_ns)
    reads = [
        (
            Turnaround(settings.character_ns, TIMEOUT_NS),
            Transaction(read_request(unit, READ_INPUT_REGISTERS, address, count)),
            struct.pack(f">{count // 2}f", *values(unit, address, count)),
        )
        for unit in UNITS
        for address, count in BLOCKS
    ]
    cpu_ns = 0
    start = now(0)
    for poll in range(WARM_POLLS + polls):
        if poll == WARM_POLLS:
            cpu_ns = 0
            start = now(0)
        for turnaround, transaction, expected in reads:
            transaction.expect(turnaround.look_ns, TIMEOUT_NS)
            before_ns = time.thread_time_ns()
            exchange.run([transaction])
            cpu_ns += time.thread_time_ns() - before_ns
            assert transaction.outcome == Outcome.GOOD, transaction.outcome
            assert transaction.data() == expected
            turnaround.replied(transaction.latency_ns, transaction.overslept)
    total = now(polls * len(reads)) - start
    line.close()
    return Sample(total.transactions, cpu_ns, total.wall_ns, total.switches)


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).text())
