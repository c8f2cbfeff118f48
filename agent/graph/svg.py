"""The picture as SVG, complete in itself: no script, no font, no link."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from zerometer.agent.graph.heights import heights
from zerometer.agent.graph.layers import Layout, is_lane, layout
from zerometer.agent.graph.order import arrange
from zerometer.agent.graph.parts import Arrow, Box, arrows, boxes
from zerometer.agent.graph.paths import Frame, path
from zerometer.agent.graph.text import fitted, printable, width
from zerometer.agent.graph.words import CARRIERS
from zerometer.core.site import CARRIERS as UNITS
from zerometer.core.site import Site

FONT = (
    'system-ui, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", '
    '"Noto Sans CJK SC", "Noto Sans SC", sans-serif'
)
INK, QUIET, PAPER, RULE = "#162024", "#55636a", "#ffffff", "#d5dcdb"
#: Dark enough to read on paper, and apart from each other.
COLOURS = {
    "electricity": "#1b62b5",
    "heat": "#c2452d",
    "steam": "#a3276b",
    "cooling": "#0d8a9e",
    "compressed_air": "#5d7482",
    "natural_gas": "#a87400",
    "hydrogen": "#6a4fb3",
    "biogas": "#4d7f1f",
    "water": "#2b8fd0",
    "diesel": "#6b4f2a",
    "refrigerant": "#1f8f6d",
    "co2": "#444b50",
    "product": "#8a3f9e",
}

TITLE, NOTE = 13.0, 11.0
#: Heights of boxes with two lines, with one, and of a lane.
TALL, FLAT, LANE = 44.0, 28.0, 6.0
GAP, MARGIN, PADDING = 12.0, 28.0, 12.0
NARROWEST, WIDEST = 110.0, 300.0
HEAD, LEGEND = 64.0, 26.0


def draw(site: Site) -> str:
    """Return the graph of *site* as an SVG document."""
    parts, flows = list(boxes(site)), list(arrows(site))
    plan = layout(parts, flows)
    arrange(plan)
    frame = _frame(plan, parts)
    legend = _legend_rows(parts, flows, frame.right)
    bottom = max((y + TALL for y in frame.middle.values()), default=frame.top)
    size = (frame.right + MARGIN, bottom + LEGEND * len(legend) + MARGIN)
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {size[0]:.0f} {size[1]:.0f}",
            "width": f"{size[0]:.0f}",
            "height": f"{size[1]:.0f}",
            "font-family": FONT,
            "font-size": f"{TITLE:g}",
            "fill": INK,
        },
    )
    _child(root, "title", text=f"{site.name} ({site.id})")
    _child(root, "rect", width="100%", height="100%", fill=PAPER)
    _child(
        root, "text", text=site.name, x=MARGIN, y=MARGIN + 10, font_size=18,
        font_weight=650,
    )  # fmt: skip
    _child(root, "text", text=site.id, x=MARGIN, y=MARGIN + 27, fill=QUIET)
    for number, arrow in enumerate(flows):
        _flow(root, arrow, path(frame, plan, number))
    for box in parts:
        _box(root, box, frame)
    for number, row in enumerate(legend):
        _legend(root, row, bottom + LEGEND * number)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _frame(plan: Layout, parts: Sequence[Box]) -> Frame:
    by_id = {box.id: box for box in parts}
    size = {
        slot: LANE if is_lane(slot) else _height(by_id[slot])
        for slots in plan.columns
        for slot in slots
    }
    middle = heights(plan, size, GAP)
    widths = [
        max((_width(by_id[slot]) for slot in slots if not is_lane(slot)), default=20.0)
        for slots in plan.columns
    ]
    # Steep arrows are hard to follow: a high picture gets more room between.
    between = min(max(70.0, max(middle.values(), default=0.0) / 16), 170.0)
    lefts = [MARGIN]
    for wide in widths:
        lefts.append(lefts[-1] + wide + between)
    return Frame(
        columns=plan.columns,
        lefts=lefts[:-1],
        widths=widths,
        middle={slot: y + HEAD + MARGIN for slot, y in middle.items()},
        top=HEAD + MARGIN,
        between=between,
    )


def _height(box: Box) -> float:
    return FLAT if box.shape == "sink" else TALL


def _width(box: Box) -> float:
    if box.shape == "sink":
        room = width(box.title, TITLE) + width(box.note, NOTE) + 3 * PADDING
    else:
        room = max(width(box.title, TITLE), width(box.note, NOTE)) + 2 * PADDING
    return min(max(room + 6, NARROWEST), WIDEST)


def _flow(root: ElementTree.Element, arrow: Arrow, way: tuple[str, str, str]) -> None:
    line, head, tail = way
    colour = COLOURS[arrow.carrier]
    group = _child(root, "g", class_="flow", data_from=arrow.tail, data_to=arrow.head)
    names = (arrow.tail, "⇄" if arrow.both else "→", arrow.head)
    unit = UNITS[arrow.carrier]
    _child(group, "title", text=f"{' '.join(names)}: {arrow.measured} ({unit})")
    _child(group, "path", d=line, fill="none", stroke=colour, stroke_width=1.8)
    _child(group, "path", d=head, fill=colour)
    if arrow.both:
        _child(group, "path", d=tail, fill=colour)


def _box(root: ElementTree.Element, box: Box, frame: Frame) -> None:
    x, wide = frame.place(box.id)
    high, colour = _height(box), COLOURS[box.carrier]
    top = frame.middle[box.id] - high / 2
    group = _child(root, "g", class_=box.shape, id=box.id)
    _child(group, "title", text=f"{box.id}: {box.note}")
    style: dict[str, Any] = {"stroke": colour, "stroke_width": 1.4, "fill": PAPER}
    round_ = {"source": high / 2, "fuel": high / 2, "process": 3.0}.get(box.shape, 6.0)
    if box.shape == "pool":
        style |= {"fill": colour, "stroke": "none"}
    if box.kind == "remainder":
        style["stroke_dasharray"] = "4 3"
    _child(group, "rect", x=x, y=top, width=wide, height=high, rx=round_, **style)
    if box.shape == "storage":
        for inset in (5.0, wide - 5.0):
            line = f"M{x + inset:.1f} {top + 6:.1f}v{high - 12:.1f}"
            _child(group, "path", d=line, stroke=colour, stroke_width=1.4)
    if box.shape == "sink":
        bar: dict[str, Any] = {
            "x": x,
            "y": top + 5,
            "width": 3.0,
            "height": high - 10,
            "fill": colour,
        }
        _child(group, "rect", **bar)
    _words(group, box, (x, top, wide), PAPER if box.shape == "pool" else "")


def _words(
    group: ElementTree.Element,
    box: Box,
    place: tuple[float, float, float],
    colour: str,
) -> None:
    """Write title and note: below each other, of a sink beside each other."""
    x, top, wide = place
    room = wide - 2 * PADDING
    bold: dict[str, Any] = {"font_weight": 600, "fill": colour or INK}
    quiet: dict[str, Any] = {"font_size": NOTE, "fill": colour or QUIET}
    if box.shape != "sink":
        title, note = fitted(box.title, TITLE, room), fitted(box.note, NOTE, room)
        middle: dict[str, Any] = {"x": x + wide / 2, "text_anchor": "middle"}
        _child(group, "text", text=title, y=top + 19, **middle, **bold)
        _child(group, "text", text=note, y=top + 35, **middle, **quiet)
        return
    title = fitted(box.title, TITLE, room)
    after = x + PADDING + width(title, TITLE) + PADDING
    note = fitted(box.note, NOTE, x + wide - PADDING - after)
    _child(group, "text", text=title, x=x + PADDING, y=top + 18.5, **bold)
    _child(group, "text", text=note, x=after, y=top + 18.5, **quiet)


Entry = tuple[float, str, str]


def _legend_rows(
    parts: Sequence[Box], flows: Sequence[Arrow], right: float
) -> list[list[Entry]]:
    """Return what each colour is, in rows: place, carrier, text."""
    used = {arrow.carrier for arrow in flows} | {box.carrier for box in parts}
    rows: list[list[Entry]] = []
    x = right
    for carrier in (name for name in UNITS if name in used):
        text = f"{CARRIERS[carrier]} · {UNITS[carrier]}"
        room = width(text, NOTE) + 60
        if x + room > right:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, carrier, text))
        x += room
    return rows


def _legend(root: ElementTree.Element, row: Iterable[Entry], y: float) -> None:
    group = _child(root, "g", class_="legend")
    for x, carrier, text in row:
        line = f"M{x:.1f} {y - 4:.1f}h22"
        _child(group, "path", d=line, stroke=COLOURS[carrier], stroke_width=3)
        _child(group, "text", text=text, x=x + 30, y=y, font_size=NOTE, fill=QUIET)


def _child(
    parent: ElementTree.Element, tag: str, text: str = "", **attributes: Any
) -> ElementTree.Element:
    """Add an element; ``font_size`` is the attribute ``font-size``."""
    named: Mapping[str, str] = {
        name.rstrip("_").replace("_", "-"): f"{value:.1f}"
        if isinstance(value, float)
        else str(value)
        for name, value in attributes.items()
    }
    child = ElementTree.SubElement(parent, tag, dict(named))
    if text:
        child.text = printable(text)
    return child
