"""What a meter map says of requests: how large, where, how often."""

from typing import Any

from zerometer.config.table import Table, is_number, shown
from zerometer.core.meter_map import ReadLimits

#: Modbus allows 125 registers in one request of function 3 or 4.
MAX_REGISTERS = 125


def read_limits(read: Table) -> ReadLimits:
    """Return what ``[read]`` says."""
    single = read.values.get("single", [])
    if not isinstance(single, list) or not all(is_address(item) for item in single):
        read.error("single", f"{shown(single)} is not a list of addresses")
        single = []
    width = read.integer("registers_per_address", 1, 4, 1)
    even_only = read.flag("even_only", False)
    if even_only and width > 1:
        read.error("even_only", "goes with addresses that hold one register")
    timeout_ns = read.duration_ns("timeout", "10ms", "10s", 0)
    return ReadLimits(
        max_registers=_max_registers(read),
        bridge_gaps=read.flag("bridge_gaps", True),
        blocks=_blocks(read),
        registers_per_address=width,
        even_only=even_only,
        single=tuple(single),
        min_delay_ms=_milliseconds(read, "min_delay"),
        connect_delay_ms=_milliseconds(read, "connect_delay"),
        timeout_ms=timeout_ns // 1_000_000 or None,
    )


def is_address(value: object) -> bool:
    """Whether a TOML value is an address of a register."""
    return isinstance(value, int) and is_number(value) and 0 <= value < 65_536


def pair_of_addresses(value: Any) -> bool:
    """Whether a TOML value is a first and a last address."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    return all(is_address(item) for item in value) and value[0] <= value[1]


def _max_registers(read: Table) -> int:
    number = read.integer("max_registers", 1, MAX_REGISTERS, MAX_REGISTERS)
    # One that is wrong must not make all points too large.
    holds = number == read.values.get("max_registers")
    return number if holds else MAX_REGISTERS


def _milliseconds(read: Table, key: str) -> int:
    return read.duration_ns(key, "0ms", "10s", 0) // 1_000_000


def _blocks(read: Table) -> tuple[tuple[int, int], ...]:
    value = read.values.get("blocks", [])
    if not isinstance(value, list):
        read.error("blocks", f"{shown(value)} is not a list of blocks")
        return ()
    for index, item in enumerate(value):
        if not pair_of_addresses(item):
            message = "is not a first and a last address, as in [768, 823]"
            read.error("blocks", f"{shown(item)} {message}", index)
            return ()
    return tuple((first, last) for first, last in value)
