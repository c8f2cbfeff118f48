"""A site of 120 meters without buses, and what they read every ten seconds."""

import random
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from zerometer.config.site import load_site
from zerometer.core.points import PolledPoint, Quality, Reading
from zerometer.core.site import Meter, Site

METERS = 120
PERIOD_NS = 10_000_000_000
POINTS = ("active_power", "active_energy_import")
_UNITS = ("W", "kWh")
#: Digits that a meter shows of each.
_DIGITS = (0, 3)

_HEAD = """\
format = 1
[site]
id = "outage"
timezone = "Asia/Shanghai"
tick = "10s"
[page]
enabled = false
[journal]
path = "{journal}"
max = "{max_mb}MB"
[[uplink]]
url = "{uplink}"
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "m1"
factor = "cn-grid/2023/region/east-china"
[sink.rest]
remainder_of = "lv"
"""


def site(folder: Path, max_mb: int, uplink: str) -> Site:
    """Return the site, its journal in *folder*."""
    points = ", ".join(
        f'{name} = "{unit}"' for name, unit in zip(POINTS, _UNITS, strict=True)
    )
    parts = [_HEAD.format(journal=folder / "journal", max_mb=max_mb, uplink=uplink)]
    for number in range(1, METERS + 1):
        parts.append(f'[[meter]]\nid = "m{number}"\npoints = {{ {points} }}\n')
        parts.append('period = { power = "10s", energy = "10s" }\n')
        if number > 1:
            parts.append(f'[sink.line{number}]\nfrom = {{ lv = "m{number}" }}\n')
    file = folder / "site.toml"
    file.write_text("".join(parts), encoding="utf-8")
    loaded = load_site(file).site
    return replace(loaded, meters=tuple(map(_with_registers, loaded.meters)))


def _with_registers(meter: Meter) -> Meter:
    """Return a meter whose values count steps, as those of most meters do."""
    points = tuple(
        PolledPoint(
            point=replace(polled.point, type="u32", scale=10.0**-digits),
            period_ns=polled.period_ns,
        )
        for polled, digits in zip(meter.points, _DIGITS, strict=True)
    )
    return replace(meter, points=points)


class Meters:
    """Loads that go their way in small steps; the incomer counts them all."""

    def __init__(self, site: Site) -> None:
        self._draw = random.Random(30)
        self._watts = [self._draw.uniform(2000.0, 40_000.0) for _ in range(METERS)]
        self._kwh = [1000.0] * METERS
        self._order = {
            meter.id: [POINTS.index(p.point.name) for p in meter.points]
            for meter in site.meters
        }

    def read(self, time_ns: int) -> Iterator[Reading]:
        """Yield what each meter says at a time of the boot clock, 10 s later."""
        draw = self._draw.uniform
        self._watts[1:] = [
            max(2000.0, w + draw(-200.0, 200.0)) for w in self._watts[1:]
        ]
        self._watts[0] = sum(self._watts[1:])
        for index, watts in enumerate(self._watts):
            self._kwh[index] += watts / 360_000.0
            said = (watts, self._kwh[index])
            rounded = [round(v, d) for v, d in zip(said, _DIGITS, strict=True)]
            order = self._order[f"m{index + 1}"]
            yield Reading(
                f"m{index + 1}",
                time_ns,
                tuple(range(len(order))),
                array("d", [rounded[at] for at in order]),
                bytes([Quality.MEASURED]) * len(order),
            )
