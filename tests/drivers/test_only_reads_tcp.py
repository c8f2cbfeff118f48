"""Of pymodbus's client only the functions that read are within reach."""

import ast
import socket
from pathlib import Path

import pytest
from reference import frame as reference

from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines import backlog
from zerometer.drivers.lines.modbus_tcp import ModbusTcp
from zerometer.drivers.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "drivers" / "lines" / "modbus_tcp.py"


def imports(path: Path) -> set[str]:
    """Return the packages that a module names in imports, wherever they stand."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def attributes_of(name: str) -> set[str]:
    """Return what the module takes of the thing called *name*."""
    tree = ast.parse(MODULE.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == name
    }


def test_one_module_knows_pymodbus() -> None:
    sources = [
        path
        for folder in ("agent", "config", "core", "drivers")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert [path for path in sources if "pymodbus" in imports(path)] == [MODULE]


def test_it_calls_the_reads_and_nothing_else() -> None:
    assert attributes_of("ModbusTcpClient") == {
        "read_coils", "read_discrete_inputs", "read_holding_registers",
        "read_input_registers",
    }  # fmt: skip
    assert attributes_of("self._client") == {"comm_params", "socket"}


@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_what_leaves_is_the_request_and_nothing_else(
    function: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LONGEST_HOLD_NS", 10_000_000)
    near, far = connected()
    with near, far:
        master = ModbusTcp(near, 1)
        sent = [
            reference.read_request(unit, function, 65_436, count)
            for unit in (1, 247)
            for count in (1, 100)
        ]
        for request in sent:
            transaction = Transaction(request)
            transaction.expect(0, 1_000_000)
            master.run([transaction])
            assert transaction.outcome == Outcome.TIMEOUT
        left = far.recv(4096)
    packets = [left[at : at + 12] for at in range(0, len(left), 12)]
    assert [packet[6:] for packet in packets] == [request[:-2] for request in sent]
    assert {packet[2:6] for packet in packets} == {b"\0\0\0\6"}
    assert len({packet[:2] for packet in packets}) == len(sent)


def connected() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    near.setblocking(False)
    return near, far
