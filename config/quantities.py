"""Quantities as people write them: "500ms", "15min", "4 GB", "20 kB/s"."""

import re

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+(?:/s)?)")

#: Nanoseconds in each unit of duration.
DURATIONS_NS = {
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}

#: Bytes in each unit of size.
SIZES = {
    "B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
    "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4,
}  # fmt: skip

#: Bytes a second in each unit of a rate.
RATES = {f"{unit}/s": size for unit, size in SIZES.items()}


def parse(text: str, units: dict[str, int]) -> int | None:
    """Return *text* in the base of *units*, rounded; None when it is not one."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2] not in units:
        return None
    return round(float(match[1]) * units[match[2]])
