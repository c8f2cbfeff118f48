"""Energies out of counters and powers: against the plain reference, and by law."""

import itertools
import random
from array import array
from dataclasses import dataclass, replace
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.profile import Flow, Knot, Pace, Sample, edges_of, energies_of

from zerometer.core._counter import ACCEPTED, FIRST, HELD, RESET
from zerometer.core._profile import SETTLE_STEPS, ProfileBank
from zerometer.core.errors import FormatError, UsageError

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


@dataclass(frozen=True)
class Read:
    """A reading of a flow's meter: its counter's gain, or its power."""

    flow: int
    time_s: float
    gain: float | None = None
    power: float | None = None
    flags: int = ACCEPTED
    quality: int = 0
    step: float = 0.5
    since_s: float = 0.0


#: By what a flow is known.
BOTH, COUNTER, POWER = "both", "counter", "power"


def slots_of(kinds: list[str], other: str) -> list[int]:
    """Return each flow's place among the counters, or powers; -1: it has none."""
    at = itertools.count()
    return [-1 if kind == other else next(at) for kind in kinds]


def bank_of(kinds: list[str], *, learnt: bool = False) -> ProfileBank:
    """Return a bank of flows; all periods are stated, or all are learnt."""
    counters, powers = slots_of(kinds, POWER), slots_of(kinds, COUNTER)
    stale = [30 * SECOND] * (max(counters, default=-1) + 1)
    stale += [6 * SECOND] * (max(powers, default=-1) + 1)
    return ProfileBank(
        max(counters, default=-1) + 1, max(powers, default=-1) + 1,
        array("i", counters), array("i", powers),
        array("d", [3600.0] * len(kinds)),
        array("q", [0] * len(stale) if learnt else stale),
    )  # fmt: skip


def feed(bank: ProfileBank, kinds: list[str], read: Read) -> None:
    """Take in one reading."""
    times = array("q", [round(read.time_s * SECOND)])
    quality = bytes([read.quality])
    if read.power is not None:
        slot = slots_of(kinds, COUNTER)[read.flow]
        bank.samples(slot, times, array("d", [read.power]), quality, 1e6)
    if read.gain is not None:
        bank.knots(
            slots_of(kinds, POWER)[read.flow],
            times, array("d", [read.gain]), array("d", [read.step]),
            array("q", [round(read.since_s * SECOND)]), quality, bytes([read.flags]),
        )  # fmt: skip


def feed_plain(flows: list[Flow], read: Read) -> None:
    """Take in one reading."""
    flow, time_ns = flows[read.flow], round(read.time_s * SECOND)
    guessed = read.quality in (2, 3)
    if read.power is not None and read.quality < 5 and abs(read.power) <= 1e6:
        flow.add_sample(Sample(time_ns, read.power, guessed))
    if read.gain is not None and read.flags & ACCEPTED:
        if read.flags & (FIRST | RESET):
            since = round(read.since_s * SECOND)
            flow.add_knot(Knot(since, 0.0, read.step, is_break=True))
        if not read.flags & FIRST:
            flow.add_knot(Knot(time_ns, read.gain, read.step, guessed=guessed))
        flow.counter_pace.take(time_ns)


def plain_of(kinds: list[str], *, learnt: bool = False) -> list[Flow]:
    """Return the same flows in plain Python."""
    return [
        Flow(
            None if kind == COUNTER else 3600.0 / 3.6e12,
            Pace(None if learnt else 30 * SECOND),
            Pace(None if learnt else 6 * SECOND),
            kind != POWER,
        )
        for kind in kinds
    ]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[Read]]:
    """Flows, and what their meters said, in the order of time."""
    kinds = draw(
        st.lists(st.sampled_from([BOTH, COUNTER, POWER]), min_size=1, max_size=3)
    )
    reads = []
    for flow, kind in enumerate(kinds):
        now = 0.0
        for _ in range(draw(st.integers(0, 25))):
            now += draw(st.sampled_from([0, 0.5, 1, 1, 2, 2.25, 5, 40]))
            quality = draw(st.sampled_from([0, 0, 0, 0, 2, 5]))
            if kind == POWER or (kind == BOTH and draw(st.booleans())):
                value = draw(st.sampled_from([-3.0, 0.0, 1.0, 1.0, 7.5, 2e6]))
                reads.append(Read(flow, now, power=value, quality=quality))
            else:
                flags = draw(
                    st.sampled_from(
                        [ACCEPTED] * 6 + [ACCEPTED | FIRST, ACCEPTED | RESET, HELD]
                    )
                )
                since = now if flags & FIRST else max(now - 3, 0)
                gain = draw(st.sampled_from([0.0, 0.5, 1.0, 4.0, 12.0]))
                reads.append(
                    Read(flow, now, gain=gain, flags=flags, since_s=since,
                         quality=quality % 5)
                )  # fmt: skip
    return kinds, sorted(reads, key=lambda read: read.time_s)


@given(
    histories(),
    st.lists(st.sampled_from([1, 7, 15, 60]), min_size=1, max_size=6),
    st.sampled_from([SECOND // 2, SECOND, 5 * SECOND]),
    st.booleans(),
    st.booleans(),
)
def test_kernel_is_the_reference(
    history: tuple[list[str], list[Read]],
    lengths: list[int],
    tick_ns: int,
    late: bool,
    learnt: bool,
) -> None:
    """Whether all is known when a time is cut, or comes later; over a restart too."""
    kinds, reads = history
    bank, plain = bank_of(kinds, learnt=learnt), plain_of(kinds, learnt=learnt)
    start, waiting = 3, list(reads)
    for length in lengths:
        end = start + length
        known = [r for r in waiting if not late or r.time_s <= end]
        waiting = waiting[len(known) :]
        for read in known:
            feed(bank, kinds, read)
            feed_plain(plain, read)
        taken = bank.cut(start * SECOND, end * SECOND, tick_ns)
        segments = [flow.cut(start * SECOND, end * SECOND) for flow in plain]
        edges = edges_of(segments, start * SECOND, end * SECOND, tick_ns)
        assert list(taken[0]) == edges
        for i, mine in enumerate(segments):
            energies = list(taken[1][i :: len(kinds)])
            assert energies == energies_of(mine, edges)
            assert taken[2][i] == pytest.approx(sum(energies))
            guessed = [replace(s, rate=s.guessed) for s in mine]
            whole = [edges[0], edges[-1]]
            assert taken[3][i] == pytest.approx(energies_of(guessed, whole)[0])
            unseen = [replace(s, rate=float(s.unseen)) for s in mine]
            assert taken[4][i] == energies_of(unseen, whole)[0]
        misfits = {i: f.misfit for i, f in enumerate(plain) if f.misfit is not None}
        assert dict(bank.misfits()) == pytest.approx(misfits, nan_ok=True)
        for flow in plain:
            flow.misfit = None
        bank = restarted(bank, kinds, learnt=learnt)
        start = end


def restarted(
    bank: ProfileBank, kinds: list[str], *, learnt: bool = False
) -> ProfileBank:
    """Return a bank that takes up the state of another."""
    again = bank_of(kinds, learnt=learnt)
    for k in range(2 * len(kinds) - kinds.count(COUNTER) - kinds.count(POWER)):
        again.restore_series(k, bank.series_state(k))
    for i in range(len(kinds)):
        again.restore_flow(i, bank.flow_state(i))
    return again


@given(histories(), st.randoms(use_true_random=False))
def test_meters_may_come_in_any_order(
    history: tuple[list[str], list[Read]], drawn: random.Random
) -> None:
    """Readings of one meter come in order, meters among each other in any."""
    kinds, reads = history
    ordered, mixed = bank_of(kinds, learnt=True), bank_of(kinds, learnt=True)
    for read in reads:
        feed(ordered, kinds, read)
    queues = [[r for r in reads if r.flow == i] for i in range(len(kinds))]
    while any(queues):
        queue = drawn.choice([q for q in queues if q])
        feed(mixed, kinds, queue.pop(0))
    for start in range(0, 300, 60):
        span = start * SECOND, (start + 60) * SECOND, SECOND
        assert ordered.cut(*span) == mixed.cut(*span)


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 5, 10, 45]), st.integers(0, 40)),
        min_size=1, max_size=20,
    ),
    st.lists(st.tuples(st.integers(0, 300), st.integers(-5, 9)), max_size=40),
    st.booleans(),
)  # fmt: skip
def test_all_that_is_gained_is_booked(
    gains: list[tuple[int, int]], powers: list[tuple[int, int]], power: bool
) -> None:
    """Without a power, to rounding; with one, within a step of the counter."""
    kinds = [BOTH if power else COUNTER]
    bank, now, gained = bank_of(kinds), 10, 0.0
    feed(bank, kinds, Read(0, 10, gain=0.0, flags=ACCEPTED | FIRST, since_s=10))
    for seconds, tenths in gains:
        now += seconds
        gained += tenths / 10
        feed(bank, kinds, Read(0, now, gain=tenths / 10))
    for second, value in sorted(powers) if power else ():
        feed(bank, kinds, Read(0, second, power=value / 100))
    middle = 10 + (now - 10) / 3
    edges = [10 * SECOND, round(middle * SECOND), now * SECOND]
    booked = sum(
        bank.cut(t0, t1, SECOND)[2][0]
        for t0, t1 in itertools.pairwise(edges)
    )  # fmt: skip
    if power:
        assert booked == pytest.approx(gained, abs=0.5 + 1e-9)
    else:
        assert booked == pytest.approx(gained, rel=1e-12)


def test_exact_counters_are_exact_to_the_last_digits() -> None:
    """Large counters lose nothing: only their gains are worked with."""
    bank = bank_of([COUNTER])
    times = array("q", [i * 600 * SECOND for i in range(7)])
    gains = array("d", [0.0, *(0.1 * i for i in range(1, 7))])
    flags = bytes([ACCEPTED | FIRST, *[ACCEPTED] * 6])
    bank.knots(0, times, gains, array("d", [0.0] * 7), times, bytes(7), flags)
    for i in range(60):
        _, energies, *_ = bank.cut(i * 60 * SECOND, (i + 1) * 60 * SECOND, SECOND)
        assert list(energies) == pytest.approx([0.01 * (i // 10 + 1)], rel=1e-12)


def test_what_is_consumed_is_dropped() -> None:
    bank = bank_of([BOTH])
    for second in range(0, 3600, 60):
        times = array("q", range(second * SECOND, (second + 60) * SECOND, SECOND))
        bank.samples(0, times, array("d", [1.0] * 60), bytes(60), 1e6)
        feed(bank, [BOTH], Read(0, second, gain=60.0))
        bank.cut(second * SECOND, (second + 60) * SECOND, SECOND)
        assert len(bank.series_state(0)) + len(bank.series_state(1)) < 200


def test_the_watermark_is_that_of_the_slowest_that_answers() -> None:
    bank = bank_of([COUNTER] * 3)
    wait = 900 * SECOND
    # What has never told anything is not waited for, as a meter without a bus.
    assert bank.watermark(50 * SECOND, 20 * SECOND, wait) == 50 * SECOND
    feed(bank, [COUNTER] * 3, Read(0, 40, gain=1.0))
    feed(bank, [COUNTER] * 3, Read(1, 45, gain=1.0))
    assert bank.watermark(60 * SECOND, 20 * SECOND, wait) == 40 * SECOND
    assert bank.watermark(71 * SECOND, 20 * SECOND, wait) == 45 * SECOND
    assert bank.watermark(60 * SECOND, 20 * SECOND, 15 * SECOND) == 45 * SECOND
    # Without limit, those are waited for that have ever answered.
    assert bank.watermark(10**6 * SECOND, 0, -1) == 40 * SECOND
    assert bank.watermark(30 * SECOND, 0, -1) == 30 * SECOND


def knots_at(bank: ProfileBank, kinds: list[str], minutes: list[float]) -> None:
    """Let the first flow's counter gain 1 up to each time but the first."""
    for i, minute in enumerate(minutes):
        flags = ACCEPTED if i else ACCEPTED | FIRST
        feed(bank, kinds, Read(0, minute * 60, 1.0, flags=flags, since_s=minute * 60))


def test_a_counter_is_read_as_often_as_its_readings_come() -> None:
    """Hours between readings are no gaps when readings come by the hour."""
    bank = bank_of([COUNTER], learnt=True)
    knots_at(bank, [COUNTER], [0, 60, 120, 180])
    _, _, totals, guessed, unseen = bank.cut(0, 3 * HOUR, SECOND)
    assert totals[0] == pytest.approx(3.0, rel=1e-12)
    assert (guessed[0], unseen[0]) == (0.0, 0)


def test_a_hole_in_readings_that_come_each_minute_is_estimated() -> None:
    bank = bank_of([COUNTER], learnt=True)
    knots_at(bank, [COUNTER], [0, 1, 2, 3, 43, 44, 45])
    _, _, totals, guessed, unseen = bank.cut(0, 45 * 60 * SECOND, SECOND)
    assert totals[0] == pytest.approx(6.0, rel=1e-12)
    assert guessed[0] == pytest.approx(1.0, rel=1e-12)
    assert unseen[0] == 40 * 60 * SECOND


def test_a_period_is_typical_not_the_shortest() -> None:
    """A reading right after another makes no gaps of hours that follow."""
    bank = bank_of([COUNTER], learnt=True)
    knots_at(bank, [COUNTER], [0, 60, 120, 120.5, 180, 240])
    assert bank.cut(0, 4 * HOUR, SECOND)[4][0] == 0


def test_a_learnt_period_says_how_long_a_counter_is_waited_for() -> None:
    bank, wait = bank_of([COUNTER], learnt=True), 900 * SECOND
    knots_at(bank, [COUNTER], [0])
    assert bank.watermark(900 * SECOND, 0, wait) == 0
    assert bank.watermark(901 * SECOND, 0, wait) == 901 * SECOND
    knots_at(bank, [COUNTER], [1])
    assert bank.watermark(240 * SECOND, 0, wait) == 60 * SECOND
    assert bank.watermark(241 * SECOND, 0, wait) == 241 * SECOND


@pytest.mark.parametrize("learnt", [False, True])
def test_a_steady_power_alone_is_its_time_exactly(learnt: bool) -> None:
    bank = bank_of([POWER], learnt=learnt)
    for second in range(0, 901, 5):
        feed(bank, [POWER], Read(0, second, power=7.2))
    edges, energies, totals, guessed, unseen = bank.cut(0, 900 * SECOND, SECOND)
    assert list(edges) == [0, 900 * SECOND]
    assert totals[0] == energies[0] == pytest.approx(7.2 * 900, rel=1e-15)
    assert (guessed[0], unseen[0]) == (0.0, 0)


def test_a_power_alone_is_held_for_three_periods() -> None:
    """No zero is filled in: the rest was not seen. What flows back is no flow."""
    bank = bank_of([POWER], learnt=True)
    for minute, value in [(0, 2.0), (1, 2.0), (2, -5.0), (3, 4.0), (10, 1.0)]:
        feed(bank, [POWER], Read(0, minute * 60, power=value))
    assert bank.watermark(HOUR, 0, -1) == 600 * SECOND
    _, _, totals, _, unseen = bank.cut(0, 600 * SECOND, SECOND)
    assert totals[0] == pytest.approx(2.0 * 120 + 4.0 * 180, rel=1e-15)
    assert unseen[0] == 240 * SECOND


def test_the_first_power_holds_until_the_second() -> None:
    """However the readings are cut: the second one is waited for."""
    bank = bank_of([BOTH], learnt=True)
    feed(bank, [BOTH], Read(0, 0, power=1.0))
    for minute in range(0, 121, 10):
        flags = ACCEPTED if minute else ACCEPTED | FIRST
        feed(bank, [BOTH], Read(0, 60 * minute, 600.0, flags=flags))
    assert bank.watermark(2 * HOUR, 0, -1) == 0
    feed(bank, [BOTH], Read(0, 3600, power=1.0))
    assert bank.watermark(2 * HOUR, 0, -1) == 2 * HOUR
    assert bank.cut(0, 2 * HOUR, SECOND)[4][0] == 0
    # One that stays alone counts for a quarter of an hour.
    bank = bank_of([POWER], learnt=True)
    feed(bank, [POWER], Read(0, 0, power=1.0))
    assert bank.cut(0, HOUR, SECOND)[2][0] == pytest.approx(900.0)


def test_rates_are_as_last_seen() -> None:
    kinds = [BOTH, COUNTER]
    bank = bank_of(kinds)
    assert all(map(isnan, bank.rates(0)))
    feed(bank, kinds, Read(0, 10, power=2.0))
    feed(bank, kinds, Read(1, 10, gain=0.0, flags=ACCEPTED | FIRST, since_s=10))
    feed(bank, kinds, Read(1, 20, gain=5.0))
    power, counter = bank.rates(16 * SECOND)
    assert (power, counter) == (pytest.approx(7200.0), pytest.approx(1800.0))
    power, counter = bank.rates(17 * SECOND)
    assert isnan(power)
    assert isnan(bank.rates(51 * SECOND)[1])
    feed(bank, kinds, Read(0, 60, power=-2.0))
    assert bank.rates(60 * SECOND)[0] == 0.0
    assert bank.extremes(0) == (-2.0, 2.0)


def test_wrong_use_is_named() -> None:
    bank, d, q = bank_of([BOTH]), array("d", [0.0]), array("q", [0])
    assert SETTLE_STEPS == 50
    for call, message in [
        (lambda: bank.samples(1, q, d, b"0", 1.0), "power - 1 - 0 to 0"),
        (lambda: bank.samples(0, q, d, b"", 1.0), "not all of length 1"),
        (lambda: bank.knots(1, q, d, d, q, b"0", b"0"), "counter - 1 - 0 to 0"),
        (lambda: bank.knots(0, q, d, d, q, b"0", b""), "not all of length 1"),
        (lambda: bank.cut(5, 5, 1), "time - 5 to 5"),
        (lambda: bank.begin(2, 0, 0.0), "flow - 2"),
    ]:
        with pytest.raises(UsageError, match=message):
            call()
    for restore in (bank.restore_series, bank.restore_flow):
        with pytest.raises(FormatError, match="1 bytes of state"):
            restore(0, b"x")
    none = array("i", [-1])
    table = array("i", [1]), none, d, q
    with pytest.raises(UsageError, match="counter - 1 - below 1"):
        ProfileBank(1, 0, *table)
    with pytest.raises(UsageError, match="flow 0 - neither"):
        ProfileBank(1, 0, none, none, d, q)
    with pytest.raises(UsageError, match="power - 3 - below 1"):
        ProfileBank(2, 1, array("i", [1]), array("i", [3]), d, q)
    assert ProfileBank(0, 0, *(array(c) for c in "iidq")).cut(0, 5, 1)[0] == array(
        "q", [0, 5]
    )
