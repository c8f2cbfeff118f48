"""Linear columns: their numbers stand together at the end of the body.

What a column stores is what an earlier one does not tell of it; see core/_linear.pyx.
All columns of one name stand together, as they are alike, and names in the order in
which they first appear.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import ldexp

from zerometer.agent.batch.model import Column
from zerometer.core._column import multiples, on_grid
from zerometer.core._linear import add_prediction, decode_linear, encode_linear
from zerometer.core.column_errors import BadReferenceError, SurplusColumnError
from zerometer.core.errors import FormatError

#: Columns that are tried as references: the last, and the last of the same name.
#: Found on the simulated factory: twice as many save less than 1 %.
NEAREST, NAMESAKES = 12, 4
#: Units of which floats are tried to be multiples: those of registers.
UNITS = (1.0, 0.001, 0.01, 0.1, 1000.0)
#: Multiples of 1 within this come from floats of 32 bits, and need no other unit.
NARROW = 1 << 32


class LinearWriter:
    """Collects the numbers of linear columns, column by column of the whole batch."""

    def __init__(self) -> None:
        self._integers: list[array[int] | None] = []
        self._namesakes: dict[str, list[int]] = {}
        self._streams: dict[str, list[bytes]] = {}

    def encoded(self, name: str, integers: "array[int]") -> bytes:
        """Return what the next column, of this *name*, would take."""
        here = len(self._integers)
        numbers = list(range(here - 1, max(-1, here - 1 - NEAREST), -1))
        older = self._namesakes.get(name, ())[-NAMESAKES:]
        numbers += [number for number in older if number < here - NEAREST]
        references, backs = [], []
        for number in numbers:
            reference = self._integers[number]
            if reference is not None and len(reference) == len(integers):
                references.append(reference)
                backs.append(here - number)
        return encode_linear(integers, references, backs)

    def add(self, name: str, integers: "array[int]", encoded: bytes) -> None:
        """Take the next column."""
        self._namesakes.setdefault(name, []).append(len(self._integers))
        self._integers.append(integers)
        self._streams.setdefault(name, []).append(encoded)

    def skip(self) -> None:
        """Leave the next column aside: it is not linear."""
        self._integers.append(None)

    def streams(self) -> list[bytes]:
        """Return the numbers, those of each name in one piece."""
        return [b"".join(parts) for parts in self._streams.values()]


def as_multiples(column: Column) -> "tuple[array[int], float] | None":
    """Return the floats of *column* as integers and their step; None if they are none.

    Integer times step, a double, is the value to the last bit.
    """
    values = array("d", column.values)
    best: tuple[int, array[int], float] | None = None
    for unit in UNITS:
        integers = array("q", bytes(8 * len(values)))
        power = on_grid(values, column.nulls, unit, integers)
        if power is None:
            continue
        widest = max(max(integers, default=0), -min(integers, default=0))
        if best is None or widest < best[0]:
            best = widest, integers, ldexp(unit, power)
        if best[0] < NARROW:
            break
    return best and best[1:]


@dataclass(slots=True)
class Linear:
    """A linear column before its numbers are read; *where* is for errors."""

    name: str
    unit: str
    exponent: int
    scale: float | None
    nulls: bytes | None
    count: int
    where: Sequence[str]

    def opened(self, integers: "array[int]") -> Column:
        """Return the column that *integers* make."""
        if self.scale is None:
            return Column(self.name, self.unit, self.exponent, integers, self.nulls)
        floats = multiples(integers, self.scale, self.nulls)
        return Column(self.name, self.unit, 0, floats, self.nulls)


def open_linear(
    columns: "Sequence[Column | Linear | None]", data: bytes
) -> list[Column | None]:
    """Return all *columns* of a batch in their order, opened with *data*.

    None is a column of an encoding that is not known; what refers to one is None.
    """
    stored = _read(columns, data)
    integers: list[array[int] | None] = []
    opened: list[Column | None] = []
    for number, column in enumerate(columns):
        if not isinstance(column, Linear):
            opened.append(column)
            integers.append(_integers(column))
            continue
        values, back, factor = stored[number]
        if back > number:
            raise BadReferenceError(
                f"{''.join(column.where)}: refers to {back} columns before it, "
                f"there are {number}"
            )
        reference = integers[number - back] if back else None
        if back and opened[number - back] is None:
            opened.append(None)
            integers.append(None)
            continue
        if back and reference is None:
            raise BadReferenceError(
                f"{''.join(column.where)}: refers to a column that has no integers"
            )
        if reference is not None:
            try:
                add_prediction(values, reference, factor)
            except BadReferenceError as error:
                raise BadReferenceError(f"{''.join(column.where)}: {error}") from None
        opened.append(column.opened(values))
        integers.append(values)
    return opened


def _integers(column: Column | None) -> "array[int] | None":
    if column is None or isinstance(column.values, list):
        return None
    return column.values if column.values.typecode == "q" else None


def _read(
    columns: "Sequence[Column | Linear | None]", data: bytes
) -> "dict[int, tuple[array[int], int, float | None]]":
    """Return what each linear column stores, by its number."""
    named: dict[str, list[tuple[int, Linear]]] = {}
    for number, column in enumerate(columns):
        if isinstance(column, Linear):
            named.setdefault(column.name, []).append((number, column))
    stored: dict[int, tuple[array[int], int, float | None]] = {}
    at = 0
    for number, column in chain.from_iterable(named.values()):
        try:
            values, back, factor, at = decode_linear(data, at, column.count)
        except FormatError as error:  # the codec does not know which column it is at
            raise type(error)(f"{''.join(column.where)}: {error}") from None
        stored[number] = values, back, factor
    if at != len(data):
        raise SurplusColumnError(
            f"body: values: {len(data) - at} bytes follow the last column's"
        )
    return stored
