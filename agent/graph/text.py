"""How wide text is, without a font at hand: a little more than usual fonts take."""

from unicodedata import east_asian_width

#: Widths over the size of the letters: of wide (Chinese) ones and of others.
WIDE, NARROW = 1.0, 0.6
CAPITAL = 0.72
DOTS = "…"


def width(text: str, size: float) -> float:
    """Return how wide *text* is in letters of *size*, at most."""
    return sum(map(_width, text)) * size


def _width(letter: str) -> float:
    if east_asian_width(letter) in "WFA":
        return WIDE
    return CAPITAL if letter.isupper() or letter in "mw%@—" else NARROW


def fitted(text: str, size: float, room: float) -> str:
    """Return *text*, or as much of it as *room* holds."""
    if width(text, size) <= room:
        return text
    while text and width(text + DOTS, size) > room:
        text = text[:-1]
    return text.rstrip() + DOTS


def printable(text: str) -> str:
    """Return *text* without what XML cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text)
