"""Faults in words: ``press:late=800ms,1%@30s+60s``."""

import re
from dataclasses import dataclass

from zerometer.core.errors import UsageError
from zerometer.drivers.simulator.values import time_ns

FORM = "METER:FAULT[=VALUES][@START[+DURATION]] or bus=BUS:FAULT..."

_ORDER = re.compile(
    r"(?P<bus>bus=)?(?P<target>[^:=@]+):(?P<name>[^:=@]+)(=(?P<values>[^=@]*))?"
    r"(@(?P<start>[^+@]+)(\+(?P<duration>[^+@]+))?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A fault that is to happen: where, which, when, as ``text`` says.

    ``start_ns`` counts from when the factory starts; ``end_ns`` is None when the
    fault is to stay.
    """

    text: str
    bus: str | None
    meter: str | None
    name: str
    values: str
    start_ns: int
    end_ns: int | None


def parse(text: str) -> Order:
    """Return the order that *text* is; UsageError when it is none."""
    found = _ORDER.fullmatch(text)
    if not found:
        raise wrong(text, f"is not of the form {FORM}")
    try:
        start_ns = time_ns(found["start"]) if found["start"] else 0
        end_ns = None
        if found["duration"]:
            end_ns = start_ns + time_ns(found["duration"])
    except ValueError as error:
        raise wrong(text, f"time: {error}") from None
    return Order(
        text=text,
        bus=found["target"] if found["bus"] else None,
        meter=None if found["bus"] else found["target"],
        name=found["name"],
        values=found["values"] or "",
        start_ns=start_ns,
        end_ns=end_ns,
    )


def wrong(text: str, why: str) -> UsageError:
    """Return the error of an order."""
    return UsageError(f'fault "{text}": {why}')
