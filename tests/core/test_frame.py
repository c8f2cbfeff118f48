"""Requests and the judgement of replies, against the plain reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import frame as reference

from zerometer.core import _frame
from zerometer.core.errors import UsageError
from zerometer.core.verdict import Verdict

REGISTERS = st.tuples(st.sampled_from([3, 4]), st.integers(1, 125))
BITS = st.tuples(st.sampled_from([1, 2]), st.integers(1, 2000))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    function, count = draw(REGISTERS | BITS)
    address = draw(st.integers(0, 65_536 - count))
    return reference.read_request(draw(st.integers(1, 247)), function, address, count)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a request and its right reply, granted or refused."""
    request = draw(requests())
    if draw(st.booleans()):
        return request, reference.refused(request, draw(st.integers(0, 255)))
    size = reference.data_bytes(request)
    return request, reference.granted(request, draw(st.binary(
        min_size=size, max_size=size
    )))  # fmt: skip


@st.composite
def near_replies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a request and a reply of good CRC that seldom belongs to it."""
    request = draw(requests())
    unit = draw(st.sampled_from([request[0], request[0] ^ 1]))
    function = draw(st.sampled_from([request[1], request[1] | 0x80, 3, 4, 6, 0x83]))
    size = reference.data_bytes(request)
    third = draw(st.sampled_from([size, size ^ 2, 2]))
    length = draw(st.sampled_from([size, third, 0, 1]))
    return request, reference.with_crc(bytes([unit, function, third]) + bytes(length))


def test_crc_of_the_published_examples() -> None:
    # Modbus over serial line V1.02, appendix B: 02 07 gives 41 12 on the wire.
    assert _frame.crc16(bytes([0x02, 0x07])) == 0x1241
    # The check value of CRC-16/MODBUS in the catalogue of parametrised CRCs.
    assert _frame.crc16(b"123456789") == 0x4B37
    assert _frame.crc16(b"") == 0xFFFF


def test_request_as_meter_manuals_print_it() -> None:
    request = _frame.read_request(1, 4, 0, 2)
    assert request == bytes.fromhex("01 04 00 00 00 02 71 CB")


@given(st.binary(max_size=300))
def test_crc_is_that_of_the_reference(data: bytes) -> None:
    assert _frame.crc16(data) == reference.crc16(data)


@given(requests())
def test_request_is_that_of_the_reference(request_: bytes) -> None:
    address = int.from_bytes(request_[2:4], "big")
    count = int.from_bytes(request_[4:6], "big")
    built = _frame.read_request(request_[0], request_[1], address, count)
    assert built == request_
    assert _frame.expected_length(built) == reference.expected_length(built)


@given(*[st.integers(-(2**70), 2**70) | st.integers(-1, 300)] * 4)
def test_nothing_but_a_read_request_can_be_built(
    unit: int, function: int, address: int, count: int
) -> None:
    try:
        request = _frame.read_request(unit, function, address, count)
    except UsageError:
        return
    assert request == reference.read_request(unit, function, address, count)
    assert function in {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("unit", "function", "address", "count", "field"),
    [
        (-1, 3, 0, 1, "unit"),
        (256, 3, 0, 1, "unit"),
        (1, 0, 0, 1, "function"),
        (1, 5, 0, 1, "function"),
        (1, 3, 0, 0, "count"),
        (1, 3, 0, 126, "count"),
        (1, 1, 0, 2001, "count"),
        (1, 3, -1, 1, "address"),
        (1, 3, 65_535, 2, "address"),
    ],
)
def test_error_names_the_field(
    unit: int, function: int, address: int, count: int, field: str
) -> None:
    with pytest.raises(UsageError, match=f"^request: {field}: "):
        _frame.read_request(unit, function, address, count)


def test_limits_are_allowed() -> None:
    assert _frame.expected_length(_frame.read_request(247, 4, 65_411, 125)) == 255
    assert _frame.expected_length(_frame.read_request(1, 2, 63_536, 2000)) == 255
    assert _frame.expected_length(_frame.read_request(1, 1, 0, 9)) == 7


@given(exchanges())
def test_right_reply_is_good_or_an_exception(exchange: tuple[bytes, bytes]) -> None:
    request, reply = exchange
    if reply[1] & 0x80:
        assert _frame.judge(request, reply) == Verdict.EXCEPTION
        assert _frame.exception_code(reply) == reply[2]
    else:
        assert _frame.judge(request, reply) == Verdict.GOOD


@given(near_replies() | st.tuples(requests(), st.binary(max_size=300)))
def test_verdict_is_that_of_the_reference(exchange: tuple[bytes, bytes]) -> None:
    request, reply = exchange
    assert Verdict(_frame.judge(request, reply)) is reference.judge(request, reply)


def test_each_verdict() -> None:
    request = _frame.read_request(7, 3, 100, 2)
    good = reference.granted(request, b"\x12\x34\x56\x78")
    other = _frame.read_request(8, 3, 100, 2)
    wider = _frame.read_request(7, 3, 100, 3)
    inputs = _frame.read_request(7, 4, 100, 2)
    assert _frame.judge(request, good) == Verdict.GOOD
    assert _frame.judge(request, good[:-1]) == Verdict.INCOMPLETE
    assert _frame.judge(request, b"") == Verdict.INCOMPLETE
    assert _frame.judge(request, good[:-1] + b"\0") == Verdict.WRONG_CRC
    assert _frame.judge(request, good + b"\1") == Verdict.WRONG_CRC
    assert _frame.judge(other, good) == Verdict.WRONG_UNIT
    assert _frame.judge(inputs, good) == Verdict.WRONG_FUNCTION
    assert _frame.judge(wider, good) == Verdict.WRONG_COUNT
    assert _frame.judge(request, reference.refused(request, 2)) == Verdict.EXCEPTION


def test_surplus_bytes_under_a_good_crc_are_a_wrong_count() -> None:
    request = _frame.read_request(7, 3, 100, 1)
    surplus = reference.with_crc(bytes([7, 3, 2, 0, 0, 0]))
    assert _frame.judge(request, surplus) == Verdict.WRONG_COUNT
    refusal = reference.with_crc(bytes([7, 0x83, 2, 0]))
    assert _frame.judge(request, refusal) == Verdict.WRONG_COUNT


@given(exchanges(), st.data())
def test_corrupted_bytes_are_never_believed(
    exchange: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """One or two wrong bits are certainly found in a frame of this length."""
    request, reply = exchange
    bits = data.draw(
        st.sets(st.integers(0, 8 * len(reply) - 1), min_size=1, max_size=2)
    )
    corrupted = bytearray(reply)
    for bit in bits:
        corrupted[bit // 8] ^= 1 << bit % 8
    verdict = _frame.judge(request, bytes(corrupted))
    assert verdict in {Verdict.INCOMPLETE, Verdict.WRONG_CRC}


@given(exchanges(), st.data())
def test_part_of_a_reply_is_never_believed(
    exchange: tuple[bytes, bytes], data: st.DataObject
) -> None:
    request, reply = exchange
    part = reply[: data.draw(st.integers(0, len(reply) - 1))]
    assert _frame.judge(request, part) == Verdict.INCOMPLETE


@pytest.mark.parametrize("request_", [b"", b"\1\3\0\0\0\1", b"\1\6\0\0\0\1\0\0"])
def test_only_a_read_request_has_a_reply(request_: bytes) -> None:
    with pytest.raises(UsageError, match="is not a read request"):
        _frame.judge(request_, b"")
    with pytest.raises(UsageError, match="is not a read request"):
        _frame.expected_length(request_)


@pytest.mark.parametrize("reply", [b"", b"\1\x83\2\0", b"\1\3\0\0\0"])
def test_only_an_exception_has_a_code(reply: bytes) -> None:
    with pytest.raises(UsageError, match="is not an exception"):
        _frame.exception_code(reply)
