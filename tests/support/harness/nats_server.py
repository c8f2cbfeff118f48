"""A real NATS server with JetStream, on a port of this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.ports import free_port, until_open


class NatsServer:
    """One server; it may be killed and started again, on its port and its store.

    Its store is not flushed with each message: Debian's 2.9 does not know
    ``sync_interval: always``. What a kill leaves behind, the kernel has.
    """

    def __init__(self, folder: Path, settings: str, jetstream: bool) -> None:
        """*settings* are more lines of its configuration."""
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._settings = folder / "nats.conf"
        self._log = folder / "nats.log"
        lines = ['host: "127.0.0.1"', f"port: {self.port}", settings]
        if jetstream:
            lines.append(f'jetstream {{ store_dir: "{folder / "jetstream"}" }}')
        self._settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it listens."""
        program = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")
        assert program, (
            "nats-server is not installed; install with: "
            "sudo apt-get install -y nats-server"
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._settings)], stdout=log, stderr=log
            )
        until_open(self.port, self._process, self._log.read_text)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(kill=True)

    def stop(self) -> None:
        """End it in order; harmless when it has ended."""
        self._end(kill=False)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(10)


@contextmanager
def nats_server(
    folder: Path, settings: str = "", jetstream: bool = True
) -> Iterator[NatsServer]:
    """Run a server; *settings* are more lines of its configuration."""
    server = NatsServer(folder, settings, jetstream)
    server.start()
    try:
        yield server
    finally:
        server.stop()
