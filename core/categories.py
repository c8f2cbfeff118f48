"""Where each amount belongs in an inventory: scope, GHG Protocol and ISO category.

Sources: GHG Protocol Corporate Standard (2004), chapter 4, for scopes and the kinds
of scope 1, and chapter 9 for biogenic CO2, which is reported beside all scopes;
Scope 2 Guidance (2015), chapter 5, for bought electricity, heat, steam and cooling;
Corporate Value Chain (Scope 3) Standard (2011), chapter 5, for the categories 3.1 to
3.15; ISO 14064-1:2018, 5.2.4 and annex B, for its categories 1 to 6, where compressed
air from elsewhere is imported energy as well, and annex D for biogenic CO2.
"""

from collections.abc import Iterable
from math import fsum

from zerometer.core.event import EventKind
from zerometer.core.site import Category, Site, View

STATIONARY = Category(scope=1, ghg="stationary-combustion", iso=1)
#: What the site makes of sun or wind: its own, and usually 0.
OWN = Category(scope=1, ghg="own-generation", iso=1)
FUGITIVE = Category(scope=1, ghg="fugitive", iso=1)
PROCESS = Category(scope=1, ghg="process", iso=1)
BIOGENIC = Category(scope=0, ghg="biogenic", iso=0)
GOODS = Category(scope=3, ghg="3.1", iso=4)
CAPITAL_GOODS = Category(scope=3, ghg="3.2", iso=4)
FUEL_AND_ENERGY = Category(scope=3, ghg="3.3", iso=4)
WASTE = Category(scope=3, ghg="3.5", iso=4)
#: What an output of a process takes over from another: together nothing.
SHIFTED = Category(scope=0, ghg="shifted", iso=0)
#: A life cycle runs through all scopes: its factor cannot be divided.
LIFE_CYCLE = Category(scope=0, ghg="life-cycle", iso=0)


def _imported(kind: str) -> Category:
    return Category(scope=2, ghg=f"purchased-{kind}", iso=2)


#: What comes from outside, by carrier. Of a fuel, the factor is of its burning.
BOUGHT: dict[str, Category] = {
    "electricity": _imported("electricity"),
    "heat": _imported("heat"),
    "steam": _imported("steam"),
    "cooling": _imported("cooling"),
    "compressed_air": _imported("compressed-air"),
    "natural_gas": STATIONARY,
    "hydrogen": STATIONARY,
    "diesel": STATIONARY,
    "biogas": BIOGENIC,
    "refrigerant": FUGITIVE,
    "co2": PROCESS,
    "water": GOODS,
    "product": GOODS,
}
#: What is no energy: bought goods, all the way up.
_GOODS = {"refrigerant", "co2", "water", "product"}

#: Events that emit. What is captured takes off the process that it comes from.
_EVENTS: dict[EventKind, Category] = {
    "refrigerant": FUGITIVE,
    "waste-water": PROCESS,
    "waste": WASTE,
    "emission": PROCESS,
    "capture": PROCESS,
}


def bought(carrier: str, view: View) -> Category:
    """Return where what comes from outside, of a carrier, belongs."""
    if view == "pcf":
        return LIFE_CYCLE
    if view == "upstream":
        return GOODS if carrier in _GOODS else FUEL_AND_ENERGY
    return BOUGHT[carrier]


def origin_categories(site: Site, view: View) -> dict[str, Category]:
    """Return the category of every origin of the site's graph, by its name.

    What is unmeasured, and what a storage held at first, came from outside: it
    belongs where such a carrier does when bought.
    """
    carriers = {pool.id: pool.carrier for pool in site.pools}
    found = {}
    for source in site.sources:
        category = bought(carriers[source.pool], view)
        if source.kind == "own" and view != "pcf":
            category = CAPITAL_GOODS if view == "upstream" else OWN
        found[f"source.{source.id}"] = category
    for process in site.processes:
        for fuel in process.fuels:
            category = bought(fuel.carrier, view)
            if category in (STATIONARY, BIOGENIC):
                category = BIOGENIC if fuel.biogenic else STATIONARY
            found[f"fuel.{process.id}.{fuel.carrier}"] = category
        for allocation in process.allocation.values():
            for pool_id in allocation.bonus:
                found[f"bonus.{process.id}.{pool_id}"] = SHIFTED
    for pool in site.pools:
        found[f"unmeasured.{pool.id}"] = bought(pool.carrier, view)
    for storage in site.storages:
        found[f"unknown-start.{storage.id}"] = bought(carriers[storage.pool], view)
    return found


def event_category(kind: EventKind, view: View) -> Category | None:
    """Return where what an event emits belongs; None when it emits nothing.

    ``upstream`` has only what making the energy that is bought emitted elsewhere,
    and so no events: whoever adds it to another view counts nothing twice.
    """
    category = _EVENTS.get(kind)
    if category is None or view == "upstream":
        return None
    return LIFE_CYCLE if view == "pcf" else category


def inventory(
    amounts: Iterable[tuple[Category, float]],
) -> dict[str, dict[str, float]]:
    """Return kg by ``scope``, ``ghg`` and ``iso`` category.

    Each of the three has all of *amounts*, so that a boundary is a choice of keys.
    """
    parts: dict[str, dict[str, list[float]]] = {"scope": {}, "ghg": {}, "iso": {}}
    for category, kg in amounts:
        parts["scope"].setdefault(str(category.scope), []).append(kg)
        parts["ghg"].setdefault(category.ghg, []).append(kg)
        parts["iso"].setdefault(str(category.iso), []).append(kg)
    return {
        by: {name: fsum(kg) for name, kg in sorted(named.items())}
        for by, named in parts.items()
    }
