"""From the quantities of steps to who used what, from where, and what it emitted.

Wraps the solvers (``_flow``) in the names of the network. Within a quarter hour,
what a storage held at its beginning counts as an origin of its own, so that what
flowed is known before any factor is (`QuarterRecord`); `Fold` makes kg of it.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from zerometer.core._flow import FlowGraph
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.columns import encode_floats
from zerometer.core.errors import UsageError
from zerometer.core.flow_compile import compile_graph, variants
from zerometer.core.flow_layout import Layout, SolverState
from zerometer.core.fold import Fold
from zerometer.core.holdings import Holdings, floats
from zerometer.core.network import Network
from zerometer.core.quarter_record import QuarterRecord, joined
from zerometer.core.site import View
from zerometer.core.totals import FactorSet, Held, Totals

#: Rates are solved as a tick of one second, so that tanks are drawn on as in reality.
SECOND_NS = 1_000_000_000
SECONDS_PER_HOUR = 3600.0


@dataclass(slots=True)
class Rates:
    """The present: all rates in booked units per hour, emissions in kg per hour.

    ``factors[view][pool]`` is None where nothing flows or nothing can be said.
    ``flows`` are those of the network, NaN where unknown. ``entered`` and its kg are
    by origin, ``quantity`` and ``received_kg`` by place, ``throughput`` by pool.
    """

    flows: "array[float]"
    factors: dict[View, list[float | None]]
    throughput: "array[float]"
    entered: "array[float]"
    quantity: "array[float]"
    entered_kg: Mapping[View, "array[float]"]
    received_kg: Mapping[View, "array[float]"]


class Attribution:
    """Attributes flows to origins; keeps what the storages hold."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._fold = Fold(network)
        self._layout = Layout(network)
        views = [views[0] for views in variants(network)]
        self._graphs = [compile_graph(network, view) for view in views]
        self._present = [compile_graph(network, view) for view in views]
        self._openings = Holdings.none(network)
        self._quarter_ns: int | None = None
        self._factors: FactorSet | None = None
        self._spans: list[QuarterRecord] = []
        self._anchors: list[tuple[int, float]] = []
        self._known = bytearray(len(network.tanks))
        self._records: list[tuple[QuarterRecord, Holdings]] = []

    def book(
        self,
        energies: "array[float]",
        durations_ns: "array[int]",
        start_ns: int,
        end_ns: int,
        factors: FactorSet,
    ) -> Totals:
        """Attribute the steps of [start, end), which lies within a quarter hour.

        *energies*: a row for each of *durations_ns*, with the quantity (0 or more) of
        each flow of the network. Within a quarter hour the factors of its first span
        count. Spans come in the order of their times; UsageError for one that is not
        within a quarter hour.
        """
        quarter_ns = start_ns // QUARTER_NS * QUARTER_NS
        if not start_ns <= end_ns <= quarter_ns + QUARTER_NS:
            raise UsageError(
                f"attribution: span - {start_ns} to {end_ns} - within a quarter hour"
            )
        if quarter_ns != self._quarter_ns:
            self._turn()
            self._quarter_ns = quarter_ns
        self._factors = self._factors or factors
        record = self._solve(self._graphs, energies, durations_ns, start_ns, end_ns)
        self._spans.append(record)
        totals, _ = self._fold.refold(record, self._factors, self._openings)
        if end_ns == quarter_ns + QUARTER_NS:
            self._turn()
        return totals

    def _solve(
        self,
        graphs: list[FlowGraph],
        energies: "array[float]",
        durations_ns: "array[int]",
        start_ns: int,
        end_ns: int,
    ) -> QuarterRecord:
        layout = self._layout
        true_up = array("d", bytes(8 * layout.tanks))
        amounts = [array("d", bytes(8 * graph.width)) for graph in graphs]
        if graphs is self._graphs:
            true_up = self._book_anchors(amounts)
        for graph, row in zip(graphs, amounts, strict=True):
            layout.solve(graph, energies, durations_ns, row)
        states = [SolverState(layout, graph.state()) for graph in graphs]
        return QuarterRecord(
            start_ns=start_ns,
            end_ns=end_ns,
            revision=self._factors.revision if self._factors else 0,
            true_up=true_up,
            energy=states[0].energies(),
            contents=tuple(state.contents() for state in states),
            received=tuple(layout.received(row) for row in amounts),
            carried=tuple(layout.throughflow(row) for row in amounts),
            **layout.common(amounts[0]),
        )

    def _book_anchors(self, amounts: "list[array[float]]") -> "array[float]":
        """Set storages to what they are known to have; return what they have more."""
        true_up = array("d", bytes(8 * self._layout.tanks))
        for i, energy in self._anchors:
            for graph, row in zip(self._graphs, amounts, strict=True):
                state = SolverState(self._layout, graph.state())
                change = state.anchor(i, energy, row, known=bool(self._known[i]))
                graph.restore(state.numbers)
            true_up[i] += change
            self._known[i] = True
        self._anchors.clear()
        return true_up

    def _turn(self) -> None:
        """End the quarter: what the storages hold now is what they held at first."""
        if self._spans and self._factors:
            record = joined(self._spans)
            self._records.append((record, self._openings))
            self._openings = self._fold.closings(record, self._factors, self._openings)
            for graph in self._graphs:
                state = SolverState(self._layout, graph.state())
                state.relabel()
                graph.restore(state.numbers)
        self._spans.clear()
        self._quarter_ns = self._factors = None

    def take_records(self) -> list[tuple[QuarterRecord, Holdings]]:
        """Take out the quarter hours that have ended.

        Each comes with what the storages held when it began.
        """
        taken, self._records = self._records, []
        return taken

    def reopen(self, openings: Holdings) -> bool:
        """Let storages have held *openings* when the present quarter began.

        For a restatement, which gives them other kg. False, and nothing changed,
        when it is not the same energy of the same origins: the clock was set back.
        """
        ours = self._openings
        if (openings.energy, openings.origins) != (ours.energy, ours.origins):
            return False
        self._openings = openings
        return True

    def anchor(self, tank: int, energy: float) -> None:
        """Let a storage be known to have *energy* to give, from the next span on.

        Its carbon stays, or the part of what is gone is booked to its place of losses.
        Until it is known for the first time, what it has more is of unknown origin.
        """
        self._anchors.append((tank, energy))

    def held(self, tank: int) -> Held:
        """Return what a storage can still give, its origins, and its kg."""
        return self._holdings().held()[tank]

    def _holdings(self) -> Holdings:
        if not (self._spans and self._factors):
            return self._openings
        return self._fold.closings(self._spans[-1], self._factors, self._openings)

    def rates(self, rates_per_hour: "array[float]", factors: FactorSet) -> Rates:
        """Attribute the present: the rate of each flow, NaN (unknown) counts as 0.

        What a process gives while nobody sees what it takes or burns would come out
        free of carbon: nothing can be said of such pools.
        """
        unsaid = _unsaid(self._network, rates_per_hour)
        second = array(
            "d",
            (
                0.0 if isnan(rate) else rate / SECONDS_PER_HOUR
                for rate in rates_per_hour
            ),
        )
        for graph, present in zip(self._graphs, self._present, strict=True):
            state = SolverState(self._layout, graph.state())
            state.wait([0.0] * len(second))
            present.restore(state.numbers)
        record = self._solve(self._present, second, array("q", [SECOND_NS]), 0, 0)
        totals, _ = self._fold.refold(record, factors, self._openings)
        return Rates(
            rates_per_hour,
            {
                view: [
                    kg / through if through > 0 and pool not in unsaid else None
                    for pool, (kg, through) in enumerate(
                        zip(row, totals.throughput, strict=True)
                    )
                ]
                for view, row in totals.pool_kg.items()
            },
            _hourly(totals.throughput),
            _hourly(totals.entered),
            _hourly(totals.quantity),
            {view: _hourly(row) for view, row in totals.entered_kg.items()},
            {view: _hourly(row) for view, row in totals.received_kg.items()},
        )

    def state(self) -> dict[str, Any]:
        """Return what the storages hold and what of the quarter has passed."""
        network = self._network
        states = [graph.state() for graph in self._graphs]
        waiting = SolverState(self._layout, states[0]).waiting()
        return {
            "graph": self._names(),
            "held": self._holdings().by_name(network),
            "known": [
                t.name for t, k in zip(network.tanks, self._known, strict=True) if k
            ],
            "waiting": {
                flow.name: amount
                for flow, amount in zip(network.flows, waiting, strict=True)
                if amount
            },
            "quarter_ns": self._quarter_ns,
            "factors": self._factors and self._factors.packed(),
            "openings": self._openings.packed(),
            "span": joined(self._spans).packed() if self._spans else None,
            "records": [[r.packed(), held.packed()] for r, held in self._records],
            "solvers": [encode_floats(numbers) for numbers in states],
            "anchors": [list(anchor) for anchor in self._anchors],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state.

        That of another graph ends its quarter: storages go on by their names with
        what they held; an origin that is gone counts as unknown. The states of
        version 0.1 are nothing but what storages held, by name.
        """
        if "graph" not in state:
            state = {"graph": [], "held": state, "known": [], "waiting": {}}
        self._known = bytearray(t.name in state["known"] for t in self._network.tanks)
        if state["graph"] != self._names():
            self._begin(
                Holdings.of_names(self._network, state["held"]), state["waiting"]
            )
            return
        self._quarter_ns = state["quarter_ns"]
        self._factors = (
            FactorSet.unpacked(state["factors"]) if state["factors"] else None
        )
        self._openings = Holdings.unpacked(state["openings"])
        self._spans = [QuarterRecord.unpacked(state["span"])] if state["span"] else []
        self._records = [
            (QuarterRecord.unpacked(record), Holdings.unpacked(held))
            for record, held in state["records"]
        ]
        self._anchors = [(tank, energy) for tank, energy in state["anchors"]]
        for graph, numbers in zip(self._graphs, state["solvers"], strict=True):
            graph.restore(floats(numbers))

    def _begin(self, openings: Holdings, waiting: Mapping[str, float]) -> None:
        """Begin a quarter with what storages hold, and what dead bands hold back."""
        self._openings = openings
        for graph in self._graphs:
            state = SolverState(self._layout, graph.state())
            state.charge(openings.energy)
            state.wait([waiting.get(name, 0.0) for name in self._network.flow_names])
            graph.restore(state.numbers)

    def _names(self) -> list[list[Any]]:
        """Return what the numbers of a state mean: one that differs fits no more."""
        network = self._network
        return [
            [origin.name for origin in network.origins],
            [place.name for place in network.places],
            [pool.id for pool in network.pools],
            network.flow_names,
            *(list(views) for views in variants(network)),
        ]


def _hourly(row: "array[float]") -> "array[float]":
    return array("d", (value * SECONDS_PER_HOUR for value in row))


def _unsaid(network: Network, rates: "array[float]") -> set[int]:
    """Return the pools that get what is made of flows that nobody sees now."""
    found: set[int] = set()
    while True:
        more = {
            give.pool
            for process in network.conversions
            if any(isnan(rates[flow]) for _, flow in (*process.takes, *process.burns))
            or any(pool in found for pool, _ in process.takes)
            for give in process.gives
            if rates[give.flow] > 0
        }
        if more <= found:
            return found
        found |= more
