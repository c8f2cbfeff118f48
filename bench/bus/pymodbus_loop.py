"""pymodbus's asynchronous client: ``pymodbus_loop PORT BAUD POLLS`` prints a Sample."""

import asyncio
import struct
import sys

from pymodbus.client import AsyncModbusSerialClient

from bench.bus.plant import BLOCKS, UNITS, WARM_POLLS, values
from bench.bus.sample import Sample, now

#: A pty does not mind; where there is no pace, the client wants to know one.
USUAL_BAUD = 115_200

#: The values of each unit and block.
EXPECTED = {
    (unit, address): values(unit, address, count)
    for unit in UNITS
    for address, count in BLOCKS
}


async def read(
    client: AsyncModbusSerialClient, unit: int, address: int, count: int
) -> None:
    """Read one block and check its values."""
    reply = await client.read_input_registers(address, count=count, device_id=unit)
    assert not reply.isError(), reply
    # The quickest way from its registers to floats.
    words = struct.pack(f">{count}H", *reply.registers)
    assert struct.unpack(f">{count // 2}f", words) == EXPECTED[unit, address]


async def run(port: str, baud: int, polls: int) -> Sample:
    """Read all blocks *polls* times, after some polls that do not count."""
    client = AsyncModbusSerialClient(port, baudrate=baud or USUAL_BAUD, timeout=1)
    assert await client.connect()
    start = now(0)
    for poll in range(WARM_POLLS + polls):
        if poll == WARM_POLLS:
            start = now(0)
        for unit in UNITS:
            for address, count in BLOCKS:
                await read(client, unit, address, count)
    total = now(polls * len(UNITS) * len(BLOCKS)) - start
    client.close()
    return total


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))).text())
