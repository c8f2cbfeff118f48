"""Dialogues without a line: a unit is a mapping of its registers."""

import struct
from collections.abc import Mapping

from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.questions import Conclusion, Dialogue, Question

#: Register values by function and address; an address that is not there is refused.
Registers = Mapping[tuple[int, int], int]

#: A unit that is asked more than this is asked forever.
MOST = 500


def block(
    address: int, values: list[int], function: int = 3
) -> dict[tuple[int, int], int]:
    """Return *values* in the registers from *address* on."""
    return {(function, address + i): value for i, value in enumerate(values)}


def words(text: str, count: int) -> list[int]:
    """Return *text* in *count* registers, two characters in each."""
    data = text.encode("ascii").ljust(2 * count, b"\0")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, 2 * count, 2)]


def answer(registers: Registers, question: Question, silent: bool) -> bytes | None:
    """Return what a unit answers; where it has no *registers*, it may be silent."""
    data = b""
    for address in range(question.address, question.address + question.count):
        value = registers.get((question.function, address))
        if value is None:
            return None if silent and question.elsewhere else b""
        data += value.to_bytes(2, "big")
    return data


def held(
    dialogue: Dialogue[Conclusion], registers: Registers, *, silent: bool = False
) -> tuple[Conclusion, list[Question]]:
    """Hold *dialogue* with a unit; return its conclusion, and what was asked."""
    asked: list[Question] = []
    try:
        question = next(dialogue)
        while len(asked) < MOST:
            asked.append(question)
            question = dialogue.send(answer(registers, question, silent))
    except StopIteration as end:
        return end.value, asked
    raise AssertionError(asked[-3:])


def found(interview: Interview, registers: Registers) -> Findings:
    """Hold *interview* with a unit."""
    for _ in range(MOST):
        interview.answer(answer(registers, interview.question, False))
        if interview.findings:
            return interview.findings
    raise AssertionError(interview.question)


class RegisterUnit:
    """A unit on a simulated line with these registers and no others.

    ``asked`` is what it was asked: function, address and count.
    """

    def __init__(self, registers: Registers) -> None:
        self.registers = dict(registers)
        self.asked: list[tuple[int, int, int]] = []

    def answer(self, request: bytes, _time_ns: int) -> bytes:
        """Return the registers, or exception 2."""
        function, address, count = struct.unpack(">BHH", request)
        self.asked.append((function, address, count))
        data = answer(self.registers, Question(function, address, count), False)
        if not data:
            return bytes((function | 0x80, 2))
        return bytes((function, len(data))) + data
