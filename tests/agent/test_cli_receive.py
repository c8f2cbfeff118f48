"""``zerometer receive``: starts, says where, ends in order."""

import argparse
import signal
import socket
import sys
import urllib.request
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest
from harness.receiver_process import ReceiverProcess

from zerometer.agent.cli import receive
from zerometer.agent.receiver.errors import StoreError
from zerometer.agent.receiver.lock import Lock
from zerometer.agent.receiver.stores import store_opener
from zerometer.core.errors import ConfigError


@pytest.mark.system
@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    database = tmp_path / "received.sqlite"
    process = ReceiverProcess(database)
    status = process.url.replace("batches", "status")
    with urllib.request.urlopen(status, timeout=5) as answer:
        assert answer.status == 200
    assert process.end(number) == 0
    assert database.exists()
    # Closed in order: the write-ahead log went into the database.
    assert not list(tmp_path.glob("*-wal"))


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    receive.add_parser(parser.add_subparsers())
    return parser.parse_args(["receive", *arguments])


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = parse("--to", str(database), "--port", port)
        with pytest.raises(ConfigError, match=f"port {port}: "):
            arguments.run(arguments)


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    arguments = parse("--to", str(tmp_path), "--port", "0")
    with pytest.raises(StoreError, match=f"receiver: {tmp_path}: "):
        arguments.run(arguments)


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_port_that_cannot_be_is_refused(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse("--to", "received.sqlite", "--port", port)
    assert end.value.code == 2
    assert "argument --port: " in capsys.readouterr().err


def test_a_second_receiver_on_a_database_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    first = Lock(database)
    first.take()
    (tmp_path / "link.sqlite").symlink_to(database)
    for name in (database, tmp_path / "link.sqlite"):
        arguments = parse("--to", str(name), "--port", "0")
        with pytest.raises(StoreError, match="in use by another receiver") as refused:
            arguments.run(arguments)
        assert refused.value.exit_code == 6
    first.release()
    first.take()
    first.release()


def test_a_broker_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    arguments = parse("--to", str(tmp_path / "r.sqlite"), "--from", "amqp://broker")
    with pytest.raises(ConfigError, match='scheme "amqp" is not one of mqtt'):
        arguments.run(arguments)


@pytest.mark.parametrize(
    ("target", "module", "extra"),
    [
        ("duckdb:r.duckdb", "duckdb", "duckdb"),
        ("postgresql://host/name", "psycopg", "postgres"),
    ],
)
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, target: str, module: str, extra: str
) -> None:
    for name in list(sys.modules):
        if name.startswith((module, "zerometer.agent.receiver.duckdb", POSTGRES)):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(module), *sys.meta_path])
    with pytest.raises(ConfigError) as refused:
        store_opener(target)
    assert f"needs {module}, which is not installed" in str(refused.value)
    assert f'pip install "zerometer[{extra}]"' in str(refused.value)


POSTGRES = "zerometer.agent.receiver.postgres"


class Without(MetaPathFinder):
    """Finds that a module is not installed."""

    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(self, name: str, *_: object) -> None:
        if name == self._module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
