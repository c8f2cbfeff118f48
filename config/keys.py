"""The keys of a site file and of a meter map, by table.

``docs/site-file.md`` and ``docs/meter-map.md`` describe each of them, which a
test compares. No other key is taken: what a file says is never silently ignored.
"""

TOP = (
    "format", "site", "bus", "meter", "virtual", "pool", "source", "process",
    "storage", "sink", "product", "feed", "profile", "uplink", "journal", "page",
)  # fmt: skip
SITE = ("id", "name", "timezone", "tick", "views", "matching", "gwp", "events")
BUS = ("id", "port", "baud", "parity", "stop_bits", "timeout", "rs485")
METER = (
    "id", "name", "bus", "unit", "channel", "map", "points", "period", "ct", "pt",
    "serial", "class", "max_power", "max_rate", "uncertainty",
)  # fmt: skip
METER_POINT = ("from", "times", "unit", "period")
OWN_POINT = ("unit", "kind", "modulus", "resolution", "period")
PERIOD = ("power", "energy", "electrical", "state")
VIRTUAL = ("unit", "plus", "minus")
POOL = ("carrier", "balance", "nominal")
SOURCE = ("into", "meter", "factor", "kind", "carbon_free_share")
FACTOR = ("value", "series", "fallback", "uncertainty")
PROCESS = ("takes", "gives", "burns", "factor", "kind", "losses", "allocation")
ALLOCATION = ("method", "power", "heat", "temperatures", "ambient", "factor")
STORAGE = (
    "pool", "meter", "charge", "discharge", "efficiency", "standby", "capacity",
    "state_of_charge",
)  # fmt: skip
STATE_OF_CHARGE = ("meter", "empty", "full")
SINK = ("from", "remainder_of", "kind", "product", "drivers", "factor")
PRODUCT = ("name", "unit", "good")
MEASURE = ("meter", "times")
FEED = ("id", "series", "form", "path", "url", "zone", "token_file", "period")
PROFILE = ("unit", "values")
UPLINK = (
    "id", "url", "token_file", "user", "password_file", "ca", "cert", "key",
    "streams", "max_rate", "timeout", "live",
)  # fmt: skip
JOURNAL = ("path", "max", "min_free", "keep", "commit", "seal", "raw", "sign")
JOURNAL_KEEP = ("ledger", "minutes", "readings")
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
    "a measure": MEASURE,
    "[virtual.ID]": VIRTUAL,
    "[pool.ID]": POOL,
    "[source.ID]": SOURCE,
    "a factor": FACTOR,
    "[process.ID]": PROCESS,
    "an allocation": ALLOCATION,
    "[storage.ID]": STORAGE,
    "storage.state_of_charge": STATE_OF_CHARGE,
    "[sink.ID]": SINK,
    "[product.ID]": PRODUCT,
    "[[feed]]": FEED,
    "[profile.ID]": PROFILE,
    "[[uplink]]": UPLINK,
    "[journal]": JOURNAL,
    "[journal.keep]": JOURNAL_KEEP,
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
