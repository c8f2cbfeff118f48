"""A real MQTT broker, mosquitto, on a port of this machine."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

START_S = 10.0


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
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, (
        "mosquitto is not installed; install with: sudo apt-get install -y mosquitto"
    )
    port = _free_port()
    lines = [f"listener {port} 127.0.0.1", "user root", "persistence false"]
    if user:
        file = folder / "passwords"
        tool = "mosquitto_passwd"
        subprocess.run([tool, "-c", "-b", file, user, password], check=True)
        lines += ["allow_anonymous false", f"password_file {file}"]
    else:
        lines.append("allow_anonymous true")
    if certificate:
        lines += [f"certfile {certificate[0]}", f"keyfile {certificate[1]}"]
    settings = folder / "mosquitto.conf"
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            _wait_until_open(port, process)
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = monotonic() + START_S
    while monotonic() < end:
        assert process.poll() is None, process.communicate()[0].decode()
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("mosquitto does not listen")
