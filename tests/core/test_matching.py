"""Certificates against loads: what is matched, and what it emits."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import matching as reference

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.intervals import Calendar, Granularity
from zerometer.core.matching import (
    Certificate,
    CertificateKind,
    Generation,
    factor_with_sold,
    free_of_bought,
    free_of_own,
    match,
    own_profile,
    score_24_7,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Three days around a change of the clocks, and of the month, in Berlin.
BERLIN = ZoneInfo("Europe/Berlin")
FIRST = int(datetime(2026, 10, 24, tzinfo=UTC).timestamp()) // 900
MONTH_END = int(datetime(2026, 10, 30, tzinfo=UTC).timestamp()) // 900
HOUR_NS = 4 * QUARTER_NS
#: 1 January 2026, 0:00 in Shanghai.
START_NS = int(datetime(2026, 1, 1, tzinfo=SHANGHAI).timestamp()) * 10**9


def certificate(
    hours: tuple[int, int],
    quantity: float,
    factor: float = 0.0,
    kind: CertificateKind = "certificate",
    plant: str = "",
) -> Certificate:
    """Return one for the hours [first, last) from START_NS."""
    return Certificate(
        id=f"c{hours[0]}-{hours[1]}-{kind}",
        kind=kind,
        source="grid",
        start_ns=START_NS + hours[0] * HOUR_NS,
        end_ns=START_NS + hours[1] * HOUR_NS,
        quantity=quantity,
        factor=factor,
        plant=plant,
    )


def hourly(*loads: float) -> list[tuple[int, float]]:
    """Return a profile with these loads in the first hours, evenly."""
    return [
        (START_NS + hour * HOUR_NS + quarter * QUARTER_NS, load / 4)
        for hour, load in enumerate(loads)
        for quarter in range(4)
    ]


def test_an_excess_moves_to_no_other_hour() -> None:
    """100 kWh an hour; 150 and 30 certified, at 0.6 otherwise."""
    papers = [certificate((0, 1), 150), certificate((1, 2), 30)]
    found = match(hourly(100, 100), papers, {}, Calendar("hour", SHANGHAI))
    assert [m.matched for m in found.matches] == [100, 30]
    assert [m.factor(0.6) for m in found.matches] == [0.0, pytest.approx(0.42)]
    monthly = match(hourly(100, 100), papers, {}, Calendar("month", SHANGHAI))
    (month,) = monthly.matches
    assert (month.load, month.available, month.matched) == (200, 180, 180)
    assert month.factor(0.6) == pytest.approx(0.06)


def test_contracts_come_after_certificates() -> None:
    papers = [
        certificate((0, 1), 80, 0.3, "contract"),
        certificate((0, 1), 60, 0.0),
    ]
    (found,) = match(hourly(100), papers, {}, Calendar("hour", SHANGHAI)).matches
    assert (found.matched, found.free) == (100, 60)
    assert found.matched_kg == pytest.approx(40 * 0.3)


def test_a_month_is_matched_by_the_hour_with_the_plants_profile() -> None:
    """A month's 300 kWh of a plant that ran in two hours of it, 2 to 1."""
    made = [
        Generation(
            plant="sun",
            start_ns=START_NS + hour * HOUR_NS,
            end_ns=START_NS + (hour + 1) * HOUR_NS,
            quantity=quantity,
        )
        for hour, quantity in [(1, 20.0), (2, 10.0)]
    ]
    paper = certificate((0, 31 * 24), 300, plant="sun")
    calendar = Calendar("hour", SHANGHAI)
    found = match(hourly(90, 90, 90), [paper], {"sun": made}, calendar)
    assert [m.available for m in found.matches] == pytest.approx([0, 200, 100])
    assert [m.matched for m in found.matches] == [0, 90, 90]
    assert (found.joined, found.unplaced) == ([paper.id], [])


def test_a_month_without_a_profile_matches_no_hour() -> None:
    paper = certificate((0, 31 * 24), 300, plant="sun")
    found = match(hourly(90, 90), [paper], {}, Calendar("hour", SHANGHAI))
    assert [m.matched for m in found.matches] == [0, 0]
    assert (found.joined, found.unplaced) == ([], [paper.id])


def test_what_is_sold_counts_as_the_residual_mix() -> None:
    """An own source of 100 kWh an hour; half of its month's attributes are sold."""
    loads = hourly(100, 0, 300)
    sold = certificate((0, 31 * 24), 200, kind="sold")
    found = match(
        loads,
        [replace(sold, plant="grid")],
        own_profile("grid", loads),
        Calendar("hour", SHANGHAI),
    )
    assert [m.matched for m in found.matches] == pytest.approx([50, 0, 150])
    factors = [factor_with_sold(m, 0.02, 0.6) for m in found.matches]
    assert factors == pytest.approx([0.31, 0.02, 0.31])


def test_the_score_counts_what_was_free_when_it_was_used() -> None:
    """Two hours of 100 kWh, 150 and 0 certified, 30 % of the mix is free."""
    found = match(
        hourly(100, 100), [certificate((0, 1), 150)], {}, Calendar("hour", SHANGHAI)
    )
    parts = [free_of_bought(m, 0.3) for m in found.matches]
    assert score_24_7(parts) == pytest.approx((100 + 30) / 200)
    own = match(hourly(50), [], {}, Calendar("hour", SHANGHAI)).matches[0]
    used = free_of_own(own, 40.0, 1.0, 0.3)
    assert score_24_7([*parts, used]) == pytest.approx(170 / 240)
    assert score_24_7([]) is None


def test_a_share_of_what_is_sold_is_not_free() -> None:
    sold = certificate((0, 1), 25, kind="sold")
    (found,) = match(hourly(100), [sold], {}, Calendar("hour", SHANGHAI)).matches
    assert free_of_own(found, 80.0, 1.0, 0.5).free == pytest.approx(60 + 10)


def test_a_contract_with_a_factor_is_not_free() -> None:
    papers = [certificate((0, 1), 60, 0.1, "contract")]
    (found,) = match(hourly(100), papers, {}, Calendar("hour", SHANGHAI)).matches
    assert free_of_bought(found, 0.0).free == 0.0


QUARTERS = st.integers(0, 4 * 30)
LOADS = st.dictionaries(QUARTERS, st.integers(0, 1000), min_size=1)
PAPERS = st.lists(
    st.tuples(
        QUARTERS,
        st.integers(1, 40),
        st.integers(1, 3000),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=8,
)


@given(
    loads=LOADS,
    papers=PAPERS,
    made=st.dictionaries(QUARTERS, st.integers(0, 50)),
    granularity=st.sampled_from(["15min", "hour", "month", "year"]),
    first=st.sampled_from([FIRST, MONTH_END]),
)
def test_matching_is_the_reference(
    loads: dict[int, int],
    papers: list[tuple[int, int, int, int, bool]],
    made: dict[int, int],
    granularity: Granularity,
    first: int,
) -> None:
    moved = [
        (first + start, first + start + length, quantity, factor, contract)
        for start, length, quantity, factor, contract in papers
    ]
    there = {first + q: n for q, n in made.items()}
    expected = reference.match(
        {first + q: n for q, n in loads.items()}, moved, there, granularity, BERLIN
    )
    found = match(
        sorted(((first + q) * QUARTER_NS, float(n)) for q, n in loads.items()),
        [
            Certificate(
                id=str(i),
                kind="contract" if contract else "certificate",
                source="grid",
                start_ns=start * QUARTER_NS,
                end_ns=end * QUARTER_NS,
                quantity=float(quantity),
                factor=float(factor),
                plant="sun",
            )
            for i, (start, end, quantity, factor, contract) in enumerate(moved)
        ],
        {
            "sun": [
                Generation(
                    plant="sun",
                    start_ns=q * QUARTER_NS,
                    end_ns=(q + 1) * QUARTER_NS,
                    quantity=float(n),
                )
                for q, n in sorted(there.items())
            ]
        },
        Calendar(granularity, BERLIN),
    )
    assert len(found.matches) == len(expected)
    for one in found.matches:
        key = reference.key_of(one.start_ns // QUARTER_NS, granularity, BERLIN)
        load, matched, kg = expected[key]
        assert one.load == load
        assert one.matched == pytest.approx(float(matched), rel=1e-12, abs=1e-9)
        assert one.matched_kg == pytest.approx(float(kg), rel=1e-12, abs=1e-9)
        assert one.matched <= one.load
        assert one.free <= one.matched * (1 + 1e-12)
