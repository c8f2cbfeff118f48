"""minimalmodbus, reading for ever."""

from typing import Any

import minimalmodbus
import serial
from tally import Tally, arguments, floats


def run(wanted: dict[str, Any]) -> None:
    """Read, one block after the other; single floats as its manual does it."""
    tally = Tally(wanted["tally"])
    units = {unit for unit, _, _ in wanted["reads"]}
    meters = {u: minimalmodbus.Instrument(wanted["port"], u) for u in units}
    for meter in meters.values():
        meter.serial.baudrate = wanted["baud"]
        if wanted["timeout_s"] is not None:
            meter.serial.timeout = wanted["timeout_s"]
    while True:
        for unit, address, count in wanted["reads"]:
            try:
                if count == 2:
                    values = (meters[unit].read_float(address, 4),)
                else:
                    values = floats(meters[unit].read_registers(address, count, 4))
            except (minimalmodbus.ModbusException, serial.SerialException):
                tally.failed()
                continue
            tally.brought(unit, address, values)


if __name__ == "__main__":
    run(arguments())
