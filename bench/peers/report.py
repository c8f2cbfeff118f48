"""The figures of a run as markdown: all of them, and the table of the READMEs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import description
from bench.peers import dead, speed
from bench.peers.dead import CASES, Kept
from bench.peers.environments import versions
from bench.peers.measure import ADDRESSES
from bench.peers.roster import NOT_MEASURED, Setting
from bench.peers.speed import Row
from bench.peers.trouble import LATE
from bench.peers.wrong import Count
from bench.readme import put

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "bench" / "results" / "peers.md"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run measured."""

    rows: Sequence[Row]
    kept: Sequence[Kept]
    counts: Sequence[Count]


def short(figures: Figures) -> str:
    """Return one line for each peer, in its best configuration."""
    rows = {(row.setting, row.load): row for row in figures.rows}
    lines = [
        "| peer | poll at 9600 baud, of the wire's limit | 115200 "
        "| CPU ms per 1000 values | private MB | switches/s "
        "| healthy rate, 1 of 8 dead | 4 of 16 | wrong values, late replies |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for setting in dict.fromkeys(row.setting for row in figures.rows):
        if not setting.shown:
            continue
        slow, fast = rows[setting, speed.SLOW], rows[setting, speed.FAST]
        cells = [setting.peer, _of_limit(slow), _of_limit(fast), *_cost(slow)]
        cells += [_kept(figures.kept, setting, case) for case in CASES]
        lines.append(_line([*cells, _late(figures.counts, setting)]))
    return "\n".join(lines)


def full(figures: Figures, command: str) -> str:
    """Return everything that was measured, and how."""
    return "\n".join(
        [
            "# Other programs that read meters, on the same line",
            "",
            f"{description()}. Measured with `{command}`.",
            f"From PyPI as in `bench/peers/requirements`; {', '.join(versions())}.",
            "",
            f"Meters of {len(ADDRESSES)} floats on a pty that gives each byte its time",
            "on the wire: 4 of them, 20 ms turnaround at 9600 baud, 5 ms at 115200.",
            "Every value that came out was compared with what the meter has; rates are",
            "those that the line saw. Each period is as short as the program takes.",
            "CPU, memory and switches are those of the process and its children; in",
            "the first table at 9600 baud. Best is what its documentation offers.",
            "",
            short(figures),
            "",
            "## Speed and cost",
            "",
            *_speed(figures.rows),
            "",
            "Below 1.00 is who does not keep the silence between frames.",
            "",
            "## Dead meters",
            "",
            f"Rate of the healthy meters at {dead.BAUD} baud, 20 ms turnaround, of",
            "their rate with all alive. Who reads value by value reads two of each",
            "meter: the share does not depend on their number. A rate can rise: the",
            "dead leave their part of the line to the others.",
            "",
            *_dead(figures.kept),
            "",
            "## Wrong values",
            "",
            "One reply in a hundred is in trouble (the echo is always there); the line",
            "is not paced. By value, every reply has the same length.",
            "",
            *_wrong(figures.counts),
            "",
            "## Not measured",
            "",
            *(f"- {name}: {reason}" for name, reason in NOT_MEASURED.items()),
            "",
        ]
    )


def write(figures: Figures, command: str) -> None:
    """Keep a run: its results, and the short table in the READMEs."""
    RESULTS.write_text(full(figures, command), encoding="utf-8")
    put("bench.peers", short(figures))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _of_limit(row: Row) -> str:
    return f"{row.of_limit:.2f}" if row.measured else "-"


def _cost(row: Row) -> list[str]:
    if row.measured is None:
        return ["-"] * 3
    return [f"{row.cpu_ms:.1f}", f"{row.private_mb:.1f}", f"{row.switches_s:.0f}"]


def _kept(kept: Sequence[Kept], setting: Setting, case: tuple[int, int]) -> str:
    found = [k.text for k in kept if k.setting == setting and k.case == case]
    return found[0] if found else "-"


def _late(counts: Sequence[Count], setting: Setting) -> str:
    late = [c for c in counts if c.peer == setting.peer and c.trouble in LATE]
    values = sum(c.right + c.wrong for c in late)
    return f"{sum(c.wrong for c in late)} of {values}" if values else "-"


def _speed(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| baud | peer | configuration | poll, s | of the wire's limit "
        "| CPU ms per 1000 values | private MB | switches/s | values out | wrong |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [str(row.load.baud), row.setting.peer, row.setting.text]
        if row.measured is None:
            lines.append(_line([*cells, row.error, *[""] * 6]))
            continue
        came = row.measured.came
        cells += [f"{row.poll_s:.3f}", _of_limit(row), *_cost(row)]
        lines.append(_line([*cells, str(came.right + came.wrong), str(came.wrong)]))
    for load in speed.LINES:
        limit = f"{speed.limit_s(load):.3f}"
        cells = [str(load.baud), "the wire", "the blocks", limit, "1.00", *[""] * 5]
        lines.append(_line(cells))
    return lines


def _dead(kept: Sequence[Kept]) -> list[str]:
    lines = [
        _line(["peer", "configuration", *(f"{d} of {n}" for n, d in CASES)]),
        "|---|---|---|---|",
    ]
    for setting in dict.fromkeys(k.setting for k in kept):
        shares = [_kept(kept, setting, case) for case in CASES]
        lines.append(_line([setting.peer, setting.text, *shares]))
    return lines


def _wrong(counts: Sequence[Count]) -> list[str]:
    lines = [
        "| trouble | peer | read | transactions | failed | values | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for c in sorted(counts, key=lambda c: (c.trouble, c.blocks)):
        cells = [c.trouble, c.peer, "in blocks" if c.blocks else "by value"]
        numbers = c.transactions, c.failed, c.right + c.wrong, c.wrong
        lines.append(_line([*cells, *([c.error] if c.error else map(str, numbers))]))
    return lines
