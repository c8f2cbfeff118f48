"""The one place that knows which kind of line belongs to a bus."""

from zerometer.core.site import Bus
from zerometer.drivers.lines.line import Line
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.lines.tcp_line import TcpLine


def open_line(bus: Bus) -> Line:
    """Open the line of *bus*; LineError when that cannot be."""
    if bus.protocol == "rtu":
        return SerialLine(bus.port, bus.line, bus.rs485)
    if bus.protocol == "rtu+tcp":
        return TcpLine(bus.port, bus.host, bus.tcp_port, bus.line)
    from zerometer.drivers.lines.modbus_tcp import ModbusTcpLine

    return ModbusTcpLine(bus.port, bus.host, bus.tcp_port, bus.line)
