"""How far meters may be off: half widths of intervals that hold 95 %.

A class of accuracy bounds the error under the conditions of its standard (IEC
62053-21 and -22; EN 50470-3 for A, B, C; gas and heat meters alike): its limit is
taken as that half width, which is on the safe side.
"""

import re
from collections.abc import Iterable, Mapping
from math import fsum, sqrt

from zerometer.core.network import Network
from zerometer.core.site import Meter

#: Classes of EN 50470-3 (the Measuring Instruments Directive), by percent.
MID_CLASSES: Mapping[str, float] = {"A": 2.0, "B": 1.0, "C": 0.5}
_CLASS = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?[Ss]?")


def meter_percent(meter: Meter) -> float | None:
    """Return a meter's half width, percent; None when nothing states it."""
    if meter.uncertainty_percent is not None:
        return meter.uncertainty_percent
    stated = meter.accuracy_class.strip()
    if stated.upper() in MID_CLASSES:
        return MID_CLASSES[stated.upper()]
    found = _CLASS.fullmatch(stated)
    return float(found[1].replace(",", ".")) if found else None


class MeterErrors:
    """The half widths of a network's meters, and of sums of what they measure."""

    def __init__(self, network: Network, meters: Iterable[Meter]) -> None:
        percents = {meter.id: meter_percent(meter) for meter in meters}
        #: By measure: its meter, and the half width in percent.
        self.meters = [measure.meter for measure in network.measures]
        self.percents = [percents[meter] for meter in self.meters]

    def unknown(self, measures: Iterable[int]) -> list[str]:
        """Return the meters of *measures* whose uncertainty nothing states."""
        return sorted({self.meters[m] for m in measures if self.percents[m] is None})

    def half_width(self, amounts: Mapping[int, float]) -> float:
        """Return the half width of the sum of signed *amounts*, by measure.

        A meter errs the same way in all that it measures; meters err independently.
        What nothing states counts as 0: ask ``unknown``.
        """
        by_meter: dict[str, float] = {}
        for measure, amount in amounts.items():
            meter, percent = self.meters[measure], self.percents[measure] or 0.0
            by_meter[meter] = by_meter.get(meter, 0.0) + amount * percent / 100
        return sqrt(fsum(part * part for part in by_meter.values()))
