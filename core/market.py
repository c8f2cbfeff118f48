"""The market view: what certificates make of the factors of sources.

For each source that has certificates, contracts or sales, the factor of every
interval becomes a row of the series ``market/SOURCE``, which goes before the
source's own factor in that view.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.intervals import Calendar
from zerometer.core.matching import (
    Certificate,
    Generation,
    Match,
    Matching,
    Profile,
    factor_with_sold,
    match,
    own_profile,
)
from zerometer.core.series_book import matched_series
from zerometer.core.site import Site, Source

#: A source's market factor in the quarter from a time, as if without certificates.
Unmatched = Callable[[str, int], float]
PROVIDER = "certificates"


def match_sources(
    site: Site,
    certificates: Iterable[Certificate],
    generation: Mapping[str, Sequence[Generation]],
    loads: Mapping[str, Profile],
    calendar: Calendar,
) -> dict[str, Matching]:
    """Match the certificates of each source that has any.

    Of an own source, what is matched is what is sold of it. *loads* are what came
    in from each source, by quarter hour. A source that is gone is left out.
    """
    papers: dict[str, list[Certificate]] = {}
    for certificate in certificates:
        papers.setdefault(certificate.source, []).append(certificate)
    found = {}
    for source in site.sources:
        of_it = papers.get(source.id)
        if not of_it:
            continue
        load = loads.get(source.id, ())
        made = generation
        if source.kind == "own":
            made = own_profile(source.id, load)
            of_it = [replace(paper, plant=source.id) for paper in of_it]
        found[source.id] = match(load, of_it, made, calendar)
    return found


def market_rows(
    site: Site,
    matchings: Mapping[str, Matching],
    unmatched: Unmatched,
    now_ns: int,
) -> list[FactorRow]:
    """Return a row for each quarter hour of what was matched, as known at *now_ns*.

    Never one for a whole interval: a later row of the same time must replace it.
    """
    return [
        FactorRow(
            series=matched_series(source.id),
            t0_ns=start_ns,
            t1_ns=start_ns + QUARTER_NS,
            value=_value(site, source, one, unmatched, start_ns),
            unit=source.factors["market"].unit,
            status="final",
            provider=PROVIDER,
            published_ns=now_ns,
            fetched_ns=now_ns,
        )
        for source in site.sources
        if source.id in matchings
        for one in matchings[source.id].matches
        if one.load > 0
        for start_ns in range(one.start_ns, one.end_ns, QUARTER_NS)
    ]


def _value(
    site: Site, source: Source, one: Match, unmatched: Unmatched, start_ns: int
) -> float:
    own = unmatched(source.id, start_ns)
    if source.kind == "own":
        return factor_with_sold(one, own, residual(site, source, unmatched, start_ns))
    return one.factor(own)


def residual(site: Site, source: Source, unmatched: Unmatched, start_ns: int) -> float:
    """Return what a unit without its attribute counts as, of a source's carrier.

    The highest market factor of all that is bought of it; 0 when nothing is.
    """
    carriers = {pool.id: pool.carrier for pool in site.pools}
    return max(
        (
            unmatched(other.id, start_ns)
            for other in site.sources
            if other.kind == "bought" and carriers[other.pool] == carriers[source.pool]
        ),
        default=0.0,
    )
