"""What a meter is asked before its readings are trusted, and what it should say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from zerometer.core.points import Point, WordOrder

RegisterKind = Literal["u16", "u32", "u64", "string"]
Match = Literal["equal", "prefix"]

#: Registers of the kinds whose size is fixed; texts state theirs.
REGISTERS_OF_KIND: dict[str, int] = {"u16": 1, "u32": 2, "u64": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A number or a text that is asked for by itself, in one request.

    ``count`` is how many registers it takes; ``order`` is that of the bytes.
    """

    function: int
    address: int
    kind: RegisterKind
    count: int
    order: WordOrder = "ABCD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A register, and what it says if all is well: one of ``values``.

    With ``match`` "prefix" a text only begins like one of them.
    """

    register: Register
    values: tuple[int | str, ...]
    match: Match = "equal"

    def holds(self, found: int | str) -> bool:
        """Whether *found* is as expected."""
        if self.match == "prefix":
            return any(str(found).startswith(str(value)) for value in self.values)
        return found in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells a meter of this model, and one from another.

    ``optional``: some of them refuse the register of ``model``, which then proves
    nothing.
    """

    model: Expected | None = None
    optional: bool = False
    serial: Register | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A setting of the meter without which its values are not what the map says.

    ``note`` says what to do at the meter.
    """

    expected: Expected
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Points that stand elsewhere, by name, at meters of which ``when`` holds."""

    name: str
    when: Expected
    points: Mapping[str, Point]
