"""How many bits a block of Gorilla takes: differences of times, values XORed.

After Pelkonen and others, "Gorilla: a fast, scalable, in-memory time series database",
VLDB 2015, 4.1: times as differences of differences in 1, 9, 12, 16 or 36 bits; a value
as one bit if it is the one before, else with its significant bits within those of the
value before (2 bits more) or with their place (13 bits more; 12 of 32-bit floats).
"""

import struct
from collections.abc import Iterable, Sequence

#: Bits of a block's head: its time.
HEAD_BITS = 64
#: Values of a difference of differences, and how many bits it then takes.
TIME_BITS = ((0, 0, 1), (-63, 64, 9), (-255, 256, 12), (-2047, 2048, 16))
OTHER_TIME_BITS = 36


def time_bits(times: Sequence[int]) -> int:
    """Return the bits of a block's times."""
    bits, before, step = HEAD_BITS, times[0], 0
    for time in times[1:]:
        change = time - before - step
        bits += next(
            (size for low, high, size in TIME_BITS if low <= change <= high),
            OTHER_TIME_BITS,
        )
        before, step = time, time - before
    return bits


def value_bits(values: Iterable[float], kind: str) -> int:
    """Return the bits of a block's values as floats of *kind*, "f" or "d"."""
    code, width, place_bits = ("I", 32, 4 + 5) if kind == "f" else ("Q", 64, 5 + 6)
    bits, before, low, high = 0, None, 0, 0
    for value in values:
        (number,) = struct.unpack(f"<{code}", struct.pack(f"<{kind}", value))
        if before is None:
            bits += width
        else:
            changed = number ^ before
            bits += 1
            if changed:
                lowest = (changed & -changed).bit_length() - 1
                highest = changed.bit_length()
                if low <= lowest and highest <= high:
                    bits += 1 + high - low
                else:
                    low, high = lowest, highest
                    bits += 1 + place_bits + high - low
        before = number
    return bits
