"""Ports of this machine: free ones, and those of servers that start."""

import socket
import subprocess
from collections.abc import Callable
from time import monotonic, sleep

START_S = 10.0


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of *host* that nobody has now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        return int(probe.getsockname()[1])


def until_open(
    port: int, process: "subprocess.Popen[bytes]", said: Callable[[], str]
) -> None:
    """Return when *process* listens; AssertionError, with what it *said*, if never."""
    end = monotonic() + START_S
    while monotonic() < end:
        assert process.poll() is None, said()
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.01)
    raise AssertionError(f"port {port}: nobody listens")
