"""``zerometer run`` and ``zerometer simulate`` in this process, ended by signals."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zerometer.agent.cli.main import main
from zerometer.agent.cli.status import ask
from zerometer.agent.demo.scene import write_site
from zerometer.config.site import load_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the demo's site file without an uplink; its page has a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    path = tmp_path / "site.toml"
    write_site(path, uplink="", page_port=port)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('[[uplink]]\nurl = ""\n', ""), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _mask() -> Iterator[None]:
    """Give signals back: a command that blocks them does so to its end."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def terminated(ready: Callable[[], object]) -> Iterator[None]:
    """Send SIGTERM to the main thread once *ready*: it waits for it by then."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    gone = threading.Event()

    def watch() -> None:
        while not gone.wait(0.01):
            if ready():
                signal.pthread_kill(main_thread, signal.SIGTERM)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join()


def test_run_meters_until_sigterm(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_site(site).site
    with terminated(lambda: ask(loaded)):
        assert main(["run", str(site)]) == 0
    assert capsys.readouterr().out.startswith(f"http://127.0.0.1:{loaded.page.port}/")
    assert (site.parent / "journal" / "last-status.json").exists()


def test_simulate_takes_the_place_of_the_ports(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = site.parent / "rs485-a"
    served = site.parent / "served.jsonl"
    with terminated(link.is_symlink):
        assert main(["simulate", str(site), "--served", str(served)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ports"] == {"rs485-a": str(link)}
    assert said["start_ns"] > 0
    assert not link.is_symlink()
    assert served.read_text(encoding="utf-8") == ""


def test_simulate_notes_in_a_file_that_can_be_made(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = site.parent / "missing" / "served.jsonl"
    assert main(["simulate", str(site), "--served", str(missing)]) == 2
    assert capsys.readouterr().err == f"--served {missing}: No such file or directory\n"
