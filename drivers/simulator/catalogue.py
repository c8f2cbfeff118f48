"""All faults that a simulated factory can be ordered to have, and how they are made."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from zerometer.drivers.simulator import faults
from zerometer.drivers.simulator.babble import Babble
from zerometer.drivers.simulator.faults import Fault
from zerometer.drivers.simulator.place import LinePlace, MeterPlace, wire
from zerometer.drivers.simulator.values import Values

_MOST_JUNK = 256


Act = Callable[[], None]


class UnitFault(NamedTuple):
    """A fault of a meter's replies; ``wired`` if it spoils their bytes on a line."""

    name: str
    form: str
    text: str
    make: Callable[[Values, MeterPlace], Fault]
    wired: bool = False


class LineFault(NamedTuple):
    """A fault of a whole bus: how it begins, and how it ends."""

    name: str
    form: str
    text: str
    make: Callable[[Values, LinePlace], tuple[Act, Act]]


class MeterFault(NamedTuple):
    """A change in a meter: how it happens, and how it is undone if it can be."""

    name: str
    form: str
    text: str
    make: Callable[[Values, MeterPlace], tuple[Act, Act | None]]


def _late(values: Values, place: MeterPlace) -> Fault:
    return faults.late(*values.times_ns(), seed=place.seed)


def _exception(values: Values, _: MeterPlace) -> Fault:
    return faults.exception(values.count(1, 255))


def _longest(values: Values, _: MeterPlace) -> Fault:
    return faults.longest(values.count(1, 2000))


def _speechless(values: Values, _: MeterPlace) -> Fault:
    return faults.speechless(values.count(1, 2000))


def _twin(values: Values, place: MeterPlace) -> Fault:
    if values.flag("turns"):
        return faults.by_turns(place.twin())
    return faults.colliding(place.twin(), place.seed)


def _short(values: Values, _: MeterPlace) -> Fault:
    return faults.short(values.count(0, 255))


def _junk_before(values: Values, place: MeterPlace) -> Fault:
    return faults.junk_before(values.count(1, _MOST_JUNK, 3), place.seed)


def _junk_after(values: Values, place: MeterPlace) -> Fault:
    return faults.junk_after(values.count(1, _MOST_JUNK, 3), place.seed)


def _echo(_: Values, place: LinePlace) -> tuple[Act, Act]:
    line = wire(place.line)
    return partial(line.echo, True), partial(line.echo, False)


def _babble(values: Values, place: LinePlace) -> tuple[Act, Act]:
    line = wire(place.line)
    every_ns, most_ns = values.times_ns()
    if most_ns is not None or not every_ns:
        raise ValueError("needs one time, more than 0")
    count = values.count(1, _MOST_JUNK, 3)
    return (
        lambda: line.babble(Babble(every_ns, count, place.seed)),
        lambda: line.babble(None),
    )


def _unplug(_: Values, place: LinePlace) -> tuple[Act, Act]:
    return lambda: place.plug(False), lambda: place.plug(True)


def _counter_reset(_: Values, place: MeterPlace) -> tuple[Act, None]:
    return place.reset_counters, None


def _rollover(_: Values, place: MeterPlace) -> tuple[Act, None]:
    if not place.can_roll_over():
        name = place.installed.meter.id
        raise ValueError(f'the counters of meter "{name}" never roll over')
    return place.roll_over, None


def _ct_change(values: Values, place: MeterPlace) -> tuple[Act, Act]:
    change = place.installed.change_ct
    return partial(change, values.ratio()), partial(change, None)


#: In the order in which they take effect, whatever the order of the orders: what is
#: answered, when, whether it is heard, and what the wire makes of it.
KNOWN: tuple[UnitFault | LineFault | MeterFault, ...] = (
    UnitFault(
        "twin",
        "[=turns]",
        "another meter has the same unit identifier: both answer at once, or by turns",
        _twin,
        wired=True,
    ),
    UnitFault("exception", "=CODE", "refuses everything with this code", _exception),
    UnitFault(
        "longest",
        "=COUNT",
        "refuses reads of more registers or bits with exception 3",
        _longest,
    ),
    UnitFault(
        "speechless",
        "=COUNT",
        "is silent when more registers or bits are asked for",
        _speechless,
    ),
    UnitFault("dead", "", "does not answer", lambda _v, _p: faults.dead),
    UnitFault(
        "late",
        "=TIME[..TIME]",
        "answers that much later; between two times as chance has it",
        _late,
    ),
    UnitFault(
        "strict",
        "",
        "hears nothing while it works at an answer",
        lambda _v, _p: faults.strict(),
    ),
    UnitFault(
        "queueing",
        "",
        "answers all requests one after the other, however many came meanwhile",
        lambda _v, _p: faults.queueing(),
    ),
    UnitFault(
        "garbage",
        "",
        "any bytes come, as many as should",
        lambda _v, place: faults.garbage(place.seed),
        wired=True,
    ),
    UnitFault(
        "crc-noise",
        "",
        "one bit flips, so the checksum is wrong",
        lambda _v, place: faults.crc_noise(place.seed),
        wired=True,
    ),
    UnitFault(
        "short", "=COUNT", "only so many bytes of the reply come", _short, wired=True
    ),
    UnitFault(
        "junk-before",
        "[=COUNT]",
        "bytes that nobody sent (3) before each reply",
        _junk_before,
        wired=True,
    ),
    UnitFault(
        "junk-after",
        "[=COUNT]",
        "bytes that nobody sent (3) after each reply",
        _junk_after,
        wired=True,
    ),
    LineFault("echo", "", "the adapter hears what it sends", _echo),
    LineFault(
        "babble",
        "=TIME[,COUNT]",
        "bytes that nobody sent (3) come again and again after this time",
        _babble,
    ),
    LineFault("unplug", "", "the port goes away, and comes back when it ends", _unplug),
    MeterFault(
        "counter-reset", "", "all counters go to zero; has no end", _counter_reset
    ),
    MeterFault(
        "rollover",
        "",
        "the counter of what flows goes to 5 s before it rolls over; has no end",
        _rollover,
    ),
    MeterFault(
        "ct-change",
        "=RATIO",
        "the meter's current transformers are of another ratio, like 300/5",
        _ct_change,
    ),
)

#: Those after which a meter's counters do not tell what it measured.
MISLEADING = {known.name for known in KNOWN if isinstance(known, MeterFault)} | {"twin"}


def listing() -> str:
    """Return all that is known as lines of text."""
    rows = [(known.name + known.form, known.text) for known in KNOWN]
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)
