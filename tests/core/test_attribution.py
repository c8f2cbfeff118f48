"""The accounting whole, on drawn sites: the reference's numbers, and what must hold."""

from array import array
from math import fsum

import pytest
from harness.drawn_sites import Story, stories
from hypothesis import given
from hypothesis import strategies as st
from reference.attribution import Account

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.attribution import Attribution
from zerometer.core.flow_compile import flow_tables
from zerometer.core.fold import Fold
from zerometer.core.holdings import Holdings
from zerometer.core.ledger import Ledger
from zerometer.core.quarter_record import QuarterRecord
from zerometer.core.totals import FactorSet, Totals

NEAR = {"rel": 1e-9, "abs": 1e-9}


def booked(
    story: Story, factors: list[FactorSet], attribution: Attribution, by: float = 1.0
) -> list[Totals]:
    """Book a story; its flows times a number."""
    return [
        attribution.book(
            array("d", (energy * by for energy in span.energies)),
            span.durations_ns,
            span.start_ns,
            span.end_ns,
            factors[span.quarter],
        )
        for span in story.spans
    ]


@given(stories())
def test_the_books_are_the_reference(story: Story) -> None:
    network, width = story.network, len(story.network.origins)
    attribution = Attribution(network)
    totals = booked(story, story.factors, attribution)
    for number, view in enumerate(network.views):
        account = Account(flow_tables(network, view), width, len(story.factors))
        for span, found in zip(story.spans, totals, strict=True):
            account.begin(span.quarter, story.factors[span.quarter].values[view])
            hours = [ns / 3.6e12 for ns in span.durations_ns]
            plain = account.book(span.steps, hours)
            near = noise(span.steps)
            for name in ("received_kg", "entered_kg", "pool_kg"):
                wanted = [float(kg) for kg in getattr(plain, name)]
                assert list(getattr(found, name)[view]) == pytest.approx(
                    wanted, abs=near
                )
            for name in ("throughput", "quantity", "entered"):
                wanted = [float(amount) for amount in getattr(plain, name)]
                assert list(getattr(found, name)) == pytest.approx(wanted, abs=near)
            if number == 0:
                wanted = [float(a) for row in plain.received for a in row]
                assert list(found.received) == pytest.approx(wanted, abs=near)
        for tank, (energy, kg) in enumerate(
            zip(account.flow.energy, account.held_kg(), strict=True)
        ):
            held = attribution.held(tank)
            assert held.energy == pytest.approx(float(energy), **NEAR)
            assert held.emissions_kg[view] == pytest.approx(float(kg), abs=1e-6)


def noise(steps: list[list[float]]) -> float:
    """Return what rounding may leave of amounts as large as these."""
    return 1e-9 * (1 + max((q for step in steps for q in step), default=0.0))


@given(stories())
def test_what_enters_is_what_the_places_get_in_every_view(story: Story) -> None:
    totals = booked(story, story.factors, Attribution(story.network))
    for found in totals:
        for view, entered in found.entered_kg.items():
            received = found.received_kg[view]
            size = fsum(map(abs, [*entered, *received]))
            assert fsum(received) == pytest.approx(
                fsum(entered), abs=1e-9 * size + 1e-12
            )


@given(stories())
def test_what_storages_gain_is_what_they_hold(story: Story) -> None:
    totals = booked(story, story.factors, Attribution(story.network))
    before = Holdings.none(story.network).held()
    for found in totals:
        for tank, old, new in zip(story.network.tanks, before, found.held, strict=True):
            for view, kg in found.received_kg.items():
                gain = new.emissions_kg[view] - old.emissions_kg[view]
                assert kg[tank.place] == pytest.approx(gain, abs=1e-6)
        before = found.held


@given(stories(), st.data())
def test_anchored_storages_keep_the_balance(story: Story, data: st.DataObject) -> None:
    network, attribution = story.network, Attribution(story.network)
    energy = [0.0] * len(network.tanks)
    for span in story.spans:
        wanted = {}
        for tank in range(len(network.tanks)):
            if data.draw(st.booleans()):
                wanted[tank] = data.draw(st.floats(0, 100))
                attribution.anchor(tank, wanted[tank])
        (found,) = booked(
            Story(story.site, [span], story.factors), story.factors, attribution
        )
        for view, entered in found.entered_kg.items():
            received = found.received_kg[view]
            size = fsum(map(abs, [*entered, *received]))
            assert fsum(received) == pytest.approx(
                fsum(entered), abs=1e-9 * size + 1e-9
            )
        for tank, before in enumerate(energy):
            change = wanted.get(tank, before) - before
            assert found.true_up[tank] == pytest.approx(change, abs=1e-9)
        energy = [held.energy for held in found.held]


@given(stories())
def test_the_ledger_balances_to_the_last_unit(story: Story) -> None:
    network, ledger = story.network, Ledger(story.network)
    for totals in booked(story, story.factors, Attribution(network)):
        cells = dict(
            zip((c.name for c in ledger.cells), ledger.book(totals), strict=True)
        )
        for view in network.views:
            ends = f":emissions:{view}"
            assert sum(cells[o.name + ends] for o in network.origins) == sum(
                cells[p.name + ends] for p in network.places
            )
        for origin in network.origins:
            assert cells[f"{origin.name}:entered"] == sum(
                cells[f"{place.name}:from:{origin.name}"] for place in network.places
            )


@given(stories(losses=False, plants=False, storages=False))
def test_without_losses_a_factor_is_between_none_and_the_highest(story: Story) -> None:
    # What feeders give is what they take here: nothing is lost on the way.
    for process in story.network.conversions:
        for span in story.spans:
            for step in span.steps:
                step[process.gives[0].flow] = step[process.takes[0][1]]
    for span, found in zip(
        story.spans,
        booked(story, story.factors, Attribution(story.network)),
        strict=True,
    ):
        for view, values in story.factors[span.quarter].values.items():
            highest = max(values)
            for kg, through in zip(found.pool_kg[view], found.throughput, strict=True):
                assert -1e-12 <= kg <= highest * through * (1 + 1e-9)
        width = len(story.network.origins)
        for place, quantity in enumerate(found.quantity):
            if story.network.places[place].kind == "process":
                continue
            shares = fsum(found.received[place * width : (place + 1) * width])
            # A circle without an exit has no make-up: what enters it has no quantity.
            if not any(flag.startswith("circular") for flag in found.flags):
                assert shares == pytest.approx(quantity, **NEAR)


@given(stories(), st.sampled_from([2.0**-10, 8.0, 1000.0]))
def test_scaling_all_flows_changes_no_factor(story: Story, by: float) -> None:
    plain = booked(story, story.factors, Attribution(story.network))
    for flow, kept in enumerate(story.network.flows):
        story.network.flows[flow] = type(kept)(
            kept.name, kept.terms, kept.dead_band * by
        )
    scaled = booked(story, story.factors, Attribution(story.network), by)
    for one, other in zip(plain, scaled, strict=True):
        for view, kg in one.pool_kg.items():
            size = by * (1 + fsum(map(abs, one.entered_kg[view])))
            assert list(other.pool_kg[view]) == pytest.approx(
                [value * by for value in kg], rel=1e-6, abs=1e-9 * size
            )


@given(stories(), st.floats(0, 10))
def test_scaling_all_factors_scales_all_results(story: Story, by: float) -> None:
    scaled = [
        FactorSet({v: array("d", (f * by for f in row)) for v, row in s.values.items()})
        for s in story.factors
    ]
    for one, other in zip(
        booked(story, story.factors, Attribution(story.network)),
        booked(story, scaled, Attribution(story.network)),
        strict=True,
    ):
        for view, kg in one.received_kg.items():
            size = by * fsum(map(abs, kg))
            assert list(other.received_kg[view]) == pytest.approx(
                [value * by for value in kg], rel=1e-9, abs=1e-9 * size + 1e-12
            )


@given(stories(bonus=False), st.data())
def test_a_higher_factor_lowers_no_result(story: Story, data: st.DataObject) -> None:
    raised = []
    for chosen in story.factors:
        rows = {view: row[:] for view, row in chosen.values.items()}
        for row in rows.values():
            for k in range(len(row)):
                row[k] += data.draw(st.sampled_from([0.0, 0.0, 0.5]))
        raised.append(FactorSet(rows))
    storages = {tank.place for tank in story.network.tanks}
    for one, other in zip(
        booked(story, story.factors, Attribution(story.network)),
        booked(story, raised, Attribution(story.network)),
        strict=True,
    ):
        for view, kg in one.received_kg.items():
            for place, (low, high) in enumerate(
                zip(kg, other.received_kg[view], strict=True)
            ):
                if place not in storages:  # these may give back more than they get
                    assert high >= low - 1e-9 * (1 + abs(low))


@given(stories())
def test_records_folded_anew_are_a_recomputation(story: Story) -> None:
    network = story.network
    live = Attribution(network)
    booked(story, story.factors, live)
    records = [record for record, _ in live.take_records()]
    other = story.factors[::-1]
    fresh = Attribution(network)
    wanted = booked(story, other, fresh)
    fold, holdings = Fold(network), Holdings.none(network)
    for quarter, record in enumerate(records):
        kept = QuarterRecord.unpacked(record.packed())
        assert kept == record
        totals, holdings = fold.refold(kept, other[quarter], holdings)
        spans = [found for found in wanted if found.start_ns // QUARTER_NS == quarter]
        for view, kg in totals.received_kg.items():
            sums = [
                fsum(column)
                for column in zip(*(s.received_kg[view] for s in spans), strict=True)
            ]
            assert list(kg) == pytest.approx(sums, abs=1e-6)
        if len(spans) == 1:
            assert totals == spans[0]
        assert totals.held == spans[-1].held


@given(stories())
def test_with_the_same_factors_a_record_gives_the_same_numbers(story: Story) -> None:
    live = Attribution(story.network)
    totals = booked(story, story.factors, live)
    fold = Fold(story.network)
    after = None
    for quarter, (record, openings) in enumerate(live.take_records()):
        if after is not None:
            assert openings == after
        folded, after = fold.refold(record, story.factors[quarter], openings)
        spans = [t for t in totals if t.start_ns // QUARTER_NS == quarter]
        if len(spans) == 1:
            assert folded == spans[0]


@given(stories(), st.data())
def test_a_state_goes_on_where_it_stopped(story: Story, data: st.DataObject) -> None:
    whole = booked(story, story.factors, Attribution(story.network))
    cut = data.draw(st.integers(0, len(story.spans)))
    first, second = Attribution(story.network), Attribution(story.network)
    before, after = (
        Story(story.site, story.spans[:cut], story.factors),
        Story(story.site, story.spans[cut:], story.factors),
    )
    found = booked(before, story.factors, first)
    second.restore(first.state())
    found += booked(after, story.factors, second)
    for one, other in zip(whole, found, strict=True):
        assert one == other
