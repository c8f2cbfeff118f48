"""From what flowed to what it emitted, by the factors of the time.

A record of a quarter hour (`QuarterRecord`) is in origins and in parts of what the
storages held when it began. With their state then and a set of factors it becomes
kg by view, and the state of the storages at its end. The live books and restated
ones are made by this one function: with the same factors, the same numbers.
"""

from array import array
from math import fsum

from zerometer.core._fold import unfold, weigh
from zerometer.core.boundary import export_credit_kg
from zerometer.core.flow_compile import variants
from zerometer.core.holdings import Holdings
from zerometer.core.network import Network, Tank
from zerometer.core.quarter_record import QuarterRecord
from zerometer.core.totals import FactorSet, Held, Totals

#: A burden below this part of what entered, and negative, is rounding; so is an
#: amount below it.
NOISE = 1e-9
#: An unknown start that is a smaller part of what a storage holds, and gives, counts
#: as displaced.
DISPLACED = 0.001


class Fold:
    """Folds the records of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._variant = {
            view: i for i, views in enumerate(variants(network)) for view in views
        }
        self._origins = len(network.origins)
        self._tanks = len(network.tanks)
        self._storages = {tank.place for tank in network.tanks}

    def refold(
        self, record: QuarterRecord, factors: FactorSet, openings: Holdings
    ) -> tuple[Totals, Holdings]:
        """Return what a record emitted, and what the storages held at its end.

        *openings* is what they held when the record's quarter began. A storage's kg
        are its share of these, and what it was charged with since.
        """
        views = self._network.views
        weights = {view: factors.values[view] + openings.kg[view] for view in views}
        closings = self.closings(record, factors, openings)
        pools, places = len(self._network.pools), len(self._network.places)
        totals = Totals(
            start_ns=record.start_ns,
            end_ns=record.end_ns,
            flows=record.flows[:],
            estimated=_zeros(len(record.flows)),
            entered=record.entered[:],
            received=self._in_origins(record.received[0], openings.origins),
            quantity=record.quantity[:],
            throughput=record.throughput[:],
            entered_kg={
                view: array(
                    "d", map(float.__mul__, record.entered, factors.values[view])
                )
                for view in views
            },
            received_kg={
                view: _weighed(record.received[self._variant[view]], row, places)
                for view, row in weights.items()
            },
            pool_kg={
                view: _weighed(record.carried[self._variant[view]], row, pools)
                for view, row in weights.items()
            },
            credit_kg=export_credit_kg(self._network, record.quantity, factors),
            held=closings.held(),
            true_up=record.true_up[:],
        )
        totals.flags.update(self._flags(record, totals))
        return totals, closings

    def closings(
        self, record: QuarterRecord, factors: FactorSet, openings: Holdings
    ) -> Holdings:
        """Return what the storages held at the end of a record."""
        return Holdings(
            record.energy[:],
            self._in_origins(record.contents[0], openings.origins),
            {
                view: _weighed(
                    record.contents[self._variant[view]],
                    factors.values[view] + openings.kg[view],
                    self._tanks,
                )
                for view in self._network.views
            },
        )

    def _in_origins(
        self, rows: "array[float]", openings: "array[float]"
    ) -> "array[float]":
        count = len(rows) // (self._origins + self._tanks or 1)
        out = _zeros(count * self._origins)
        unfold(rows, openings, self._origins, out)
        return out

    def _is_unknown(self, totals: Totals, tank: Tank, held: Held) -> bool:
        """Return whether what a storage had at first is still in it, or was used."""
        used = fsum(
            part
            for place, part in enumerate(totals.received[tank.unknown :: self._origins])
            if place not in self._storages
        )
        return (
            used > NOISE + DISPLACED * totals.flows[tank.discharge]
            or held.origins[tank.unknown] > NOISE + DISPLACED * held.energy
        )

    def _flags(self, record: QuarterRecord, totals: Totals) -> set[str]:
        network = self._network
        flags = set()
        entered = {view: fsum(map(abs, kg)) for view, kg in totals.entered_kg.items()}
        for i, pool in enumerate(network.pools):
            if record.short[i]:
                flags.add(f"unmeasured:{pool.id}")
            if record.closed[i]:
                flags.add(f"circular:{pool.id}")
            if any(kg[i] < -NOISE * entered[v] for v, kg in totals.pool_kg.items()):
                flags.add(f"negative-burden:{pool.id}")
        for tank, held in zip(network.tanks, totals.held, strict=True):
            if self._is_unknown(totals, tank, held):
                flags.add(f"unknown-start:{tank.name.partition('.')[2]}")
        return flags


def _weighed(
    rows: "array[float]", factors: "array[float]", count: int
) -> "array[float]":
    out = _zeros(count)
    weigh(rows, factors, out)
    return out


def _zeros(count: int) -> "array[float]":
    return array("d", bytes(8 * count))
