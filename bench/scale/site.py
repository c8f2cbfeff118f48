"""Sites of any size: four buses, an incomer, and a line of the factory per meter."""

BUSES = 4
MAP = "eastron-sdm630"

_HEAD = """\
format = 1

[site]
id = "scale"
timezone = "Asia/Shanghai"

[page]
port = {page_port}

[journal]
path = "journal"
commit = "10s"
seal = "1min"

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
_BUS = """
[[bus]]
id = "rs485-{bus}"
port = "line-{bus}"
baud = 115200
"""
_METER = """
[[meter]]
id = "m{number}"
bus = "rs485-{bus}"
unit = {unit}
map = "{map}"
"""
_SINK = """
[sink.line{number}]
from = {{ lv = "m{number}" }}
"""


def site(meters: int, *, page_port: int, uplink: str) -> str:
    """Return a site file with *meters*, the first of which is the incomer.

    Each is read once a second, and its energy every ten seconds.
    """
    buses = min(BUSES, meters)
    parts = [_HEAD.format(page_port=page_port, uplink=uplink)]
    parts += [_BUS.format(bus=bus) for bus in range(buses)]
    for number in range(1, meters + 1):
        bus, unit = (number - 1) % buses, (number - 1) // buses + 1
        parts.append(_METER.format(number=number, bus=bus, unit=unit, map=MAP))
        if number > 1:
            parts.append(_SINK.format(number=number))
    return "".join(parts)
