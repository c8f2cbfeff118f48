"""Frames and values against pymodbus: one side is not our reading of the protocol."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)
from reference.decode import plain

from zerometer.core import _frame
from zerometer.core._decode import DecodePlan
from zerometer.core.verdict import Verdict

SERVER = FramerRTU(DecodePDU(True))
CLIENT = FramerRTU(DecodePDU(False))
UNITS = st.integers(1, 247)
DATATYPES = {kind.name: kind for kind in ModbusClientMixin.DATATYPE}
NAMES = {
    "u16": "UINT16", "i16": "INT16", "u32": "UINT32", "i32": "INT32", "f32": "FLOAT32",
    "u64": "UINT64", "i64": "INT64", "f64": "FLOAT64",
}  # fmt: skip


@given(UNITS, st.integers(1, 4), st.integers(0, 65_411), st.integers(1, 125))
def test_peer_reads_our_requests(
    unit: int, function: int, address: int, count: int
) -> None:
    frame = _frame.read_request(unit, function, address, count)
    used, pdu = SERVER.handleFrame(frame, 0, 0)
    assert used == len(frame)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code) == (unit, function)
    assert (pdu.address, pdu.count) == (address, count)


def judge_of(unit: int, function: int, count: int, reply: ModbusPDU) -> int:
    reply.dev_id = unit
    request = _frame.read_request(unit, function, 0, count)
    return _frame.judge(request, CLIENT.buildFrame(reply))


@given(UNITS, st.lists(st.integers(0, 65_535), min_size=1, max_size=125))
def test_registers_of_the_peer_are_good(unit: int, registers: list[int]) -> None:
    for function, kind in ((3, ReadHoldingRegistersResponse),
                           (4, ReadInputRegistersResponse)):  # fmt: skip
        reply = kind(registers=registers)
        assert judge_of(unit, function, len(registers), reply) == Verdict.GOOD
        wrong = judge_of(unit, function, len(registers) % 125 + 1, reply)
        assert wrong == Verdict.WRONG_COUNT
        assert judge_of(unit, 7 - function, 1, reply) == Verdict.WRONG_FUNCTION


@given(UNITS, st.lists(st.booleans(), min_size=1, max_size=2000))
def test_bits_of_the_peer_are_good(unit: int, bits: list[bool]) -> None:
    for function, kind in ((1, ReadCoilsResponse), (2, ReadDiscreteInputsResponse)):
        reply = kind(bits=bits)
        reply.dev_id = unit
        assert judge_of(unit, function, len(bits), reply) == Verdict.GOOD
        data = CLIENT.buildFrame(reply)[3:-2]
        values, qualities = array("d", bytes(8 * len(bits))), bytearray(len(bits))
        fields = [plain(i, "bit") for i in range(len(bits))]
        DecodePlan(fields).decode(data, values, qualities)
        assert values.tolist() == [float(bit) for bit in bits]


@given(UNITS, st.integers(1, 4), st.integers(1, 11))
def test_exception_of_the_peer_is_one(unit: int, function: int, code: int) -> None:
    reply = ExceptionResponse(function, code, device_id=unit)
    assert judge_of(unit, function, 1, reply) == Verdict.EXCEPTION
    assert _frame.exception_code(CLIENT.buildFrame(reply)) == code


@pytest.mark.parametrize("type_", NAMES)
@pytest.mark.parametrize(("order", "peer"), [("ABCD", "big"), ("CDAB", "little")])
@given(data=st.data())
def test_values_of_the_peer(
    type_: str, order: str, peer: str, data: st.DataObject
) -> None:
    bits = int(type_[1:])
    value = data.draw(
        st.floats(width=bits, allow_nan=False, allow_infinity=False)
        if type_[0] == "f"
        else st.integers(0, 2**bits - 1)
        if type_[0] == "u"
        else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )
    registers = ModbusClientMixin.convert_to_registers(
        value, DATATYPES[NAMES[type_]], word_order=peer
    )
    wire = b"".join(register.to_bytes(2, "big") for register in registers)
    values, qualities = array("d", [0.0]), bytearray(1)
    DecodePlan([plain(0, type_, order)]).decode(wire, values, qualities)
    assert values[0] == float(value)
