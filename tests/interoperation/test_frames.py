"""Single transactions: every count, the largest reads, refusals, units, slowness."""

import pytest
from harness.far_ends import Contents, FarEnd

from zerometer.core._frame import exception_code, read_request
from zerometer.drivers._exchange import Exchange, Transaction
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


def ask(
    exchange: Exchange,
    function: int,
    address: int,
    count: int,
    *,
    unit: int = 1,
    timeout_ms: int = 1000,
) -> Transaction:
    transaction = Transaction(read_request(unit, function, address, count))
    transaction.expect(0, timeout_ms * MS)
    exchange.run([transaction])
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
    largest = 2000 if function <= 2 else 125
    with far.serving(Contents(tables=TABLES)), far.exchange() as exchange:
        for count in range(1, largest + 1):
            address = count % 37
            done = ask(exchange, function, address, count)
            assert done.outcome == Outcome.GOOD, count
            assert done.data() == packed(function, address, count), count
        assert exchange.discarded == 0


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("function", [3, 4])
def test_refusals_carry_their_code(far: FarEnd, function: int, code: int) -> None:
    contents = Contents(tables=TABLES, refused={5: code})
    with far.serving(contents), far.exchange() as exchange:
        for count in (1, 20):
            done = ask(exchange, function, 5, count)
            assert done.outcome == Outcome.EXCEPTION
            assert exception_code(done.reply()) == code
        assert ask(exchange, function, 6, 20).outcome == Outcome.GOOD


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_what_a_unit_has_not_is_an_illegal_address(far: FarEnd, function: int) -> None:
    end = len(TABLES[function])
    with far.serving(Contents(tables=TABLES)), far.exchange() as exchange:
        assert ask(exchange, function, end - 1, 1).outcome == Outcome.GOOD
        for address, count in ((end, 1), (end - 1, 2), (65_535, 1)):
            done = ask(exchange, function, address, count)
            assert done.outcome == Outcome.EXCEPTION
            assert exception_code(done.reply()) == 2


def test_every_unit_number(far: FarEnd) -> None:
    units = tuple(range(1, 248))
    with (
        far.serving(Contents(units=units, tables=TABLES)),
        far.exchange() as exchange,
    ):
        for unit in units:
            done = ask(exchange, 3, unit, 1, unit=unit)
            assert done.outcome == Outcome.GOOD, unit
            assert done.data() == packed(3, unit, 1)
            assert done.reply()[0] == unit


def test_a_unit_that_is_not_there_is_silent(far: FarEnd) -> None:
    contents = Contents(units=(1, 3), tables=TABLES)
    with far.serving(contents), far.exchange() as exchange:
        for unit in (1, 2, 3, 4, 1):
            done = ask(exchange, 4, 0, 10, unit=unit, timeout_ms=100)
            there = unit in contents.units
            assert done.outcome == (Outcome.GOOD if there else Outcome.TIMEOUT), unit


def test_a_slow_reply_is_given_up_and_drained(far: FarEnd) -> None:
    contents = Contents(tables=TABLES, delays_ms={9: 150})
    with far.serving(contents), far.exchange() as exchange:
        assert ask(exchange, 3, 9, 2, timeout_ms=30).outcome == Outcome.TIMEOUT
        assert 50 * MS < exchange.drain(400 * MS, 1000 * MS) < 400 * MS
        assert exchange.discarded == 9
        done = ask(exchange, 3, 20, 2, timeout_ms=30)
        assert done.outcome == Outcome.GOOD
        assert done.data() == packed(3, 20, 2)
        assert ask(exchange, 3, 9, 2).data() == packed(3, 9, 2)
