"""The output for people: a line for each window, and tables of everything."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Cells = Sequence[str]


def window_line(members: dict[str, Any]) -> str:
    """Return a window in one line: when it began, and what the site emitted in it."""
    return f"{members['start']}  {_emissions(members['emissions_kg'])}"


def lines(members: dict[str, Any]) -> Iterator[str]:
    """Yield the lines about everything."""
    yield f"{members['site']}: {members['start']} to {members['end']}"
    yield f"emissions: {_emissions(members['emissions_kg'])}"
    told = members["events"]["emissions_kg"]
    if any(told.values()):
        yield f"of which events: {_emissions(told)}"
    yield f"measured: {_part(members['measured_share'])}"
    views = list(members["emissions_kg"])
    for title, rows in (
        ("source", _amounts(members["sources"], views)),
        ("pool", _pools(members["pools"], views)),
        ("sink", _amounts(members["sinks"], views)),
        ("storage", _storages(members["storages"], views)),
        ("product", _products(members["products"], views)),
    ):
        unit = "kg per unit" if title in ("pool", "product") else "kg"
        head = [title, "quantity", "", *(f"{view} [{unit}]" for view in views)]
        if title != "product":
            head.append("measured")
        yield from _table(head, rows)
    for flag in members["flags"]:
        yield f"{flag['kind']}: {flag['subject']}: {flag['text']}"


def _amounts(named: dict[str, Any], views: Sequence[str]) -> Iterator[Cells]:
    for name, its in named.items():
        if its["quantity"] or any(its["emissions_kg"].values()):
            kg = [_shown(its["emissions_kg"][view]) for view in views]
            part = _part(its["measured_share"])
            yield name, _shown(its["quantity"]), its["unit"], *kg, part


def _pools(pools: dict[str, Any], views: Sequence[str]) -> Iterator[Cells]:
    for name, its in pools.items():
        factors = [_shown(its["factor"][view]) for view in views]
        part = _part(its["measured_share"])
        yield name, _shown(its["quantity"]), its["unit"], *factors, part


def _storages(storages: dict[str, Any], views: Sequence[str]) -> Iterator[Cells]:
    for name, its in storages.items():
        kg = [_shown(its["emissions_kg"][view]) for view in views]
        yield (
            name,
            _shown(its["energy"]),
            its["unit"],
            *kg,
            _part(its["measured_share"]),
        )


def _products(products: dict[str, Any], views: Sequence[str]) -> Iterator[Cells]:
    for name, its in products.items():
        kg = [_shown(its["kg_per_unit"][view]) for view in views]
        yield name, _shown(its["good"]), its["unit"], *kg
        for lot in its["lots"]:
            kg = [_shown(lot["kg_per_unit"][view]) for view in views]
            yield f"  {lot['lot']}", _shown(lot["good"]), lot["unit"], *kg


def _part(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _emissions(by_view: dict[str, float | None]) -> str:
    return ", ".join(f"{view} {_shown(kg)} kg" for view, kg in by_view.items())


def _shown(value: float | None) -> str:
    """Return a number with six digits, without an exponent where it can be."""
    if value is None:
        return "-"
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def _table(head: Cells, rows: Iterable[Cells]) -> Iterator[str]:
    """Yield an empty line and a table: names to the left, numbers to the right."""
    cells = [head, *rows]
    if len(cells) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield ""
    for row in cells:
        aligned = [
            cell.ljust(width) if i in (0, 2) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(aligned).rstrip()
