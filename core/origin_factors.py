"""Which factors of the site file belong to an origin of its network."""

from collections.abc import Sequence

from zerometer.core.site import Factor, Site, View

#: By view, for each origin: the factors of which the highest counts.
OriginFactors = dict[View, list[tuple[Factor, ...]]]


#: Views in which the factor of a fuel is that of burning it.
BURNING: tuple[View, ...] = ("physical", "location", "market", "gb32150")


def origin_factors(site: Site, origins: Sequence[str]) -> OriginFactors:
    """Return, by view, the factors of each of *origins*, which are names.

    Of a source and of a fuel it is its own; of what came out of a pool or a storage
    without having gone in, those of all sources of that carrier: the highest counts,
    and with none it is 0. Of a bonus it is what its allocation says. Biogenic carbon
    that is burned counts apart (`core.boundary`): here it is 0.
    """
    return {
        view: [_candidates(site, name, view) for name in origins] for view in site.views
    }


def series_units(site: Site) -> dict[str, str]:
    """Return the series that a site's factors name, and their units (kg per unit)."""
    factors = [factor for s in site.sources for factor in s.factors.values()]
    for process in site.processes:
        factors += [f for fuel in process.fuels for f in fuel.factors.values()]
    return {factor.series: factor.unit for factor in factors if factor.series}


def _candidates(site: Site, name: str, view: View) -> tuple[Factor, ...]:
    kind, _, subject = name.partition(".")
    if kind == "source":
        return tuple(s.factors[view] for s in site.sources if s.id == subject)
    if kind == "fuel":
        return tuple(
            fuel.factors[view]
            for process in site.processes
            for fuel in process.fuels
            if f"{process.id}.{fuel.carrier}" == subject
            and not (fuel.biogenic and view in BURNING)
        )
    if kind == "bonus":
        return tuple(
            Factor(value=allocation.bonus.get(pool, 0.0), unit="")
            for process in site.processes
            for pool in process.gives
            if f"{process.id}.{pool}" == subject
            and (allocation := process.allocation.get(view)) is not None
        )
    carriers = {pool.id: pool.carrier for pool in site.pools}
    pools = {storage.id: storage.pool for storage in site.storages}
    carrier = carriers[subject if kind == "unmeasured" else pools[subject]]
    return tuple(
        source.factors[view]
        for source in site.sources
        if carriers[source.pool] == carrier
    )
