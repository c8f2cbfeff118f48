"""BusLoop and replies that come whenever they want: never a wrong value.

The line is in this process, and so is time: units answer in order, some only when
they have heard nothing else meanwhile, up to minutes late or never.
"""

import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from harness.buses import Watched, unit_plan
from harness.late_units import MS, Fate, LateLine, LateUnit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import LineSettings, Point, Quality, Reading
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.unit_plan import UnitPlan

LINE = LineSettings(baud=115_200)

#: All of a bus loop that asks for the time.
READING_THE_CLOCK = (
    "bus", "failures", "handover", "interviewer", "prober", "reader", "service"
)  # fmt: skip


class Waiting(threading.Event):
    """What the loop waits for: time passes at once."""

    def __init__(self, line: LateLine) -> None:
        super().__init__()
        self._line = line

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._line.now_ns += int(timeout * 1e9) + 1
        return False


class Ward(Watched):
    """Compares every value with the number of the request that brought it."""

    def __init__(self, line: LateLine) -> None:
        super().__init__()
        self._line = line
        self.wrong: list[tuple[str, float, int]] = []
        self.measured: dict[str, int] = {}
        self.first_ns: dict[str, int] = {}
        self.readings_of: Counter[str] = Counter()

    def deliver(self, reading: Reading) -> None:
        self.readings_of[reading.meter] += Quality.MEASURED in reading.qualities
        for value, quality in zip(reading.values, reading.qualities, strict=True):
            if quality != Quality.MEASURED:
                continue
            self.measured[reading.meter] = self._line.now_ns
            self.first_ns.setdefault(reading.meter, self._line.now_ns)
            if int(value) not in self._line.asked:
                self.wrong.append((reading.meter, value, self._line.transactions))


def flipped(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 4])


def cut(frame: bytes) -> bytes:
    return frame[:-2]


def fates(longest_ms: int) -> st.SearchStrategy[list[Fate]]:
    lateness = st.sampled_from(
        [0, 0, 0, 30, 90, 300, 700, 1500, 4000, 20_000, 45_000, 200_000]
    ).map(lambda ms: min(ms, longest_ms))
    fate = st.one_of(
        st.builds(Fate, lateness),
        st.builds(Fate, st.sampled_from([0, 8]), st.integers(1, 4)),
        st.builds(Fate, st.just(0), spoilt=st.sampled_from([flipped, cut])),
        st.just(Fate(None)),
    )
    return st.lists(fate, max_size=8)


def words(addresses: Sequence[int], function: int = 3) -> list[Point]:
    return [
        Point(name=f"p{function}-{address}", function=function, address=address,
              type="u16")
        for address in addresses
    ]  # fmt: skip


def only_holding(function: int, _: int, count: int) -> int:
    return 1 if function != 3 else 2 if count > 4 else 0


def silent_but_for_what_it_has(function: int, _: int, count: int) -> int:
    return -1 if function != 3 or count > 1 else 0


def run(
    line: LateLine, plans: Sequence[UnitPlan], seconds: int
) -> tuple[Ward, BusLoop]:
    """Run a bus loop without a thread, on the time of *line*."""
    ward = Ward(line)
    with pytest.MonkeyPatch.context() as patch:
        for module in READING_THE_CLOCK:
            patch.setattr(f"zerometer.drivers.{module}.monotonic_ns", line.time)
        loop = BusLoop(
            "b", lambda: line, LINE, plans, ward.deliver, ward.notify, 200 * MS
        )
        loop._stopping = Waiting(line)  # the port has the loop's own
        loop._service.begin()
        end_ns = line.now_ns + seconds * 1000 * MS
        while line.now_ns < end_ns:
            loop._step(line.now_ns)
    return ward, loop


def settled(line: LateLine, plans: Sequence[UnitPlan], happens: Sequence[Fate]) -> None:
    """Run until what *happens* is past: no wrong value, and values again in the end."""
    late_s = sum(fate.late_ms or 0 for fate in happens) // 1000
    requests = sum(1 + fate.held for fate in happens)
    # A unit that is down is probed once a minute, and each probe may be one of them.
    ward, _ = run(line, plans, 250 + late_s + 80 * requests)
    assert ward.wrong == []
    for plan in plans:
        assert line.now_ns - ward.measured[plan.meter] < 200_000 * MS, plan.meter


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=fates(200_000), second=fates(200_000), strict=st.booleans(),
    limit=st.sampled_from([20, 125]),
)  # fmt: skip
def test_however_late_no_reply_is_taken_for_another(
    first: list[Fate], second: list[Fate], strict: bool, limit: int
) -> None:
    limits = ReadLimits(max_registers=limit)
    plans = [
        unit_plan("a", 1, [*words(range(0, 40, 4)), *words([0], 4)], period_ms=5000,
                  limits=limits),
        unit_plan("b", 2, words([0, 100, 200]), period_ms=3500, limits=limits),
    ]  # fmt: skip
    line = LateLine({
        1: LateUnit(iter(first), strict), 2: LateUnit(iter(second), strict),
    })  # fmt: skip
    settled(line, plans, [*first, *second])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fates(45_000), st.booleans(), st.booleans(), st.booleans())
def test_nor_where_little_can_prove_anything(
    late: list[Fate], strict: bool, silent: bool, even: bool
) -> None:
    """One register, everything else is refused: time must tell, a minute of it."""
    limits = ReadLimits(max_registers=2 if even else 1, even_only=even)
    judge = only_holding if even or not silent else silent_but_for_what_it_has
    plans = [unit_plan("a", 1, words([8, 80]), period_ms=5000, limits=limits)]
    settled(
        LateLine({1: LateUnit(iter(late), strict, judge, 45_000 * MS)}), plans, late
    )


def test_when_the_line_is_back_all_its_units_are_at_once() -> None:
    """Ten minutes of silence have spaced the probes by a minute."""
    back_ns = 0

    def judge(*_: int) -> int:
        return -1 if line.now_ns < back_ns else 0

    plans = [unit_plan(f"m{n}", n, words([0, 9]), period_ms=1000) for n in range(1, 9)]
    line = LateLine({n: LateUnit(iter(()), judge=judge) for n in range(1, 9)})
    start_ns = line.now_ns
    back_ns = start_ns + 600_000 * MS
    ward, _ = run(line, plans, 670)
    ups = [notice for notice in ward.notices if notice.kind == "up"]
    assert len(ups) == 8
    assert ward.first_ns.keys() == {plan.meter for plan in plans}
    # The first is found by its own probe; with it, the others.
    times = sorted(ward.first_ns.values())
    assert times[0] >= back_ns
    assert times[-1] - times[0] < 2000 * MS


def test_a_unit_that_keeps_failing_is_left_alone_for_the_others() -> None:
    """Every other request to it is not heard; the others keep their rate."""
    flaky = (Fate(None if number % 2 else 0) for number in range(10**9))
    plans = [
        unit_plan("flaky", 1, words(range(0, 90, 9)), period_ms=100),
        *(unit_plan(f"m{n}", n, words([0, 9]), period_ms=100) for n in range(2, 9)),
    ]
    line = LateLine({
        1: LateUnit(flaky), **{n: LateUnit(iter(())) for n in range(2, 9)},
    })  # fmt: skip
    ward, loop = run(line, plans, 300)
    healthy = [ward.readings_of[f"m{n}"] for n in range(2, 9)]
    assert min(healthy) > 0.9 * 3000
    assert loop.statistics().units[0].retries > 0


def test_a_unit_that_is_back_stays_so_however_much_it_wasted() -> None:
    """Its last probe is no proof, and its allowance is spent for a while."""

    def judge(*_: int) -> int:
        return -1 if (line.now_ns - start_ns) // (40_000 * MS) % 2 else 0

    plans = [unit_plan(f"m{n}", n, words([0, 9]), period_ms=1000) for n in range(1, 5)]
    line = LateLine({
        1: LateUnit(iter(()), judge=judge),
        **{n: LateUnit(iter(())) for n in range(2, 5)},
    })  # fmt: skip
    start_ns = line.now_ns
    ward, _ = run(line, plans, 440)
    kinds = [n.kind for n in ward.notices if n.kind in ("down", "up")]
    assert kinds == ["down", "up"] * 5
    assert ward.readings_of["m1"] > 100


@pytest.mark.parametrize("code", [2, 3])
def test_what_a_meter_refuses_while_it_starts_is_not_lost(code: int) -> None:
    """For half a minute it has nothing at all; then it has all that it had."""

    def judge(*_: int) -> int:
        passed_s = (line.now_ns - start_ns) // (1000 * MS)
        return code if 20 <= passed_s < 50 else 0

    plans = [unit_plan("m", 1, words([0, 5, 40]), period_ms=1000)]
    line = LateLine({1: LateUnit(iter(()), judge=judge)})
    start_ns = line.now_ns
    ward, loop = run(line, plans, 110)
    memory = loop.memories()["m"]
    assert (memory.holes, memory.refused, memory.max_registers) == ((), (), 0)
    assert ward.measured["m"] > start_ns + 108_000 * MS
    assert ward.readings_of["m"] > 45


def test_what_a_meter_has_no_more_is_learnt_in_the_end() -> None:
    def judge(_: int, address: int, count: int) -> int:
        gone = line.now_ns - start_ns > 20_000 * MS and address <= 5 < address + count
        return 2 if gone else 0

    plans = [unit_plan("m", 1, words([0, 5, 40]), period_ms=1000)]
    line = LateLine({1: LateUnit(iter(()), judge=judge)})
    start_ns = line.now_ns
    ward, loop = run(line, plans, 200)
    assert loop.memories()["m"].refused == ("p3-5",)
    assert ward.readings_of["m"] > 100


@pytest.mark.parametrize(
    ("fate", "most"),
    [
        (Fate(spoilt=flipped), 1),
        (Fate(spoilt=cut), 2),
        (Fate(late_ms=300), 2),
        (Fate(None), 2),
        # It comes after the drain, in place of a proof, which fails by that.
        (Fate(held=1), 3),
    ],
)
def test_a_faulty_reply_costs_two_requests_at_most(fate: Fate, most: int) -> None:
    """The proof that nothing is owed, and the read once more."""
    fates = (fate if number == 20 else Fate() for number in range(10**9))
    plans = [unit_plan("m", 1, words([0, 5, 400]), period_ms=5000)]
    line = LateLine({1: LateUnit(fates)})
    ward, loop = run(line, plans, 200)
    readings = loop.statistics().readings
    assert readings - ward.readings_of["m"] <= (2 if fate.held else 0)
    assert 0 < loop.statistics().transactions - readings <= most
    assert ward.wrong == []


def test_what_only_time_could_prove_is_counted() -> None:
    limits = ReadLimits(max_registers=1)
    plans = [unit_plan("m", 1, words([8]), period_ms=5000, limits=limits)]
    fates = (Fate(None) if number == 20 else Fate() for number in range(10**9))
    line = LateLine({1: LateUnit(fates, judge=silent_but_for_what_it_has)})
    ward, loop = run(line, plans, 600)
    assert loop.statistics().errors["unproved"] == 1
    assert line.now_ns - ward.measured["m"] < 6000 * MS
