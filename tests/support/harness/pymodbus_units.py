"""Units on a serial line that pymodbus serves: a far end that is not our code."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

from harness.ptys import NullModem
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

#: Registers of each unit by its number: blocks of (address, register values).
Units = Mapping[int, Sequence[tuple[int, list[int]]]]


class PymodbusUnits:
    """pymodbus's serial server on one end of a null modem; ``port`` is the other."""

    def __init__(self, units: Units) -> None:
        self._devices = [
            SimDevice(
                number,
                [
                    SimData(address, values=values, datatype=DataType.REGISTERS)
                    for address, values in blocks
                ],
            )
            for number, blocks in units.items()
        ]
        self._numbers = frozenset(units)
        self._modem = NullModem()
        self.port = self._modem.left
        self._loop = asyncio.new_event_loop()
        self._server: ModbusSerialServer | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "PymodbusUnits":
        self._thread.start()
        assert self._ready.wait(4), "pymodbus does not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(4)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._modem.close()

    async def _shut_down(self) -> None:
        assert self._server is not None
        await self._server.shutdown()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = ModbusSerialServer(
            self._devices,
            port=self._modem.right,
            baudrate=115_200,
            trace_packet=self._heard,
        )
        await self._server.serve_forever(background=True)

    def _heard(self, sending: bool, packet: bytes) -> bytes:
        """A unit that is not there stays silent, as on a real line."""
        return b"" if sending and packet[0] not in self._numbers else packet
