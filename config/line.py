"""Line settings, as a bus of the site file or a meter map states them."""

from typing import Any, cast

from zerometer.config.table import Table
from zerometer.core.points import LineSettings

#: Baud rates that meters and Linux serial drivers share.
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 76800, 115200, 230400)
PARITIES = ("N", "E", "O")


def line_settings(table: Table) -> LineSettings:
    """Return the keys baud, parity and stop_bits of *table* as line settings."""
    baud = table.integer("baud", BAUDS[0], BAUDS[-1], 9600)
    if baud not in BAUDS:
        table.error("baud", f"{baud} is not one of {', '.join(map(str, BAUDS))}")
    return LineSettings(
        baud=baud,
        parity=cast(Any, table.choice("parity", PARITIES, "N")),
        stop_bits=cast(Any, table.integer("stop_bits", 1, 2, 1)),
    )
