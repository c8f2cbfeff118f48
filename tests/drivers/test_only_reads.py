"""Only read requests leave: a transaction cannot be made of other bytes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import frame as reference

from zerometer.core import _frame
from zerometer.core.errors import UsageError
from zerometer.drivers import _exchange
from zerometer.drivers._exchange import Exchange, Transaction

READS = {1: 2000, 2: 2000, 3: 125, 4: 125}


def may_leave(request: bytes) -> bool:
    """Whether *request* is a read of one unit that the protocol allows."""
    if len(request) != 8 or reference.with_crc(request[:6]) != request:
        return False
    unit, function = request[:2]
    address = int.from_bytes(request[2:4], "big")
    count = int.from_bytes(request[4:6], "big")
    return (
        1 <= unit <= 247
        and 1 <= count <= READS.get(function, 0)
        and address + count <= 65_536
    )


def taken(request: bytes) -> bool:
    """Whether *request* would leave a serial port."""
    try:
        transaction = Transaction(request)
    except UsageError:
        return False
    assert transaction.request == request
    # A refused series stops before anything is sent: there is no such descriptor.
    try:
        Exchange(999_999, 1, 0).run([transaction])
    except UsageError:
        return False
    return True


def framed(*numbers: int) -> bytes:
    unit, function, address, count = numbers
    return reference.read_request(unit, function, address, count)


def test_of_all_units_and_functions_only_reads_of_one_unit_leave() -> None:
    """Unit 0 is the broadcast: what is sent to it, every meter obeys."""
    left = [
        (unit, function)
        for unit, function in itertools.product(range(256), repeat=2)
        if taken(framed(unit, function, 0, 1))
    ]
    assert left == list(itertools.product(range(1, 248), READS))


def test_every_function_is_refused_by_the_encoder_but_four() -> None:
    built = set()
    for function in range(-1, 257):
        try:
            built.add(_frame.read_request(1, function, 0, 1)[1])
        except UsageError:
            continue
    assert built == set(READS)


@pytest.mark.parametrize("function", READS)
def test_counts_and_addresses_that_leave(function: int) -> None:
    counts = [n for n in range(65_536) if taken(framed(1, function, 0, n))]
    assert counts == list(range(1, READS[function] + 1))
    assert taken(framed(1, function, 65_535, 1))
    for count in (2, 7, READS[function]):
        assert taken(framed(1, function, 65_536 - count, count))
        assert not taken(framed(1, function, 65_537 - count, count))


@given(st.binary(max_size=20))
def test_random_bytes_do_not_leave(data: bytes) -> None:
    assert taken(data) == may_leave(data)


@given(st.binary(min_size=6, max_size=6).map(reference.with_crc))
def test_frames_of_good_crc_leave_only_as_reads(request_: bytes) -> None:
    assert taken(request_) == may_leave(request_)


READ_REQUESTS = st.builds(
    framed,
    st.integers(1, 247),
    st.sampled_from([*READS]),
    st.integers(0, 65_411),
    st.integers(1, 125),
)


@given(READ_REQUESTS, st.integers(0, 7), st.integers(1, 255))
def test_a_request_that_was_changed_does_not_leave(
    read: bytes, place: int, change: int
) -> None:
    request = bytearray(read)
    request[place] ^= change
    assert not taken(bytes(request))


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_nothing_else_of_the_exchange_takes_bytes() -> None:
    """What could send is named here: whoever adds to it must think of this."""
    assert public(Exchange) == {
        "busy_ns", "discarded", "drain", "echoes", "error", "heard_ns",
        "pairs_replies", "run", "transactions", "wakes",
    }  # fmt: skip
    assert {"Exchange", "Transaction"} == {
        name
        for name, thing in vars(_exchange).items()
        if isinstance(thing, type) and thing.__module__ == _exchange.__name__
    }


def test_the_kernel_of_frames_has_no_other_encoder() -> None:
    assert {name for name in public(_frame) if callable(getattr(_frame, name))} == {
        "UsageError", "crc16", "exception_code", "expected_length", "judge",
        "read_request",
    }  # fmt: skip
