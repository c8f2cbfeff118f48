"""The demo's scene: receiver, simulated factory and agent, as three processes."""

import json
import re
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

from zerometer.agent.demo.processes import DemoError, Process

PAGE_PORT = 8480
SITE = "demo.toml"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is needed to know what the simulated meters should have said."""

    start_ns: int
    served: Path
    seed: int
    faults: tuple[str, ...] = ()


class Scene:
    """Starts the parts in the order in which they need each other."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        note_served: bool,
        faults: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.site = folder / "site.toml"
        self.database = folder / "received.sqlite"
        self._seed = seed
        self._served = folder / "served.jsonl"
        self._note_served = note_served
        self._faults = tuple(faults)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.receiver = self._process(
            "receive", ["receive", "--to", str(self.database), "--port", "0"]
        )
        write_site(self.site, uplink=self.receiver.line(), page_port=free_port())
        note = ["--served", str(self._served)] if self._note_served else []
        wrong = [f"--fault={fault}" for fault in self._faults]
        self.factory = self._process(
            "simulate",
            ["simulate", str(self.site), f"--seed={self._seed}", *note, *wrong],
        )
        start_ns = json.loads(self.factory.line())["start_ns"]
        self.truth = Truth(start_ns, self._served, self._seed, self._faults)
        self.agent = self._process("run", ["run", str(self.site)])
        self.page = self.agent.line()

    def _process(self, command: str, arguments: list[str]) -> Process:
        return self._stack.enter_context(Process(command, arguments, self.folder))

    def check(self) -> None:
        """Raise DemoError when a part has ended by itself."""
        for part in (self.agent, self.factory, self.receiver):
            part.check()

    def stop(self) -> None:
        """Stop the agent, which forwards what it has, then what is around it."""
        self.agent.stop()
        self.receiver.stop()
        self.factory.stop()


def write_site(path: Path, *, uplink: str, page_port: int) -> None:
    """Write the shipped demo site with the addresses of this run."""
    text = (files("zerometer.config") / "sites" / SITE).read_text(encoding="utf-8")
    text, uplinks = re.subn(r'^url = ".*"$', f'url = "{uplink}"', text, flags=re.M)
    text, ports = re.subn(r"^port = \d+$", f"port = {page_port}", text, flags=re.M)
    if (uplinks, ports) != (1, 1):
        raise DemoError(f"demo: {SITE}: expected one uplink url and one page port")
    path.write_text(text, encoding="utf-8")


def free_port() -> int:
    """Return the page's usual port, or another one when that is taken."""
    for port in (PAGE_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("demo: page: no free port on 127.0.0.1")
