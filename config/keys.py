"""The keys of a site file and of a meter map, by table.

``docs/site-file.md`` and ``docs/meter-map.md`` describe each of them, which a
test compares. A key that stands under LATER is known and refused: what the
file says is never silently ignored.
"""

TOP = (
    "format", "site", "bus", "meter", "pool", "source", "process", "storage",
    "sink", "uplink", "journal", "page",
)  # fmt: skip
SITE = ("id", "name", "timezone", "tick")
BUS = ("id", "port", "baud", "parity", "stop_bits", "timeout", "rs485")
METER = (
    "id", "name", "bus", "unit", "channel", "map", "points", "period", "ct", "pt",
    "serial", "class",
)  # fmt: skip
METER_POINT = ("from", "times", "unit", "period")
OWN_POINT = ("unit", "kind", "modulus", "resolution", "period")
PERIOD = ("power", "energy", "electrical", "state")
POOL = ("carrier",)
SOURCE = ("into", "meter", "factor")
PROCESS = ("takes", "gives", "burns", "factor")
STORAGE = ("pool", "meter", "charge", "discharge", "efficiency")
SINK = ("from", "remainder_of", "kind")
SINK_LATER = ("product",)
MEASURE = ("meter", "times")
UPLINK = ("id", "url", "token_file", "timeout")
JOURNAL = ("path", "max", "commit", "seal")
PAGE = ("enabled", "host", "port")

#: Every table of the site file, as its reference names it.
SITE_FILE: dict[str, tuple[str, ...]] = {
    "": TOP,
    "[site]": SITE,
    "[[bus]]": BUS,
    "[[meter]]": METER,
    "meter.points": METER_POINT,
    "meter.points without a bus": OWN_POINT,
    "meter.period": PERIOD,
    "[pool.ID]": POOL,
    "[source.ID]": SOURCE,
    "[process.ID]": PROCESS,
    "[storage.ID]": STORAGE,
    "[sink.ID]": SINK,
    "a measure": MEASURE,
    "[[uplink]]": UPLINK,
    "[journal]": JOURNAL,
    "[page]": PAGE,
}

MAP = (
    "format", "id", "vendor", "model", "also", "category", "confidence", "sources",
    "notes", "line", "read", "sunspec", "channels", "identity", "check", "variant",
    "invalid", "resolution", "defaults", "points",
)  # fmt: skip
MAP_LINE = ("baud", "parity", "stop_bits")
MAP_READ = (
    "max_registers", "bridge_gaps", "blocks", "registers_per_address", "even_only",
    "single", "min_delay", "connect_delay", "timeout",
)  # fmt: skip
MAP_SUNSPEC = ("base",)
MAP_CHANNELS = ("offsets",)
MAP_REGISTER = ("address", "function", "type", "registers", "order")
MAP_WHEN = (*MAP_REGISTER, "values", "match")
MAP_IDENTITY = (*MAP_WHEN, "optional", "serial")
MAP_CHECK = (*MAP_WHEN, "note")
MAP_VARIANT = ("when", "points")
MAP_VARIANT_POINT = ("address", "function", "type", "order", "scale")
MAP_DEFAULTS = ("function", "type", "order", "model")
MAP_GROUPS = ("power", "energy", "electrical", "state", "ratio")
MAP_POINT = (
    "address", "function", "type", "order", "scale", "offset", "unit", "kind", "ratio",
    "times", "plus", "bits", "sign", "as", "codes", "model", "shared", "modulus",
    "resolution", "invalid", "cross_checked",
)  # fmt: skip
MAP_PART = ("address", "type", "order", "scale", "bits", "invalid")
MAP_SIGN = ("address", "bit")

#: Every table of a meter map, as its reference names it.
MAP_FILE: dict[str, tuple[str, ...]] = {
    "": MAP,
    "[line]": MAP_LINE,
    "[read]": MAP_READ,
    "[sunspec]": MAP_SUNSPEC,
    "[channels]": MAP_CHANNELS,
    "[identity]": MAP_IDENTITY,
    "[[check]]": MAP_CHECK,
    "[variant.NAME]": MAP_VARIANT,
    "variant.points": MAP_VARIANT_POINT,
    "[defaults]": MAP_DEFAULTS,
    "[points.GROUP]": MAP_POINT,
    "points.plus": MAP_PART,
    "points.sign": MAP_SIGN,
}
