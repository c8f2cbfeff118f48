"""Failed transactions in words: what kind of fault it was, and what was seen."""

from typing import Literal

from zerometer.core._frame import exception_code
from zerometer.drivers.outcome import Outcome

FaultKind = Literal["timeout", "garbage", "late", "echo"]

#: As what failed transactions are counted.
ERROR_KINDS = (
    "timeout", "crc", "short", "garbage", "late", "exception", "lost", "echo",
)  # fmt: skip

#: Modbus application protocol V1.1b3, 7.
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}

#: Bad replies that are counted apart from other garbage.
_GARBAGE = {Outcome.INCOMPLETE: "short", Outcome.WRONG_CRC: "crc"}

#: As what replies that are none are counted.
GARBAGE = (*_GARBAGE.values(), "garbage")

#: Exceptions that say that a read asks for what the meter does not have.
REFUSALS = (2, 3)

#: Exceptions that say that an answer may come if it is asked for again.
LATER = (5, 6, 10, 11)

#: What to say of a meter of whose replies many are corrupted, and others not.
NOISY = "; that happens often: two meters with this unit identifier, or bad wiring?"

#: Bytes of a bad reply that are shown.
_SHOWN = 16


def counted(outcome: int) -> str:
    """Return as what a reply that is none is counted."""
    return _GARBAGE.get(Outcome(outcome), "garbage")


def requested(request: bytes) -> str:
    """Return what *request* asks for, as people say it."""
    function = request[1]
    address = int.from_bytes(request[2:4], "big")
    count = int.from_bytes(request[4:6], "big")
    noun = "bits" if function <= 2 else "registers"
    return f"{noun} {address} to {address + count - 1} (function {function})"


def refusal(request: bytes, code: int) -> str:
    """Return what to say of a read that was answered with exception *code*."""
    meaning = _EXCEPTIONS.get(code, "not a code of the standard")
    return f"{requested(request)}: refused with exception {code} ({meaning})"


def silence(request: bytes, reply: bytes, waited_ns: int) -> str:
    """Return what to say of a read that was not answered, unless by a gateway."""
    if reply:
        code = exception_code(reply)
        return (
            f"{requested(request)}: no answer, as the gateway says with exception "
            f"{code} ({_EXCEPTIONS[code]})"
        )
    return f"{requested(request)}: no answer within {waited_ns // 1_000_000} ms"


def absence(latest_error: str, known: bool) -> str:
    """Return what to say of a meter that is down; *known*: it did answer before."""
    if latest_error in GARBAGE:
        return (
            "answers nothing but garbage: two meters with this unit identifier, wrong "
            "parity, or bad wiring? Probed now and then until it answers"
        )
    if known:
        return "does not answer any more; probed now and then until it does"
    return (
        "has not answered yet: are power, wires, unit identifier, baud rate and parity "
        "right? Probed now and then until it answers"
    )


def lateness(late_ns: int, cap_ns: int) -> str:
    """Return what to say of a reply that came when nobody waited for it any more.

    Up to *cap_ns*, waiting adapts to it by itself.
    """
    late = f"answers only after {late_ns // 1_000_000} ms"
    most = f"{cap_ns // 1_000_000} ms"
    if late_ns < cap_ns:
        return f"{late}; is waited for longer from now on, for at most {most}"
    return f"{late}; the time-out is at most {most}: raise that of its bus or its map"


def garbage(outcome: int, request: bytes, reply: bytes, expected: int) -> str:
    """Return what to say of a reply that is none."""
    seen = reply[:_SHOWN].hex(" ") + (" ..." if len(reply) > _SHOWN else "")
    longer = " of a longer reply" if len(reply) >= expected else ""
    what = {
        Outcome.INCOMPLETE: f"{len(reply)} bytes came{longer}, expected {expected}",
        Outcome.WRONG_CRC: f"{len(reply)} bytes with a wrong CRC, expected {expected}",
        Outcome.WRONG_UNIT: f"unit {reply[0] if reply else 0} answered, "
        f"expected {request[0]}",
        Outcome.WRONG_FUNCTION: "the reply is to another function",
        Outcome.WRONG_COUNT: f"{len(reply)} bytes came, expected {expected}",
        Outcome.COLLISION: f"{len(reply)} bytes came that do not begin with the echo "
        "of the request; somebody else sends, too",
    }[Outcome(outcome)]
    return f"{requested(request)}: {what}: {seen}"
