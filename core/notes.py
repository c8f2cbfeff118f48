"""What metering finds odd: what kinds there are, and what they mean in words."""

from dataclasses import dataclass
from math import isnan

from zerometer.core._counter import HELD, JUMP, RESET, ROLLOVER

#: What a counter can do that people should know of.
NOTED = {
    "counter-held": HELD,
    "counter-jump": JUMP,
    "counter-reset": RESET,
    "counter-rollover": ROLLOVER,
}
#: Every kind of note, and what it says of the value that stands before it.
NOTE_TEXTS = {
    "counter-held": (
        "not possible after its last value; waits for two more readings; "
        "if it can count so fast, state its max_power or max_rate"
    ),
    "counter-jump": (
        "has jumped, 20 times faster than ever, and it was booked: if the meter was "
        "changed, tell it as meter-change, else state its max_power or max_rate"
    ),
    "counter-reset": (
        "reset or another meter, of which no event tells; "
        "its gain since the last value is unknown"
    ),
    "counter-rollover": "rolled over; counted on",
    "event-late": "told after its time was accounted for; it changes nothing",
    "negative-flow": (
        "against the direction of its only flow in the site file; not booked: "
        "check the wiring, or add the other direction"
    ),
    "virtual-negative": "the sum of its meters is below 0; counts as 0",
}
#: Kinds of notes that come again and again as long as the reason lasts.
LASTING = frozenset({"counter-held", "virtual-negative"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd about a meter: of which kind, where, and what it read.

    Of an anchor that came late, ``meter`` is the storage and ``point`` is empty. Of a
    virtual meter, ``meter`` is the flow, ``point`` is empty, and ``value`` what it
    lacked, in its unit. ``value`` is NaN when nothing was read.
    """

    kind: str
    meter: str
    point: str
    value: float

    @property
    def text(self) -> str:
        """The note in words."""
        said = f"{self.point} reads" if self.point else "comes to"
        if isnan(self.value):
            return f"{self.point}: {NOTE_TEXTS[self.kind]}"
        return f"{said} {self.value:g}: {NOTE_TEXTS[self.kind]}"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A measure whose power and counter tell different stories.

    ``ratio`` is the counter's gain over what power promised; NaN: it promised none.
    """

    measure: int
    ratio: float
