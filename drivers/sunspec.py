"""The list of models that a SunSpec device describes itself by.

SunSpec Device Information Model Specification: the list begins with "SunS" at one
of a few addresses; each model is its number, its length, and so many registers; the
number 0xFFFF ends it.
"""

from collections.abc import Mapping

from zerometer.core.identity import Register
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Point
from zerometer.drivers.questions import Dialogue, Question, ask

HOLDING = 3
MARK = b"SunS"
END = 0xFFFF

#: Models that are looked at, at most: more are no list, but a device gone astray.
MAX_MODELS = 128

#: A device that lies has models that reach beyond.
ADDRESSES = 65_536

#: The model of names, and where its serial number stands from its start.
COMMON = 1
_SERIAL_AT, _SERIAL_REGISTERS = 50, 16

#: What to say when there is no list.
NOWHERE = (
    "no SunSpec device: its list of models begins at none of the addresses {}; its "
    "values are missing until it does"
)

#: Where the models begin, each at its number's register, by number. Of models that
#: are there several times it is the first.
Models = Mapping[int, int]


def walk(bases: list[int]) -> Dialogue[Models | None]:
    """Find the list at one of *bases* and return its models, None if it is nowhere.

    *bases* are put into the order in which they are promising.
    """
    base = yield from _find(bases)
    if base is None:
        return None
    models: dict[int, int] = {}
    address = base + len(MARK) // 2
    for _ in range(MAX_MODELS):
        if address + 2 > ADDRESSES:
            break
        header = yield Question(HOLDING, address, 2)
        if not header:
            break
        number = int.from_bytes(header[:2], "big")
        if number == END:
            break
        models.setdefault(number, address)
        address += 2 + int.from_bytes(header[2:], "big")
    return models


def serial_number(models: Models, limits: ReadLimits) -> Dialogue[str]:
    """Return the serial number in the common model; empty if there is none."""
    start = models.get(COMMON, ADDRESSES) + _SERIAL_AT
    if start + _SERIAL_REGISTERS > ADDRESSES:
        return ""
    said = yield from ask(
        Register(
            function=HOLDING,
            address=start,
            kind="string",
            count=_SERIAL_REGISTERS,
        ),
        limits,
    )
    return str(said or "")


def placed(point: Point, models: Models) -> Point | None:
    """Return *point* where it stands in a device with these *models*.

    None when the device has none of the models that it stands in, or no address is
    left for it there.
    """
    if not point.models:
        return point
    starts = [models[number] for number in point.models if number in models]
    if not starts:
        return None
    there = point.moved(min(starts))
    end = max(address + size for address, size in there.places)
    return there if end <= ADDRESSES else None


def _find(bases: list[int]) -> Dialogue[int | None]:
    while True:
        answers = []
        for base in tuple(bases):
            others = tuple(other for other in bases if other != base)
            answer = yield Question(HOLDING, base, 2, others)
            if answer == MARK:
                bases.remove(base)
                bases.insert(0, base)
                return base
            if answer is None:
                bases.remove(base)
                bases.append(base)
            answers.append(answer)
        if any(answer is not None for answer in answers):
            return None
