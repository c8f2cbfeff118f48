"""uModbus, reading for ever."""

from typing import Any

import serial
from tally import Tally, arguments, floats
from umodbus.client.serial import rtu

#: It leaves the port to its user, and with it the time-out: its manual says 1 s.
TIMEOUT_S = 1


def run(wanted: dict[str, Any]) -> None:
    """Read, one block after the other."""
    tally = Tally(wanted["tally"])
    timeout_s = TIMEOUT_S if wanted["timeout_s"] is None else wanted["timeout_s"]
    port = serial.Serial(wanted["port"], wanted["baud"], timeout=timeout_s)
    while True:
        for unit, address, count in wanted["reads"]:
            request = rtu.read_input_registers(unit, address, count)
            try:
                registers = rtu.send_message(request, port)
            except Exception:  # it raises whatever its parts raise
                tally.failed()
                if wanted["timeout_s"] is not None:
                    port.reset_input_buffer()  # or it reads what follows for ever
                continue
            tally.brought(unit, address, floats(registers))


if __name__ == "__main__":
    run(arguments())
