"""What a unit is asked by itself, and what a conversation with it is made of."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from zerometer.core.decoding import told
from zerometer.core.identity import Register
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import LineSettings, Point, ReadBlock
from zerometer.drivers.health import Health
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.ratios import Ratios

Conclusion = TypeVar("Conclusion")

#: The answer of a unit that has not what it was asked for.
REFUSED = b""


@dataclass(frozen=True, slots=True)
class Question:
    """A read of *count* registers from *address*.

    ``elsewhere`` are addresses at which the same may stand. There, silence is an
    answer too, as some units give none where they have no registers.
    """

    function: int
    address: int
    count: int
    elsewhere: tuple[int, ...] = ()


#: Yields questions, is sent the registers' bytes, REFUSED, or None for silence.
Dialogue = Generator[Question, bytes | None, Conclusion]


def span(register: Register, limits: ReadLimits) -> tuple[int, int]:
    """Return the first address and the count that are read for *register*.

    It is asked for alone: some meters have one value at an address when it is read
    alone and another one within a block.
    """
    start, end = register.address, register.address + register.count
    if limits.even_only and start not in limits.single:
        start, end = start - start % 2, end + end % 2
    return start, end - start


def ask(register: Register, limits: ReadLimits) -> Dialogue[int | str | None]:
    """Ask for *register*; return what it says, None if it is refused."""
    start, count = span(register, limits)
    data = b""
    for address in range(start, start + count, limits.max_registers):
        most = min(limits.max_registers, start + count - address)
        part = yield Question(register.function, address, most)
        if not part:
            return None
        data += part
    before = 2 * (register.address - start)
    return told(register, data[before : before + 2 * register.count])


def prepared(question: Question, unit: int, line: LineSettings) -> list[PreparedRead]:
    """Return the reads that ask *question*, here first and then elsewhere."""
    reads = []
    for address in (question.address, *question.elsewhere):
        # What stands there is no number, but its first register is as good as one.
        point = Point(name="", function=question.function, address=address, type="u16")
        block = ReadBlock(
            function=question.function,
            address=address,
            count=question.count,
            points=(0,),
        )
        reads.append(
            PreparedRead(
                unit, block, (point,), Ratios("", (point,)), Health(lambda: 0.5), line
            )
        )
    return reads
