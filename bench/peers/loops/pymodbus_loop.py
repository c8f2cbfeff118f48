"""pymodbus's asynchronous client, reading for ever."""

import asyncio
from typing import Any

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException
from tally import Tally, arguments, floats


async def run(wanted: dict[str, Any]) -> None:
    """Read, one block after the other."""
    tally = Tally(wanted["tally"])
    options = {"timeout": wanted["timeout_s"], "retries": 0}
    if wanted["timeout_s"] is None:
        options = {}
    client = AsyncModbusSerialClient(wanted["port"], baudrate=wanted["baud"], **options)
    while True:
        for unit, address, count in wanted["reads"]:
            if not client.connected:
                await client.connect()
            try:
                reply = await client.read_input_registers(
                    address, count=count, device_id=unit
                )
            except ModbusException:
                tally.failed()
                continue
            if reply.isError():
                tally.failed()
            else:
                tally.brought(unit, address, floats(reply.registers))


if __name__ == "__main__":
    asyncio.run(run(arguments()))
