"""Recorded readings line by line, in plain Python: what LineParser should find."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?[ \t]*"
    r"(Z|z|[+-]\d\d(?::?\d\d)?)"
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_ns(text: str) -> int:
    """Return a time; ValueError when it is none."""
    if re.fullmatch(r"\d+(\.\d{1,9})?", text):
        return int(Decimal(text) * 10**9)
    found = _ISO.fullmatch(text)
    if not found:
        raise ValueError(text)
    date, clock, seconds, fraction, offset = found.groups()
    offset = offset.upper().replace("Z", "+00:00")
    local = datetime.fromisoformat(f"{date}T{clock}{seconds or ''}{offset}")
    whole = round((local - _EPOCH).total_seconds())
    return whole * 10**9 + int(Decimal(fraction or 0) * 10**9)


@dataclass
class Lines:
    """Rows by point, in the order of the lines; the first of a time counts."""

    rows: dict[tuple[str, str], list[tuple[int, float]]] = field(default_factory=dict)
    missing: int = 0
    repeated: int = 0

    def add(self, line: str) -> None:
        """Take in a line; ValueError when it has a fault."""
        time, meter, point, value = (part.strip(" \t") for part in line.split(","))
        time_ns = moment_ns(time)
        its = self.rows.setdefault((meter, point), [])
        if value and not _NUMBER.fullmatch(value):
            raise ValueError(value)
        if its and time_ns < its[-1][0]:
            raise ValueError(time)
        if not value:
            self.missing += 1
        elif its and time_ns == its[-1][0]:
            self.repeated += 1
        else:
            its.append((time_ns, float(value)))
