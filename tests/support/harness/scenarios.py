"""Sites and readings for replays, out of what flowed step by step."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

#: 2026-01-31T00:00:00Z
START = 1_769_817_600

Amount = Fraction | float | int


def meters(period: str, unit: str = "kWh", *names: str) -> str:
    """Return meters with one counter each."""
    return "\n".join(
        f'[[meter]]\nid = "{name}"\n'
        f'points = {{ energy = {{ unit = "{unit}", period = "{period}" }} }}'
        for name in names
    )


def site(path: Path, *parts: str, timezone: str = "Asia/Shanghai") -> Path:
    """Write a site file and return its path."""
    head = f'format = 1\n[site]\nid = "case"\ntimezone = "{timezone}"\n'
    path.write_text("\n".join([head, *parts]), encoding="utf-8")
    return path


def iso(seconds: float) -> str:
    """Return a Unix time as text, in UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def counted(
    path: Path,
    steps: Iterable[tuple[float, Mapping[str, Amount]]],
    *,
    start: int = START,
    begin: Amount = 1000,
) -> Path:
    """Write readings of counters before and after each step (seconds, amounts).

    A meter is named as ``meter`` or ``meter:point``; what a step does not name stood
    still. All counters begin at *begin*.
    """
    steps = list(steps)
    names = dict.fromkeys(name for _, amounts in steps for name in amounts)
    total = {name: Fraction(begin) for name in names}
    now = float(start)
    lines = ["time,meter,point,value"]

    def read() -> None:
        for name, value in total.items():
            meter, _, point = name.partition(":")
            lines.append(f"{iso(now)},{meter},{point or 'energy'},{float(value)!r}")

    read()
    for seconds, amounts in steps:
        now += seconds
        for name, amount in amounts.items():
            total[name] += Fraction(amount)
        read()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
