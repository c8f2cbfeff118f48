"""The counter rules in plain Python: one counter, one value at a time."""

from dataclasses import dataclass, field
from math import isfinite

FIRST, ACCEPTED, MISSING, ROLLOVER, JITTER, HELD, JUMP, RESET = (
    1 << bit for bit in range(8)
)


@dataclass
class Counter:
    """What one counter has counted; see the contract of CounterBank."""

    step: float
    modulus: float
    max_rate_per_s: float
    raw: float | None = None
    offset: float = 0.0
    index: float = float("nan")
    time_ns: int = -1
    since_ns: int = -1
    held: list[tuple[float, int]] = field(default_factory=list)

    def update(self, now: float, quality: int, time_ns: int) -> tuple[float, int]:
        """Return what to book, and the flags; set since when it was gained."""
        self.since_ns = time_ns
        if quality >= 5 or not isfinite(now):
            return 0.0, MISSING
        if self.raw is None:
            self.raw = self.index = now
            self.time_ns = time_ns
            return 0.0, FIRST | ACCEPTED
        fit = self._fit(self.raw, now, time_ns - self.time_ns, self.modulus)
        if fit is None:
            return self._hold(now, time_ns)
        flags = fit
        gain = 0.0 if fit & JITTER else now - self.raw
        if fit & ROLLOVER:
            self.offset += self.modulus
            gain = max(self.modulus + gain, 0.0)
        self._accept(self.raw if fit & JITTER else now, time_ns)
        return gain, flags

    def _fit(self, before: float, now: float, dt_ns: int, modulus: float) -> int | None:
        slack = 2.0**-50 * max(abs(before), abs(now))
        bound = self.max_rate_per_s * (max(dt_ns, 0) * 1e-9) + self.step + slack
        d = now - before
        if 0 <= d <= bound:
            return ACCEPTED
        if d < 0 and modulus and -slack <= modulus + d <= bound:
            return ACCEPTED | ROLLOVER
        if -2 * self.step - slack <= d < 0:
            return ACCEPTED | JITTER
        return None

    def _accept(self, raw: float, time_ns: int) -> None:
        self.raw = raw
        self.index = max(self.index, raw + self.offset)
        self.time_ns = max(self.time_ns, time_ns)
        self.held = []

    def _hold(self, now: float, time_ns: int) -> tuple[float, int]:
        if self.held:
            high = max(value for value, _ in self.held)
            if self._fit(high, now, time_ns - self.held[-1][1], 0) is None:
                self.held = []
        self.held.append((now, time_ns))
        if len(self.held) < 3:
            return 0.0, HELD
        assert self.raw is not None
        first, self.since_ns = self.held[0]
        self.offset += self.raw - first
        high = max(value for value, _ in self.held)
        self._accept(high, time_ns)
        return high - first, ACCEPTED | RESET
