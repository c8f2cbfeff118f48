"""Fixtures of the agent's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.certificates import self_signed
from harness.gateway import Gateway
from harness.postgres import PostgresServer, postgres_server

import zerometer.config


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1, and its key."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a real PostgreSQL; each test makes databases of its own in it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Return an agent on a journal of its own; a test may stop or kill it."""
    with Gateway(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def demo_file(tmp_path: Path) -> Path:
    """Return a copy of the demo's site file; its state is in ``journal`` beside it."""
    shipped = Path(zerometer.config.__file__).parent / "sites" / "demo.toml"
    path = tmp_path / "site.toml"
    path.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return path
