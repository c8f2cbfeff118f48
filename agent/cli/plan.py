"""``zerometer plan``: what reading a site's meters takes of its buses."""

import argparse
import json
import shutil
import textwrap
from typing import Any

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import UsageError

Json = dict[str, Any]

#: From this share of its time on a bus has little left for repeats and probes.
BUSY = 0.8
WIDTH = 100
#: The columns before the points: due, function, address, count, milliseconds.
_ROW = "  {:<{due}}  {:>2}  {:>7}  {:>5}  {:>6}  "


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "plan",
        help="show the requests to a site's meters, and what they take of its buses",
        description=(
            "Show each request that the agent will send, how long it occupies the "
            "line, and the share of the bus's time. No port is opened."
        ),
        epilog="example: zerometer plan /etc/zerometer/site.toml --turnaround 5ms",
    )
    site_argument(parser)
    parser.add_argument(
        "--turnaround",
        metavar="TIME",
        type=_turnaround_ns,
        help="how long every meter takes to begin its answer (default: 20ms)",
    )
    parser.add_argument("--meter", metavar="ID", help="show only this meter's requests")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def _turnaround_ns(text: str) -> int:
    from zerometer.config import quantities

    parsed_ns = quantities.parse(text, quantities.DURATIONS_NS)
    if parsed_ns is None:
        raise argparse.ArgumentTypeError(f'{text} is no duration such as "5ms"')
    return parsed_ns


def run(args: argparse.Namespace) -> int:
    """Print the plan."""
    from zerometer.agent.bus_plan import bus_plan

    site = load(args)
    if args.meter is not None and args.meter not in {m.id for m in site.meters}:
        known = ", ".join(meter.id for meter in site.meters)
        raise UsageError(f"--meter {args.meter}: no such meter; there are: {known}")
    buses = [bus_plan(site, bus, args.turnaround) for bus in site.buses]
    if args.meter is not None:
        for bus in buses:
            bus["meters"] = [m for m in bus["meters"] if m["id"] == args.meter]
        buses = [bus for bus in buses if bus["meters"]]
    if args.json:
        plan = {"site": site.id, "buses": buses}
        print(json.dumps(plan, ensure_ascii=False, indent=2))
    else:
        width = shutil.get_terminal_size((WIDTH, 0)).columns
        print("\n\n".join("\n".join(bus_lines(bus, width)) for bus in buses))
    return 0


def bus_lines(bus: Json, width: int) -> list[str]:
    """Return the plan of a bus as text of *width* characters."""
    cycles = [cycle for meter in bus["meters"] for cycle in meter["cycles"]]
    due = max((len(_due(cycle)) for cycle in cycles), default=0)
    head = _ROW.format("due", "fn", "address", "count", "ms", due=due)
    lines = [
        f"bus {bus['id']} ({bus['port']}, {_settings(bus['line'])}): {_sums(bus)}",
        f"{head}points",
    ]
    for meter in bus["meters"]:
        lines.append(_title(meter))
        for cycle in meter["cycles"]:
            lines += _cycle_lines(cycle, due, width)
    if bus["faster"] is not None:
        lines.append(f"at {bus['faster']['baud']} baud: {_sums(bus['faster'])}")
    return lines + [line for text in _advice(bus) for line in _wrapped(text, width)]


def _settings(line: Json | None) -> str:
    if line is None:
        return "a network of which no line is stated"
    return f"{line['baud']} 8{line['parity']}{line['stop_bits']}"


def _sums(sums: Json) -> str:
    return (
        f"{sums['utilisation']:.1%} of its time; "
        f"all points once: {sums['poll_s']:.2f} s"
    )


def _title(meter: Json) -> str:
    title = (
        f"{meter['id']} (unit {meter['unit']}, {meter['map']}): "
        f"{meter['utilisation']:.1%}, answers after {meter['turnaround_ms']:g} ms"
    )
    if meter["min_delay_ms"]:
        title += f", then wants {meter['min_delay_ms']} ms of peace"
    return title


def _due(cycle: Json) -> str:
    return " + ".join(map(duration, cycle["periods_s"]))


def _cycle_lines(cycle: Json, due_width: int, width: int) -> list[str]:
    lines = []
    due = _due(cycle)
    for request in cycle["requests"]:
        numbers = [request["function"], request["address"], request["count"]]
        row = _ROW.format(due, *numbers, f"{request['cost_ms']:.1f}", due=due_width)
        points = " ".join(request["points"])
        first, *more = textwrap.wrap(points, max(width - len(row), 30))
        lines += [row + first, *(" " * len(row) + line for line in more)]
        due = ""
    return lines


def _advice(bus: Json) -> list[str]:
    advice = [
        f"overloaded: meter {meter['id']} wants so much peace that its periods become "
        f"{meter['pace']:.2f} times as long: read fewer points, or less often"
        for meter in bus["meters"]
        if meter["pace"] > max(1.0, bus["utilisation"])
    ]
    used = bus["utilisation"]
    remedies = "longer periods, fewer points, a higher baud rate, or a second bus"
    if used > 1.0:
        advice.append(
            f"overloaded: the periods of all meters become about {used:.2f} times as "
            f"long (1 s becomes {used:.2f} s); what helps: {remedies}"
        )
    elif used > BUSY:
        advice.append(
            "hint: little is left for repeats, time-outs and probes of silent meters; "
            f"what helps: {remedies}"
        )
    return advice


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")


def duration(seconds: float) -> str:
    """Return a duration in the largest unit in which it is a whole number."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds * 1000:g} ms"
