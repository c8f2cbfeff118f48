"""Counters and powers to energies in plain Python: one flow, all of its past kept."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isnan, nan

NS_PER_HOUR = 3.6e12
QUARTER_NS = 900_000_000_000


@dataclass
class Knot:
    """What a counter gained since the knot before; a break: nothing is known."""

    time_ns: int
    gain: float
    step: float
    is_break: bool = False
    guessed: bool = False
    is_late: bool = False


@dataclass
class Sample:
    """A power that was read."""

    time_ns: int
    value: float
    guessed: bool = False
    stale_ns: int | None = None


@dataclass
class Pace:
    """How often a point is read: as stated, else as its values came."""

    stated_ns: int | None
    times_ns: list[int] = field(default_factory=list)

    def take(self, time_ns: int) -> None:
        """Follow a value."""
        if not self.times_ns or time_ns > self.times_ns[-1]:
            self.times_ns.append(time_ns)

    def stale_ns(self) -> int | None:
        """Return how old a value may be; None: not known yet."""
        if self.stated_ns is not None or len(self.times_ns) < 2:
            return self.stated_ns
        last = sorted(b - a for a, b in pairwise(self.times_ns[-6:]))
        return 3 * last[(len(last) - 1) // 2]


@dataclass
class Segment:
    """A time of a steady rate, per ns."""

    end_ns: int
    rate: float
    guessed: float
    unseen: bool


@dataclass
class Flow:
    """One flow; see the contract of ProfileBank."""

    per_ns: float | None
    counter_pace: Pace
    power_pace: Pace
    has_counter: bool = True
    knots: list[Knot] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    taken: int = 0
    counted: bool = False
    since_ns: int | None = None
    planned_ns: int = 0
    judged_ns: int = 0
    open: float = 0.0
    carry: float = 0.0
    moved: float = 0.0
    dark: bool = False
    scale: float = 1.0
    fill: float = 0.0
    claimed: float = 0.0
    everywhere: bool = False
    guessed: bool = False
    on_time: bool = False
    promised: float = 0.0
    made_up: float = 0.0
    unfit: bool = False
    misfit: float | None = None

    def add_knot(self, knot: Knot) -> None:
        """Take what the counter said."""
        stale_ns = self.counter_pace.stale_ns()
        if self.knots:
            last_ns = self.knots[-1].time_ns
            knot.time_ns = max(knot.time_ns, last_ns)
            if stale_ns is not None:
                knot.is_late = knot.time_ns - last_ns > stale_ns
        self.knots.append(knot)

    def add_sample(self, sample: Sample) -> None:
        """Take a power."""
        if self.samples:
            sample.time_ns = max(sample.time_ns, self.samples[-1].time_ns)
        self.power_pace.take(sample.time_ns)
        sample.stale_ns = self.power_pace.stale_ns()
        self.samples.append(sample)

    def cut(self, start_ns: int, end_ns: int) -> list[Segment]:
        """Return the segments of a time."""
        if not self.has_counter:
            alone: list[Segment] = []
            self._extrapolate(start_ns, end_ns, alone)
            return _merged(alone)
        if self.since_ns is None:
            self.since_ns = self.planned_ns = self.judged_ns = start_ns
        out: list[Segment] = []
        at = start_ns
        while at < end_ns:
            if at >= self.planned_ns:
                self._take_late(at)
                if self.taken == len(self.knots):
                    self._extrapolate(at, end_ns, out)
                    break
                self._plan(at)
            until = min(self.planned_ns, end_ns)
            self._emit(at, until, out)
            at = until
        return _merged(out)

    def _pieces(self, at: int, end_ns: int) -> list[Segment]:
        """Return what power says of a time: rates, and what was not seen."""
        out = []
        while at < end_ns:
            before = [s for s in self.samples if s.time_ns <= at]
            after = [s.time_ns for s in self.samples if s.time_ns > at]
            until = min([end_ns, *after[:1]])
            rate, unseen, guessed = 0.0, True, False
            if before:
                last = before[-1]
                stale_ns = last.stale_ns
                if stale_ns is None:
                    stale_ns = end_ns - last.time_ns if after else QUARTER_NS
                stale_at = last.time_ns + stale_ns
                if at < stale_at:
                    until = min(until, stale_at)
                    assert self.per_ns is not None
                    rate, unseen = max(last.value * self.per_ns, 0.0), False
                    guessed = last.guessed
            out.append(Segment(until, rate, float(guessed), unseen))
            at = until
        return out

    def _begin_anew(self, time_ns: int) -> None:
        self.carry = self.moved = 0.0
        self.dark = False
        self._judge_anew(time_ns)

    def _judge_anew(self, time_ns: int) -> None:
        self.judged_ns = time_ns
        self.promised = self.made_up = 0.0
        self.unfit = False

    def _take_late(self, at: int) -> None:
        assert self.since_ns is not None
        while self.taken < len(self.knots):
            knot = self.knots[self.taken]
            if knot.time_ns > at:
                return
            part = 0.0
            if knot.time_ns > self.since_ns:
                part = self.open * (
                    (knot.time_ns - self.since_ns) / (at - self.since_ns)
                )
            self.open -= part
            if knot.is_break or not self.counted:
                self._begin_anew(knot.time_ns)
            else:
                self.carry += knot.gain - part
                self.moved += knot.gain
                self.promised += part
            self.since_ns = max(self.since_ns, knot.time_ns)
            self.counted = True
            self.taken += 1

    def _plan(self, at: int) -> None:
        knot = self.knots[self.taken]
        assert self.since_ns is not None
        self.scale, self.fill, self.claimed = 1.0, 0.0, 0.0
        self.everywhere = self.guessed = self.on_time = False
        if knot.is_break or not self.counted:
            self.guessed = self.per_ns is None
            self._begin_anew(knot.time_ns)
        elif self.per_ns is None:
            due = self.carry + (knot.gain - self.open)
            self.fill = max(due, 0.0) / (knot.time_ns - at)
            self.carry = min(due, 0.0)
            self.guessed = self.dark or knot.guessed or knot.is_late
            self.dark = False
        else:
            self._plan_scaled(knot, at)
        self.open = 0.0
        self.since_ns = self.planned_ns = knot.time_ns
        self.counted = True
        self.taken += 1

    def _plan_scaled(self, knot: Knot, at: int) -> None:
        energy, unseen_ns, begin = 0.0, 0, at
        for piece in self._pieces(at, knot.time_ns):
            if piece.unseen:
                unseen_ns += piece.end_ns - begin
            else:
                energy += piece.rate * (piece.end_ns - begin)
            begin = piece.end_ns
        self.carry += knot.gain - self.open - energy
        self.moved += knot.gain
        self.promised += self.open + energy
        self.unfit |= self.dark or unseen_ns > 0
        self.on_time = not (self.dark or knot.guessed or knot.is_late)
        if self.moved < 50 * knot.step and abs(self.carry) <= knot.step:
            return
        self.made_up += self.carry
        self.guessed = self.dark or knot.guessed
        self._settle(energy, unseen_ns, knot.time_ns - at)
        if self.unfit or knot.time_ns - self.judged_ns >= 60_000_000_000:
            ratio = nan
            if self.promised > 0:
                ratio = (self.promised + self.made_up) / self.promised
            odd = not 0.9 <= ratio <= 1.1
            if not self.unfit and odd and (self.promised > 0 or self.made_up > 0):
                self.misfit = ratio
            self._judge_anew(knot.time_ns)

    def _settle(self, energy: float, unseen_ns: int, length_ns: int) -> None:
        due, self.carry, self.moved = self.carry, 0.0, 0.0
        if due > 0 and unseen_ns:
            self.fill = due / unseen_ns
        elif due > 0 and energy <= 0:
            self.fill, self.everywhere = due / length_ns, True
        elif energy > 0:
            self.carry = min(due + energy, 0.0)
            due = max(due, -energy)
            self.scale = (energy + due) / energy
            if due > 0 and self.guessed:
                self.claimed = due / (energy + due)
        else:
            self.carry = due
        self.dark = False

    def _emit(self, at: int, until: int, out: list[Segment]) -> None:
        if self.per_ns is None:
            guessed = self.fill if self.guessed else 0.0
            out.append(Segment(until, self.fill, guessed, self.guessed))
            return
        for piece in self._pieces(at, until):
            rate = piece.rate * self.scale
            guessed = rate if piece.guessed else rate * self.claimed
            unseen = piece.unseen and not self.on_time
            if piece.unseen or self.everywhere:
                rate += self.fill
                guessed += self.fill if unseen or self.guessed else 0.0
            out.append(Segment(piece.end_ns, rate, guessed, unseen))

    def mean(self) -> float:
        """Return the rate between the last two values of the counter; NaN: none."""
        rate, last = nan, -inf
        for knot in self.knots:
            if knot.is_break:
                rate = nan
            elif knot.time_ns > last > -inf:
                rate = knot.gain / (knot.time_ns - last)
            last = knot.time_ns
        return rate

    def _extrapolate(self, at: int, end_ns: int, out: list[Segment]) -> None:
        if self.per_ns is not None:
            pieces = self._pieces(at, end_ns)
        else:
            last_ns = self.knots[-1].time_ns if self.knots else -1
            stale_ns = self.counter_pace.stale_ns()
            stale_at = min(end_ns, last_ns + (stale_ns or QUARTER_NS))
            pieces = []
            if at < stale_at and not isnan(self.mean()):
                pieces.append(Segment(stale_at, self.mean(), 1.0, False))
            if not pieces or stale_at < end_ns:
                pieces.append(Segment(end_ns, 0.0, 1.0, True))
        for piece in pieces:
            self.open += piece.rate * (piece.end_ns - at)
            self.dark |= piece.unseen
            guessed = piece.rate if piece.guessed else 0.0
            out.append(Segment(piece.end_ns, piece.rate, guessed, piece.unseen))
            at = piece.end_ns


def _merged(segments: list[Segment]) -> list[Segment]:
    """Return segments with those joined that differ in nothing but time."""
    out: list[Segment] = []
    for s in segments:
        if out and (s.rate, s.guessed, s.unseen) == (
            out[-1].rate, out[-1].guessed, out[-1].unseen,
        ):  # fmt: skip
            out[-1].end_ns = s.end_ns
        else:
            out.append(s)
    return out


def edges_of(
    flows: list[list[Segment]], start_ns: int, end_ns: int, tick_ns: int
) -> list[int]:
    """Return the edges of the steps that flows cut a time into."""
    edges = {start_ns, end_ns}
    for segments in flows:
        for one, two in pairwise(segments):
            if one.rate != two.rate:
                edges.add(one.end_ns // tick_ns * tick_ns)
                edges.add(-(-one.end_ns // tick_ns) * tick_ns)
    return sorted(e for e in edges if start_ns <= e <= end_ns)


def energies_of(segments: list[Segment], edges: list[int]) -> list[float]:
    """Return what a flow brings in each step."""
    out = []
    for t0, t1 in pairwise(edges):
        energy, at = 0.0, edges[0]
        for segment in segments:
            first, last = max(at, t0), min(segment.end_ns, t1)
            if first < last:
                energy += segment.rate * (last - first)
            at = segment.end_ns
        out.append(energy)
    return out
