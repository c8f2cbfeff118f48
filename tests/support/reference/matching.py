"""Matching of certificates in plain Python: every quarter hour of an interval."""

from collections import defaultdict
from datetime import UTC, datetime, tzinfo
from fractions import Fraction

QUARTER_S = 900

#: A certificate as (start, end, quantity, factor, is a contract), quarters.
Paper = tuple[int, int, int, int, bool]


def key_of(quarter: int, granularity: str, zone: tzinfo) -> tuple[int, ...]:
    """Return what tells the interval of a quarter hour from every other."""
    utc = datetime.fromtimestamp(quarter * QUARTER_S, UTC)
    local = utc.astimezone(zone)
    if granularity == "year":
        return (local.year,)
    if granularity == "month":
        return local.year, local.month
    if granularity == "hour":
        offset = local.utcoffset()
        assert offset is not None
        return (*local.timetuple()[:4], int(offset.total_seconds()))
    return (quarter,)


def match(
    loads: dict[int, int],
    papers: list[Paper],
    made: dict[int, int],
    granularity: str,
    zone: tzinfo,
) -> dict[tuple[int, ...], tuple[Fraction, Fraction, Fraction]]:
    """Return, by interval, load, what is matched of it and kg of that part.

    *loads* and *made*, by the plant of all papers, are by quarter hour.
    """
    load: dict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for quarter, quantity in loads.items():
        load[key_of(quarter, granularity, zone)] += quantity
    supply: dict[tuple[tuple[int, ...], bool], list[tuple[Fraction, int]]] = (
        defaultdict(list)
    )
    for start, end, quantity, factor, contract in papers:
        keys = {key_of(q, granularity, zone) for q in range(start, end)}
        total = sum(made.get(q, 0) for q in range(start, end))
        for key in keys:
            part = sum(
                made.get(q, 0)
                for q in range(start, end)
                if key_of(q, granularity, zone) == key
            )
            if len(keys) == 1:
                supply[key, contract].append((Fraction(quantity), factor))
            elif total:
                placed = Fraction(quantity * part, total)
                supply[key, contract].append((placed, factor))
    found = {}
    for key, wanted in load.items():
        rest, kg = wanted, Fraction(0)
        for contract in (False, True):
            there = sum((q for q, _ in supply[key, contract]), Fraction(0))
            used = min(rest, there)
            if there:
                kg += sum(q * f for q, f in supply[key, contract]) * used / there
            rest -= used
        found[key] = wanted, wanted - rest, kg
    return found
