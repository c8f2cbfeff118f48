"""A real MQTT broker, mosquitto, on a port of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.ports import free_port, until_open


class Mosquitto:
    """A broker that may be killed and started again, on the same port."""

    def __init__(self, folder: Path, lines: Sequence[str] = ()) -> None:
        """*lines* are settings of its listener, beside the port."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        assert program, (
            "mosquitto is not installed; install with: "
            "sudo apt-get install -y mosquitto"
        )
        self.port = free_port()
        settings = folder / "mosquitto.conf"
        own = [
            "log_type error",
            "log_type warning",
            f"listener {self.port} 127.0.0.1",
            "persistence false",
        ]
        if os.geteuid() == 0:  # else it is asked to become somebody else
            own.append("user root")
        settings.write_text("\n".join([*own, *lines]) + "\n", encoding="utf-8")
        self._command = [program, "-c", str(settings)]
        self.start()

    def start(self) -> None:
        """Start; return when it listens."""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        until_open(self.port, self.process, lambda: str(self.process.communicate()[0]))

    def stop(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.communicate(timeout=10)

    def kill(self) -> None:
        """End it at once, without a word to its clients."""
        self.process.kill()
        self.process.communicate(timeout=10)


@contextmanager
def mosquitto(folder: Path, lines: Sequence[str] = ()) -> Iterator[Mosquitto]:
    """Run a broker with these settings."""
    broker = Mosquitto(folder, lines)
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def broker(
    folder: Path,
    user: str = "",
    password: str = "",
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[int]:
    """Run a broker; yield its port.

    With a *user*, nobody else is let in; with a *certificate* and its key, it speaks
    TLS only.
    """
    lines = ["allow_anonymous true"]
    if user:
        file = folder / "passwords"
        tool = "mosquitto_passwd"
        subprocess.run([tool, "-c", "-b", file, user, password], check=True)
        lines = ["allow_anonymous false", f"password_file {file}"]
    if certificate:
        lines += [f"certfile {certificate[0]}", f"keyfile {certificate[1]}"]
    with mosquitto(folder, lines) as running:
        yield running.port
