"""Units on a serial line that pymodbus serves: a far end that is not our code."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType

from harness.ptys import NullModem
from harness.pymodbus_server import serving
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
        self._stack = ExitStack()

    def __enter__(self) -> "PymodbusUnits":
        self._stack.callback(self._modem.close)
        self._stack.enter_context(serving(self._server))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _server(self) -> ModbusSerialServer:
        return ModbusSerialServer(
            self._devices,
            port=self._modem.right,
            baudrate=115_200,
            trace_packet=self._heard,
        )

    def _heard(self, sending: bool, packet: bytes) -> bytes:
        """A unit that is not there stays silent, as on a real line."""
        return b"" if sending and packet[0] not in self._numbers else packet
