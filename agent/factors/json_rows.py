"""Parts of JSON answers that became rows, or did not."""

from collections.abc import Callable, Iterable
from typing import Any

from zerometer.agent.factors.feed import FeedError, Said
from zerometer.agent.factors.table import Bad
from zerometer.core.factor import FactorRow, fault_of
from zerometer.core.iso_time import parse_time


def object_of(value: Any, what: str) -> dict[str, Any]:
    """Return *value* if it is a JSON object; FeedError says what is expected."""
    if not isinstance(value, dict):
        raise FeedError(f"answer: {what}: {shown(value)} is not an object")
    return value


def list_of(value: Any, what: str) -> list[Any]:
    """Return *value* if it is a JSON list; FeedError says what is expected."""
    if not isinstance(value, list):
        raise FeedError(f"answer: {what}: {shown(value)} is not a list")
    return value


def collect(
    parts: Iterable[Any],
    where: str,
    rows_of: Callable[[dict[str, Any]], list[FactorRow]],
) -> Said:
    """Return the rows of each part; *rows_of* raises ValueError for a bad one."""
    said = Said()
    for part in parts:
        try:
            if not isinstance(part, dict):
                raise ValueError("is not an object")
            for row in rows_of(part):
                if fault := fault_of(row):
                    raise ValueError(fault)
                said.rows.append(row)
        except ValueError as error:
            said.bad.append(Bad(where, shown(part), str(error)))
    return said


def time_of(part: dict[str, Any], name: str) -> int:
    """Return the time that *part* has as *name*, Unix ns; ValueError if it has none."""
    value = part.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: {shown(value)} is not a time")
    try:
        return parse_time(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def number_of(part: dict[str, Any], name: str) -> float | None:
    """Return the number that *part* has as *name*, None for null; ValueError else."""
    value = part.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: {shown(value)} is not a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name}: {shown(value)} is too large") from None


def shown(value: Any) -> str:
    """Return *value* as a message shows it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
