"""Run a server of pymodbus on a thread of its own; let it serve given contents."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.far_ends import Contents, Value
from harness.ptys import NullModem
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

Server = ModbusSerialServer | ModbusTcpServer
_TYPES = {
    "u16": ModbusClientMixin.DATATYPE.UINT16,
    "i16": ModbusClientMixin.DATATYPE.INT16,
    "u32": ModbusClientMixin.DATATYPE.UINT32,
    "i32": ModbusClientMixin.DATATYPE.INT32,
    "u64": ModbusClientMixin.DATATYPE.UINT64,
    "i64": ModbusClientMixin.DATATYPE.INT64,
    "f32": ModbusClientMixin.DATATYPE.FLOAT32,
    "f64": ModbusClientMixin.DATATYPE.FLOAT64,
}


@contextmanager
def serving(make: Callable[[], Server]) -> Iterator[Server]:
    """Run the server that *make* makes."""
    loop = asyncio.new_event_loop()
    servers: list[Server] = []
    ready = threading.Event()

    async def listen() -> None:
        server = make()
        await server.serve_forever(background=True)
        servers.append(server)

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(listen())
        finally:
            ready.set()
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(4), "pymodbus does not start"
        yield servers[0]
    finally:
        for server in servers:
            asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(4)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def encoded(value: Value) -> list[int]:
    """Return the registers of *value* as pymodbus writes them."""
    return ModbusClientMixin.convert_to_registers(
        value.value,
        _TYPES[value.kind],
        word_order="big" if value.order == "ABCD" else "little",
    )


def _devices(contents: Contents) -> list[SimDevice]:
    tables = {number: list(contents.tables.get(number, [0])) for number in range(1, 5)}
    for value in contents.values:
        words = encoded(value)
        tables[3][value.address : value.address + len(words)] = words
    bits, inputs = (
        [
            SimData(
                0,
                # Whole registers of bits are all that it stores.
                values=[bool(bit) for bit in tables[number]]
                + [False] * (-len(tables[number]) % 16),
                datatype=DataType.BITS,
            )
        ]
        for number in (1, 2)
    )
    holding, measured = (
        [SimData(0, values=tables[number], datatype=DataType.REGISTERS)]
        for number in (3, 4)
    )

    async def act(  # noqa: PLR0917
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        assert function <= 4, "a write came"
        covered = range(address, address + count)
        wait_ms = sum(contents.delays_ms.get(place, 0) for place in covered)
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)
        codes = [contents.refused[at] for at in covered if at in contents.refused]
        return ExcCodes(codes[0]) if codes else None

    return [
        SimDevice(unit, (bits, inputs, holding, measured), action=act)
        for unit in contents.units
    ]


class Heard:
    """What a server heard, and which of its answers it may give."""

    def __init__(self, contents: Contents, unit_at: int) -> None:
        self._units = contents.units
        self._unit_at = unit_at
        self.wrong: list[bytes] = []

    def __call__(self, sending: bool, packet: bytes) -> bytes:
        """A unit that is not there stays silent, as on a real line."""
        unit, function = packet[self._unit_at : self._unit_at + 2]
        if sending:
            return packet if unit in self._units else b""
        if not (1 <= unit <= 247 and 1 <= function <= 4):
            self.wrong.append(packet)
        return packet


@contextmanager
def pymodbus_on_a_pty(contents: Contents) -> Iterator[str]:
    """Serve *contents* by pymodbus; yield the port."""
    modem = NullModem()
    heard = Heard(contents, unit_at=0)
    try:
        with serving(
            lambda: ModbusSerialServer(
                _devices(contents),
                port=modem.right,
                baudrate=115_200,
                trace_packet=heard,
            )
        ):
            yield modem.left
    finally:
        modem.close()
    assert not heard.wrong


@contextmanager
def pymodbus_on_tcp(
    contents: Contents, framer: FramerType, port: int = 0
) -> Iterator[int]:
    """Serve *contents* by pymodbus on TCP; yield the port."""
    heard = Heard(contents, unit_at=6 if framer is FramerType.SOCKET else 0)
    with serving(
        lambda: ModbusTcpServer(
            _devices(contents),
            framer=framer,
            address=("127.0.0.1", port),
            trace_packet=heard,
        )
    ) as server:
        assert server.transport is not None
        yield server.transport.sockets[0].getsockname()[1]
    assert not heard.wrong
