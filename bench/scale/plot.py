"""Points and a line through them, as an SVG picture."""

from collections.abc import Sequence
from math import ceil, log10

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 44


def plot(
    points: Sequence[tuple[float, float]],
    *,
    across: str,
    up: str,
    line: tuple[float, ...],
) -> str:
    """Return *points* (x, y) and the line (y at x = 0, slope); both axes from 0."""
    step_x, step_y = (_step(max(axis)) for axis in zip(*points, strict=True))
    end_x = step_x * ceil(max(x for x, _ in points) / step_x)
    end_y = step_y * ceil(max(y for _, y in points) / step_y)

    def place(x: float, y: float) -> tuple[str, str]:
        right = LEFT + x / end_x * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / end_y * (HEIGHT - TOP - BOTTOM)
        return f"{right:.1f}", f"{down:.1f}"

    marks = []
    for number in range(round(end_x / step_x) + 1):
        x, y = place(number * step_x, 0)
        marks.append(
            f'<text x="{x}" y="{float(y) + 18}" text-anchor="middle">'
            f"{number * step_x:g}</text>"
        )
    for number in range(round(end_y / step_y) + 1):
        x, y = place(0, number * step_y)
        marks.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        marks.append(
            f'<text x="{float(x) - 8}" y="{float(y) + 4}" text-anchor="end">'
            f"{number * step_y:g}</text>"
        )
    base, slope = line
    start, end = place(0, base), place(end_x, base + slope * end_x)
    dots = [place(*point) for point in points]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="12" fill="#333">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            *marks,
            f'<path d="M{start[0]} {start[1]}L{end[0]} {end[1]}" stroke="#1a7f5a"'
            ' stroke-width="1.5" stroke-dasharray="5 4"/>',
            *[f'<circle cx="{x}" cy="{y}" r="4" fill="#1a7f5a"/>' for x, y in dots],
            f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{across}</text>",
            f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)"'
            f' text-anchor="middle">{up}</text>',
            "</svg>",
            "",
        ]
    )


def _step(largest: float) -> float:
    """Return a round step that cuts an axis up to *largest* into 3 to 8 parts."""
    power: float = 10.0 ** ceil(log10(largest / 10))
    return next(power * times for times in (1, 2, 5) if largest / (power * times) < 8)
