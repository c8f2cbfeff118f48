"""How often recorded values come."""

from dataclasses import replace

from zerometer.core.site import Site


def at_recorded_pace(site: Site) -> Site:
    """Return *site* with the periods of its buses to be learnt from what was recorded.

    How often an agent polls a meter says nothing of how often somebody, or another
    system, wrote down what it read. Periods of points without a bus stay as stated.
    """
    meters = (
        replace(
            meter, points=tuple(replace(point, period_ns=0) for point in meter.points)
        )
        if meter.bus
        else meter
        for meter in site.meters
    )
    return replace(site, meters=tuple(meters))
