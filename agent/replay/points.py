"""Which points there are, and which of them the accounting of a site uses."""

from collections.abc import Iterator

from zerometer.config.problems import near
from zerometer.core.metering import EXPORT
from zerometer.core.network import Network
from zerometer.core.site import Meter, Site

Key = tuple[str, str]


class Points:
    """The points of a site's meters, as (meter, point).

    ``known`` are all that its meters have, in the order of the site file; ``used``
    are those by which a flow is known: counters, powers, ratios that multiply a
    counter, and gauges that say when a storage is full.
    """

    def __init__(self, site: Site, network: Network) -> None:
        self._meters = {meter.id: _names(meter) for meter in site.meters}
        self.known = [(m, name) for m, names in self._meters.items() for name in names]
        self.used = frozenset(_used(site, network)) & frozenset(self.known)

    def unknown(self, meter: str, point: str) -> str:
        """Return what is wrong with a point that is not known."""
        if meter not in self._meters:
            return f'no meter named "{meter}"{near(meter, self._meters)}'
        names = self._meters[meter]
        return f'meter "{meter}" has no point "{point}"{near(point, names)}'


def _names(meter: Meter) -> list[str]:
    """Return the points that are read, and those that only could be."""
    read = [polled.point.name for polled in meter.points]
    return [*dict.fromkeys([*read, *(point.name for point in meter.map.points)])]


def _used(site: Site, network: Network) -> Iterator[Key]:
    counters = set()
    for measure in network.measures:
        counters.add((measure.meter, measure.point))
        yield measure.meter, EXPORT  # what no flow counts must not count
        if measure.power is not None:
            yield measure.meter, measure.power
    yield from counters
    for meter in site.meters:
        for polled in meter.points:
            if (meter.id, polled.point.name) in counters:
                yield from ((meter.id, ratio) for ratio in polled.point.times)
    for storage in site.storages:
        gauge = storage.state_of_charge
        if gauge is not None:
            yield gauge.meter, gauge.point
