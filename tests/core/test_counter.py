"""Counters: the five rules, against worked traces and the plain reference."""

import functools
import itertools
import math
import operator
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.counter import Counter

from zerometer.core import _counter as kernel
from zerometer.core._counter import CounterBank
from zerometer.core.errors import FormatError, UsageError
from zerometer.core.points import Quality

MINUTE_NS = 60_000_000_000
PER_MINUTE = 100 / 60  # units a second
NAN = math.nan


def bank_of(step: float = 1.0, modulus: float = 0.0, rate: float = 1.0) -> CounterBank:
    bank = CounterBank(1)
    bank.configure(0, step, modulus, rate)
    return bank


def feed(
    bank: CounterBank, value: float, time_ns: int, quality: int = Quality.MEASURED
) -> tuple[float, int]:
    gain, flag, _ = column(bank, [(time_ns, value, quality)])[0]
    return gain, flag


def column(
    bank: CounterBank, rows: list[tuple[int, float, int]], i: int = 0
) -> list[tuple[float, int, int]]:
    """Let a counter take values with times and qualities; return what it did."""
    times, values, qualities = zip(*rows, strict=True) if rows else ((), (), ())
    size = len(rows)
    gains, steps = array("d", [NAN] * size), array("d", [NAN] * size)
    since, flags = array("q", [-1] * size), bytearray(size)
    met = bank.column(
        i, array("q", times), array("d", values), bytes(qualities),
        gains, steps, since, flags,
    )  # fmt: skip
    assert met == functools.reduce(operator.or_, flags, 0)
    return list(zip(gains, flags, since, strict=True))


def run(bank: CounterBank, values: list[float], every_ns: int = MINUTE_NS) -> list[int]:
    return [feed(bank, value, i * every_ns)[1] for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("modulus", "step", "trace", "total"),
    [
        (4294967296, 1, [4294967290, 14], 20),
        (1e5, 0.1, [99999.8, 0.3], 0.5),
        (1e6, 0.01, [999999.97, 0.02], 0.05),
        (0, 0.1, [215.6, 215.7, 215.6, 215.6, 215.8], 0.2),
        (0, 0.01, [100.0, 42949672.95, 100.05], 0.05),
    ],
)
def test_worked_traces(
    modulus: float, step: float, trace: list[float], total: float
) -> None:
    bank = bank_of(step, modulus, PER_MINUTE)
    booked = [feed(bank, value, i * MINUTE_NS)[0] for i, value in enumerate(trace)]
    assert math.fsum(booked) == pytest.approx(total, abs=1e-9)
    assert bank.index(0) - trace[0] == pytest.approx(total, abs=1e-9)


def test_nothing_is_known_before_the_first_good_value() -> None:
    bank = bank_of()
    assert math.isnan(bank.index(0))
    assert bank.last_time_ns(0) == -1
    assert feed(bank, NAN, 0) == (0.0, kernel.MISSING)
    assert feed(bank, 5.0, 1, Quality.MISSING) == (0.0, kernel.MISSING)
    assert feed(bank, 5.0, 2, Quality.REJECTED) == (0.0, kernel.MISSING)
    assert feed(bank, math.inf, 3) == (0.0, kernel.MISSING)
    assert feed(bank, 7.0, 4) == (0.0, kernel.FIRST | kernel.ACCEPTED)
    assert (bank.index(0), bank.last_time_ns(0)) == (7.0, 4)


def test_a_missing_value_keeps_the_baseline_and_its_time() -> None:
    bank = bank_of(rate=1.0)
    feed(bank, 10.0, 0)
    feed(bank, NAN, MINUTE_NS)
    assert feed(bank, 130.0, 2 * MINUTE_NS) == (120.0, kernel.ACCEPTED)


def test_what_a_counter_cannot_have_counted_is_held() -> None:
    bank = bank_of(step=1.0, rate=1.0)
    feed(bank, 10.0, 0)
    assert feed(bank, 71.1, MINUTE_NS) == (0.0, kernel.HELD)
    assert bank.last_time_ns(0) == 0
    # Over the whole elapsed time it is possible: a glitch, or a late burst.
    assert feed(bank, 72.0, 2 * MINUTE_NS) == (62.0, kernel.ACCEPTED)


def test_jitter_keeps_the_high_water() -> None:
    bank = bank_of(step=0.1)
    feed(bank, 215.8, 0)
    assert feed(bank, 215.6, 1) == (0.0, kernel.ACCEPTED | kernel.JITTER)
    assert bank.index(0) == 215.8
    assert feed(bank, 215.9, MINUTE_NS)[0] == pytest.approx(0.1)


def test_three_consistent_values_on_a_new_level_are_a_reset() -> None:
    bank = bank_of(rate=1.0)
    flags = run(bank, [1000.0, 5.0, 15.0, 25.0, 30.0])
    assert flags[1:3] == [kernel.HELD, kernel.HELD]
    assert flags[3] == kernel.ACCEPTED | kernel.RESET
    assert flags[4] == kernel.ACCEPTED
    assert bank.index(0) == 1025.0


def test_jitter_among_the_held_values_keeps_their_high_water() -> None:
    bank = bank_of(rate=1.0)
    run(bank, [1000.0, 5.0, 15.0, 14.0])
    assert bank.index(0) == 1010.0
    assert feed(bank, 16.0, 4 * MINUTE_NS)[0] == 1.0


def test_held_values_that_disagree_start_anew() -> None:
    bank = bank_of(rate=1.0)
    flags = run(bank, [1000.0, 5.0, 500.0, 3.0, 4.0, 5.0])
    assert flags[1:5] == [kernel.HELD] * 4
    assert flags[5] == kernel.ACCEPTED | kernel.RESET
    assert bank.index(0) == 1002.0


def test_a_value_far_above_three_times_is_a_replacement() -> None:
    bank = bank_of(rate=1.0)
    flags = run(bank, [1000.0, 9e6, 9e6, 9e6 + 5])
    assert flags[3] & kernel.RESET
    assert bank.index(0) == 1005.0


def test_the_index_is_exact_over_years_of_odd_steps() -> None:
    bank = bank_of(step=0.1, rate=10.0)
    for i in range(10_000):
        feed(bank, 215.6 + i * 0.1, i * 1_000_000_000)
    assert bank.index(0) == 215.6 + 9_999 * 0.1


def test_a_clock_that_steps_back_is_no_time() -> None:
    bank = bank_of(step=1.0)
    feed(bank, 1.0, MINUTE_NS)
    assert feed(bank, 2.0, 0) == (1.0, kernel.ACCEPTED)
    assert bank.last_time_ns(0) == MINUTE_NS


def test_remembered_times_follow_a_step_of_the_clock() -> None:
    bank = bank_of(rate=1.0)
    run(bank, [10.0, 20.0])
    bank.rebase(-MINUTE_NS)
    assert bank.last_time_ns(0) == 0
    assert feed(bank, 140.0, 2 * MINUTE_NS) == (120.0, kernel.ACCEPTED)


def test_state_goes_on_where_it_stopped() -> None:
    trace = [1000.0, 5.0, 15.0, 25.0, 24.0, NAN, 40.0]
    whole = bank_of(rate=1.0)
    run(whole, trace)
    for cut in range(len(trace)):
        first = bank_of(rate=1.0)
        run(first, trace[:cut])
        second = bank_of(rate=1.0)
        second.restore(first.state())
        for i, value in enumerate(trace[cut:], cut):
            feed(second, value, i * MINUTE_NS)
        assert second.state() == whole.state()


def test_a_state_is_refused_unless_whole_and_ours() -> None:
    bank = bank_of()
    feed(bank, 42.0, 7)
    good = bank.state()
    broken = {
        "not the state": b"",
        "not the": b"XXXX" + good[4:],
        "version - 4": good[:4] + struct.pack("<H", 4) + good[6:],
        "counters - 2": good[:8] + struct.pack("<I", 2) + good[12:],
        "bytes - 102": good[:-1],
        "no possible": good[:12] + struct.pack("<d", NAN) + good[20:],
        "counter 0": good[:77] + b"\3" + good[78:],
    }
    other = bank_of()
    for message, state in broken.items():
        with pytest.raises(FormatError, match=message):
            other.restore(state)
    assert math.isnan(other.index(0))


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="count - -1"):
        CounterBank(-1)
    with pytest.raises(MemoryError):
        CounterBank(2**60)
    bank = CounterBank(2)
    for arguments, message in [
        ((2, 1.0, 0.0, 1.0), "counter - 2 - 0 to 1"),
        ((0, -1.0, 0.0, 1.0), "step - -1.0"),
        ((0, 1.0, NAN, 1.0), "modulus - nan"),
        ((0, 1.0, 0.0, 0.0), "max_rate_per_s - 0.0"),
    ]:
        with pytest.raises(UsageError, match=message):
            bank.configure(*arguments)
    with pytest.raises(UsageError, match="counter 0: not configured"):
        feed(bank, 1.0, 0)
    with pytest.raises(UsageError, match="not all of length 1"):
        bank.column(
            1, array("q", [0]), array("d", [0]), b"", array("d"), array("d"),
            array("q"), bytearray(),
        )  # fmt: skip
    with pytest.raises(UsageError, match=r"float_scale - -1\.0"):
        bank.configure(0, 1.0, 0.0, 1.0, -1.0)
    with pytest.raises(UsageError, match="counter - -1"):
        bank.index(-1)
    with pytest.raises(UsageError, match="counter - 9"):
        bank.last_time_ns(9)
    assert CounterBank(0).state()[:4] == b"ZMcn"


def watched(values: list[float], every_ns: int = MINUTE_NS) -> list[int]:
    """Return the places of values at which a jump is told."""
    bank = CounterBank(1)
    bank.configure(0, 1.0, 0.0, 1e9, 0.0, True)
    flags = run(bank, values, every_ns)
    assert all(flag & kernel.ACCEPTED for flag in flags)
    assert bank.index(0) == max(values)
    return [i for i, flag in enumerate(flags) if flag & kernel.JUMP]


USUAL = [10.0 + 2 * i for i in range(11)]


def test_a_jump_is_told_and_booked() -> None:
    after = [USUAL[-1] + 40.0 + 2 * i for i in range(4)]
    assert watched([*USUAL, *after]) == [12]
    # So it is when it falls back: that is a reset.
    bank = CounterBank(1)
    bank.configure(0, 1.0, 0.0, 1e9, 0.0, True)
    flags = run(bank, [*USUAL, 9000.0, *(32.0 + 2 * i for i in range(3))])
    assert [bool(flag & kernel.JUMP) for flag in flags[-4:]] == [0, 0, 0, 1]
    # One less, in number or in height, is none.
    assert watched([*USUAL[1:], *after]) == []
    assert watched([*USUAL, *(value - 1 for value in after)]) == []
    # Neither is more in a time that was longer, nor a fine reading in between.
    bank = CounterBank(1)
    bank.configure(0, 1.0, 0.0, 1e9, 0.0, True)
    run(bank, USUAL)
    flags = [
        feed(bank, value, minute * MINUTE_NS + 1)[1]
        for value, minute in ((70.0, 40), (71.0, 40), (72.0, 41), (74.0, 42))
    ]
    assert not any(flag & kernel.JUMP for flag in flags)


def test_a_machine_that_starts_is_no_jump() -> None:
    assert watched([*USUAL, *(100.0 + 60 * i for i in range(9))]) == []
    stands = [5.0] * 30
    assert watched([*stands, *(5.0 + 60 * i for i in range(9))]) == []


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 60.0, 900.0]), max_size=60))
def test_watching_for_jumps_changes_nothing(gains: list[float]) -> None:
    values = list(itertools.accumulate(gains, initial=7.0))
    plain, other = bank_of(rate=30.0), CounterBank(1)
    other.configure(0, 1.0, 0.0, 30.0, 0.0, True)
    for i, value in enumerate(values):
        gain, flag = feed(other, value, i * MINUTE_NS)
        assert (gain, flag & ~kernel.JUMP) == feed(plain, value, i * MINUTE_NS)
        assert other.index(0) == plain.index(0)


# Near enough to each other for every rule to come up.
levels = st.one_of(
    st.integers(0, 300).map(lambda n: n / 10),
    st.integers(9_900, 10_000).map(lambda n: n / 10),
    st.floats(),
)
traces = st.lists(
    st.tuples(levels, st.sampled_from([0, 0, 0, 1, 5, 6]), st.integers(0, 60)),
    max_size=40,
)


@given(traces, st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.0, 1000.0]))
def test_kernel_is_the_reference_and_never_falls(
    trace: list[tuple[float, int, int]], step: float, modulus: float
) -> None:
    bank = bank_of(step, modulus, 1.0)
    plain = Counter(step, modulus, 1.0)
    time_ns, booked, last = 0, 0.0, -math.inf
    for value, quality, seconds in trace:
        time_ns += seconds * 1_000_000_000
        got = column(bank, [(time_ns, value, quality)])[0]
        assert got == (*plain.update(value, quality, time_ns), plain.since_ns)
        assert got[0] >= 0
        booked += got[0]
        if not math.isnan(bank.index(0)):
            assert bank.index(0) == plain.index
            assert bank.index(0) >= last
            last = bank.index(0)
        assert bank.last_time_ns(0) == plain.time_ns


@given(st.lists(st.tuples(st.integers(0, 4), levels, st.integers(0, 6)), max_size=60))
def test_counters_do_not_touch_each_other_and_take_any_batches(
    rows: list[tuple[int, float, int]],
) -> None:
    together = CounterBank(5)
    for i in range(5):
        together.configure(i, 1.0, 0.0, 1.0)
    one_by_one = [
        (slot, column(together, [(5, value, quality)], slot)[0])
        for slot, value, quality in rows
    ]
    for i in range(5):
        mine = [(5, value, quality) for slot, value, quality in rows if slot == i]
        assert column(bank_of(), mine) == [got for slot, got in one_by_one if slot == i]


def test_steps_of_floats_grow_with_the_value() -> None:
    bank = CounterBank(1)
    bank.configure(0, 0.001, 0.0, 1e9, 0.1)
    steps = [(0.0, 0.001), (1677721.5, 0.1), (1677721.7, 0.2), (1677721.3, 0.2)]
    for i, (value, step) in enumerate(steps):
        _, flag = feed(bank, value, i * MINUTE_NS)
        assert bank.step(0) == pytest.approx(step)
    # What lies two of these steps lower is jitter.
    assert flag & kernel.JITTER


@pytest.mark.parametrize(
    ("final", "start", "gain", "gained"),
    [(105.5, 3.0, 5.5, 1.0), (NAN, 3.0, NAN, 1.0), (105.5, NAN, 5.5, 0.0),
     (NAN, NAN, NAN, 0.0), (99.0, 3.0, 0.0, 1.0)],
)  # fmt: skip
def test_a_change_goes_on_with_the_index(
    final: float, start: float, gain: float, gained: float
) -> None:
    bank = bank_of(rate=1.0)
    feed(bank, 100.0, 0)
    assert feed(bank, 5.0, 1)[1] == kernel.HELD
    assert bank.change(0, MINUTE_NS, final, start) == pytest.approx(gain, nan_ok=True)
    known = 100.0 if math.isnan(gain) else 100.0 + gain
    assert bank.index(0) == known
    got, flag = feed(bank, 4.0, 2 * MINUTE_NS)
    assert got == gained
    assert bool(flag & kernel.FIRST) is math.isnan(start)
    assert bank.index(0) == known + gained


def test_a_change_before_the_first_value_begins_the_index() -> None:
    bank = bank_of(rate=1.0)
    bank.change(0, 0)
    assert feed(bank, 7.0, 1) == (0.0, kernel.FIRST | kernel.ACCEPTED)
    bank = bank_of(rate=1.0)
    bank.change(0, 0, start=6.0)
    assert feed(bank, 7.0, MINUTE_NS) == (1.0, kernel.ACCEPTED)
    assert bank.index(0) == 7.0
