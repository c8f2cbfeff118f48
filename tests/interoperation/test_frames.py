"""Single transactions: every count, the largest reads, refusals, units, slowness."""

import pytest
from harness.far_ends import Contents, FarEnd

from zerometer.core._frame import exception_code, read_request
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines.line import Master
from zerometer.drivers.outcome import Outcome

MS = 1_000_000
BITS = [(7 * place) % 5 < 2 for place in range(2048)]
REGISTERS = [(40_503 * place + 9) % 65_536 for place in range(300)]
TABLES = {
    1: [int(bit) for bit in BITS],
    2: [int(not bit) for bit in BITS],
    3: REGISTERS,
    4: [65_535 - word for word in REGISTERS],
}
#: Every last byte that is not full, at both ends, and some between them.
COUNTS_OF_BITS = (*range(1, 34), *range(37, 1980, 37), *range(1984, 2001))


def ask(
    master: Master,
    function: int,
    address: int,
    count: int,
    *,
    unit: int = 1,
    timeout_ms: int = 1000,
) -> Transaction:
    transaction = Transaction(read_request(unit, function, address, count))
    transaction.expect(0, timeout_ms * MS)
    master.run([transaction])
    return transaction


def packed(function: int, address: int, count: int) -> bytes:
    """Return what a reply carries, by the words of the protocol."""
    values = TABLES[function][address : address + count]
    if function > 2:
        return b"".join(word.to_bytes(2, "big") for word in values)
    number = sum(bit << place for place, bit in enumerate(values))
    return number.to_bytes((count + 7) // 8, "little")


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_every_count_is_read_as_it_stands(far: FarEnd, function: int) -> None:
    counts = COUNTS_OF_BITS if function <= 2 else range(1, 126)
    with far.serving(Contents(tables=TABLES)), far.master() as master:
        for count in counts:
            address = count % 37
            done = ask(master, function, address, count)
            assert done.outcome == Outcome.GOOD, count
            assert done.data() == packed(function, address, count), count
        assert master.discarded == 0


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("function", [3, 4])
def test_refusals_carry_their_code(far: FarEnd, function: int, code: int) -> None:
    contents = Contents(tables=TABLES, refused={5: code})
    with far.serving(contents), far.master() as master:
        for count in (1, 20):
            done = ask(master, function, 5, count)
            assert done.outcome == Outcome.EXCEPTION
            assert exception_code(done.reply()) == code
        assert ask(master, function, 6, 20).outcome == Outcome.GOOD


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_what_a_unit_has_not_is_an_illegal_address(far: FarEnd, function: int) -> None:
    end = len(TABLES[function])
    with far.serving(Contents(tables=TABLES)), far.master() as master:
        assert ask(master, function, end - 1, 1).outcome == Outcome.GOOD
        for address, count in ((end, 1), (end - 1, 2), (65_535, 1)):
            done = ask(master, function, address, count)
            assert done.outcome == Outcome.EXCEPTION
            assert exception_code(done.reply()) == 2


def test_every_unit_number(far: FarEnd) -> None:
    units = tuple(range(1, 248))
    with (
        far.serving(Contents(units=units, tables=TABLES)),
        far.master() as master,
    ):
        for unit in units:
            done = ask(master, 3, unit, 1, unit=unit)
            assert done.outcome == Outcome.GOOD, unit
            assert done.data() == packed(3, unit, 1)
            assert done.reply()[0] == unit


def test_a_unit_that_is_not_there_is_silent(far: FarEnd) -> None:
    contents = Contents(units=(1, 3), tables=TABLES)
    with far.serving(contents), far.master() as master:
        for unit in (1, 2, 3, 4, 1):
            done = ask(master, 4, 0, 10, unit=unit, timeout_ms=100)
            there = unit in contents.units
            assert done.outcome == (Outcome.GOOD if there else Outcome.TIMEOUT), unit


def test_a_slow_reply_is_given_up_and_not_taken_for_another(far: FarEnd) -> None:
    contents = Contents(tables=TABLES, delays_ms={9: 150})
    with far.serving(contents), far.master() as master:
        assert ask(master, 3, 9, 2, timeout_ms=30).outcome == Outcome.TIMEOUT
        late_ns = master.drain(400 * MS, 1000 * MS)
        # Where requests are numbered, what comes late may come.
        assert late_ns == 0 if master.pairs_replies else 50 * MS < late_ns < 400 * MS
        for address in (20, 9):
            done = ask(master, 3, address, 2)
            assert done.outcome == Outcome.GOOD
            assert done.data() == packed(3, address, 2)
