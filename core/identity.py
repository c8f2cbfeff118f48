"""What a meter is asked before its readings are trusted, and what it should say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zerometer.core.points import Point, WordOrder

RegisterKind = Literal["u16", "u32", "u64", "string"]
Match = Literal["equal", "prefix"]

#: Registers of the kinds whose size is fixed; texts state theirs.
REGISTERS_OF_KIND: dict[str, int] = {"u16": 1, "u32": 2, "u64": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A number or a text that is asked for by itself, in one request.

    ``count`` is how many registers it takes; ``order`` is that of a number's bytes.
    """

    function: int
    address: int
    kind: RegisterKind
    count: int
    order: "WordOrder" = "ABCD"

    def value(self, data: bytes) -> int | str:
        """Return what the register bytes *data* say.

        Texts have one or two characters in a register, and end in zeros or blanks;
        of the order only matters to them whether the bytes of a register are swapped.
        """
        words = [data[i : i + 2] for i in range(0, len(data), 2)]
        if self.order in ("BADC", "DCBA"):
            words = [word[::-1] for word in words]
        if self.kind == "string":
            characters = b"".join(words).replace(b"\0", b"")
            return characters.decode("ascii", "replace").strip()
        if self.order in ("CDAB", "DCBA"):
            words.reverse()
        return int.from_bytes(b"".join(words), "big")


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
    points: "Mapping[str, Point]"
