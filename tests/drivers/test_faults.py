"""Faults in words: where, what, value, what was expected."""

import pytest

from zerometer.core._frame import read_request
from zerometer.drivers import faults
from zerometer.drivers.outcome import Outcome

REQUEST = read_request(7, 3, 100, 20)


@pytest.mark.parametrize(
    ("outcome", "reply", "text"),
    [
        (Outcome.INCOMPLETE, b"\x07\x03", "2 bytes came, expected 45: 07 03"),
        (
            Outcome.INCOMPLETE,
            bytes(45),
            "45 bytes came of a longer reply, expected 45:" + " 00" * 16 + " ...",
        ),
        (
            Outcome.WRONG_CRC,
            bytes(20),
            "20 bytes with a wrong CRC, expected 45:" + " 00" * 16 + " ...",
        ),
        (Outcome.WRONG_UNIT, b"\x09\x03", "unit 9 answered, expected 7: 09 03"),
        (
            Outcome.WRONG_FUNCTION,
            b"\x07\x04",
            "the reply is to another function: 07 04",
        ),
        (Outcome.WRONG_COUNT, b"\x07\x03", "2 bytes came, expected 45: 07 03"),
    ],
)
def test_garbage(outcome: Outcome, reply: bytes, text: str) -> None:
    said = faults.garbage(outcome, REQUEST, reply, 45)
    assert said == f"registers 100 to 119 (function 3): {text}"


def test_refusals_name_the_code() -> None:
    assert faults.refusal(REQUEST, 2) == (
        "registers 100 to 119 (function 3): refused with exception 2 "
        "(illegal data address)"
    )
    assert "exception 99 (not a code" in faults.refusal(read_request(7, 1, 0, 1), 99)
    assert faults.refusal(read_request(7, 1, 0, 9), 4).startswith("bits 0 to 8 ")


def test_silence_and_lateness() -> None:
    said = faults.silence(REQUEST, b"", 250_000_000)
    assert said.endswith("no answer within 250 ms")
    said = faults.silence(REQUEST, bytes([7, 0x83, 11, 0, 0]), 250_000_000)
    assert said.endswith("exception 11 (gateway target did not respond)")
    assert faults.lateness(700_000_000, 500_000_000) == (
        "answers only after 700 ms; the time-out is at most 500 ms: raise that of its "
        "bus or its map"
    )
    assert faults.lateness(300_000_000, 500_000_000) == (
        "answers only after 300 ms; is waited for longer from now on, for at most "
        "500 ms"
    )


def test_absence_says_what_to_look_at() -> None:
    assert faults.absence("timeout", known=True).startswith("does not answer any more;")
    assert "two meters" in faults.absence("crc", known=True)
    assert "bad wiring" in faults.absence("short", known=False)
    assert "unit identifier, baud rate" in faults.absence("timeout", known=False)
