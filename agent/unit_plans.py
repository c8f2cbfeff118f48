"""What the loop of a bus needs to know of a site's meters."""

from zerometer.core.site import Bus, Meter, Site
from zerometer.drivers.unit_plan import UnitPlan


def unit_plans(site: Site, bus: Bus) -> list[UnitPlan]:
    """Return the plans of the meters on *bus*, in the order of the site file."""
    return [
        UnitPlan(
            meter=meter.id,
            unit=meter.unit,
            map=meter.map,
            points=meter.points,
            serial=meter.serial,
            nameplate=_nameplate(meter),
        )
        for meter in site.meters
        if meter.bus == bus.id
    ]


def _nameplate(meter: Meter) -> dict[str, float]:
    """Return the stated ratios by the names that maps have for their registers."""
    stated = {"ct_ratio": meter.ct, "pt_ratio": meter.pt}
    return {name: pair[0] / pair[1] for name, pair in stated.items() if pair}
