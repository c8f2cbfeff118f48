"""Buses of a site file: lines, and how they are reached."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from zerometer.config import keys
from zerometer.config.line import line_settings
from zerometer.config.serial_names import steadier
from zerometer.config.table import Table, shown
from zerometer.core.points import NETWORK_LINE
from zerometer.core.site import Bus, Protocol

#: Keys that say how bytes travel.
_LINE = ("baud", "parity", "stop_bits")

#: Modbus messaging on TCP/IP implementation guide V1.0b, 4.2.1; device servers that
#: pass RTU on have no port of their own.
_TCP_PORTS = {"tcp": 502, "rtu+tcp": None}

_RS485 = ("auto", "kernel", "off")


@dataclass(frozen=True)
class _Port:
    text: str
    protocol: Protocol = "rtu"
    host: str = ""
    number: int = 0


_NONE = _Port("")


def read_buses(top: Table, folder: Path) -> dict[str, Bus]:
    """Return the buses by id."""
    buses: dict[str, Bus] = {}
    ports: dict[str, str] = {}
    for table in top.listed("bus", keys.BUS):
        port = _port(table, folder)
        line = line_settings(table)
        if port.protocol == "tcp" and not any(key in table for key in _LINE):
            line = NETWORK_LINE
        bus = Bus(
            id=table.identifier("id"),
            port=port.text,
            protocol=port.protocol,
            host=port.host,
            tcp_port=port.number,
            line=line,
            timeout_ms=table.duration_ns("timeout", "10ms", "10s", 500_000_000)
            // 1_000_000,
            rs485=cast(Any, table.choice("rs485", _RS485, "auto")),
        )
        if "rs485" in table and port.protocol != "rtu":
            table.error("rs485", "is for serial ports; over a network, leave it out")
        if bus.id in buses:
            table.error("id", f"{shown(bus.id)} is the id of another bus already")
        if bus.port and bus.port in ports:
            table.error("port", f"is the port of bus {shown(ports[bus.port])} already")
        buses[bus.id] = bus
        ports.setdefault(bus.port, bus.id)
    return buses


def _port(table: Table, folder: Path) -> _Port:
    text = table.text("port")
    if "://" in text:
        return _network_port(table, text)
    if re.fullmatch(r"(\\\\\.\\)?COM\d+", text, re.IGNORECASE):
        message = "is a Windows name; on Linux see ls /dev/serial/by-id"
        table.error("port", f"{shown(text)} {message}")
        return _NONE
    if hint := steadier(text):
        table.warn("port", f"{shown(text)} {hint}")
    return _Port(str(folder / text)) if text else _NONE


def _network_port(table: Table, text: str) -> _Port:
    scheme = text.partition("://")[0]
    if scheme not in _TCP_PORTS:
        message = "give a device's path, tcp://HOST or rtu+tcp://HOST:PORT"
        table.error("port", f"{shown(scheme + '://')} is no port; {message}")
        return _NONE
    form = f"{scheme}://HOST:PORT"
    if text.count(":") > 2 and "[" not in text:
        example = f"{scheme}://[fe80::1]:502"
        message = f"an IPv6 address stands in brackets, as in {example}"
        table.error("port", f"{shown(text)} is not {form}; {message}")
        return _NONE
    try:
        url = urlsplit(text)
        host = url.hostname or ""
        number = _TCP_PORTS[scheme] if url.port is None else url.port
    except ValueError:
        host, number = "", None
    if not re.fullmatch(r"[0-9A-Za-z._:-]+", host) or number == 0:
        message = f"{shown(text)} is not {form} with a PORT from 1 to 65535"
        table.error("port", message)
        return _NONE
    if number is None:
        table.error("port", f"{shown(text)} lacks a TCP port, as in {text}:4001")
        return _NONE
    bare = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    form = f"{bare}:{number}"
    if text.lower().rstrip("/") not in {form, bare}:
        table.error("port", f"{shown(text)} says more than host and port: {form}")
        return _NONE
    return _Port(form, cast(Any, scheme), host, number)
