"""What is wrong with a line of a CSV file of readings, in words."""

import csv
from collections.abc import Sequence

from zerometer.agent.replay.points import Points
from zerometer.core import _lines

TIMES = (
    "allowed are ISO 8601 with an offset, as 2026-01-31T08:00:00+08:00 or "
    "2026-01-31T00:00:00Z, and seconds since 1970"
)
_TEXTS = {
    _lines.TIME: f"is no time: {TIMES}",
    _lines.NAIVE: f"has no offset to UTC: {TIMES}",
    _lines.RANGE: f"is not between the years 1970 and 2262: {TIMES}",
    _lines.BACKWARDS: (
        "is before the row of this point above: the rows of a point come in the "
        "order of their times"
    ),
    _lines.LATE: (
        "has been accounted for already: the rows of all points together come in "
        "the order of their times, but for the last 4 million or so; sort the file"
    ),
    _lines.NUMBER: "is no number, as 12.5 or 1.25e1; a missing value is left empty",
    _lines.INFINITE: "is not finite; a missing value is left empty",
}
_OF_VALUE = {_lines.NUMBER, _lines.INFINITE}


def problem(line: str, names: Sequence[str], fault: int, points: Points) -> str:
    """Return what is wrong with *line*, whose columns have *names*.

    *fault* is what ``LineParser.parse`` found first.
    """
    if fault == _lines.QUOTES:
        return f"quotation marks do not enclose a field: {line}"
    fields = [field.strip() for field in next(csv.reader([line]), [])]
    if fault == _lines.FIELDS:
        return f"has {len(fields)} fields, the first line has {len(names)}: {line}"
    found = dict(zip(names, fields, strict=True))
    if fault == _lines.UNKNOWN:
        return points.unknown(found["meter"], found["point"])
    column = "value" if fault in _OF_VALUE else "time"
    return f'{column}: "{found[column]}" {_TEXTS[fault]}'
