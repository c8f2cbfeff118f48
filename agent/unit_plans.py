"""What the loop of a bus needs to know of a site's meters."""

from zerometer.core.site import Bus, Site
from zerometer.drivers.unit_plan import UnitPlan


def unit_plans(site: Site, bus: Bus) -> list[UnitPlan]:
    """Return the plans of the meters on *bus*, in the order of the site file."""
    return [
        UnitPlan(meter=m.id, unit=m.unit, map=m.map, points=m.points, serial=m.serial)
        for m in site.meters
        if m.bus == bus.id
    ]
