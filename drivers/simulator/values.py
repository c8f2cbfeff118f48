"""The values of an ordered fault: times, numbers, shares, ratios in words."""

import re

_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min)")
_NS = {"ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000}


def time_ns(text: str) -> int:
    """Return the time that *text* is (800ms, 2.5s, 1min); ValueError if it is none."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(f'"{text}" is no time like 800ms, 2.5s or 1min')
    return round(float(found[1]) * _NS[found[2]])


class Values:
    """What stands behind the = of a fault, taken one by one; ValueErrors tell why."""

    def __init__(self, text: str) -> None:
        self._texts = text.split(",") if text else []
        share = [part for part in self._texts if part.endswith("%")]
        self._texts = [part for part in self._texts if not part.endswith("%")]
        if len(share) > 1:
            raise ValueError(f"{len(share)} shares; one at most")
        #: The part of the replies that is meant, 0 to 1; None for all.
        self.share = _share(share[0]) if share else None

    def times_ns(self) -> tuple[int, int | None]:
        """Take a time, or two with .. between them."""
        low, dots, high = self._take("a time").partition("..")
        least_ns = time_ns(low)
        if not dots:
            return least_ns, None
        most_ns = time_ns(high)
        if most_ns < least_ns:
            raise ValueError(f'"{low}..{high}" ends before it begins')
        return least_ns, most_ns

    def count(self, least: int, most: int, default: int | None = None) -> int:
        """Take a number from *least* to *most*."""
        if default is not None and not self._texts:
            return default
        text = self._take("a number")
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f'"{text}" is no number from {least} to {most}')
        return int(text)

    def ratio(self) -> float:
        """Take a transformer ratio like 300/5."""
        text = self._take("a ratio")
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not int(found[1]) or not int(found[2]):
            raise ValueError(f'"{text}" is no ratio like 300/5')
        return int(found[1]) / int(found[2])

    def flag(self, word: str) -> bool:
        """Take *word* if it is there."""
        if not self._texts:
            return False
        text = self._take(word)
        if text != word:
            raise ValueError(f'"{text}" is not "{word}"')
        return True

    def end(self, *, share: bool) -> None:
        """ValueError when something is left, or there is a *share* and must not."""
        if self.share is not None and not share:
            raise ValueError("has no share")
        if self._texts:
            hint = "; a share of the replies is written like 5%" if share else ""
            raise ValueError(f'takes no "{",".join(self._texts)}"{hint}')

    def _take(self, what: str) -> str:
        if not self._texts:
            raise ValueError(f"needs {what}")
        return self._texts.pop(0)


def _share(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if not found or not 0 < float(found[1]) <= 100:
        raise ValueError(f'"{text}" is no share like 1% or 2.5%')
    return float(found[1]) / 100
