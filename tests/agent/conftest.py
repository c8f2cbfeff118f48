"""Fixtures of the agent's tests."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.gateway import Gateway


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-out", str(files[0]), "-keyout", str(files[1]),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return files


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Return an agent on a journal of its own; a test may stop or kill it."""
    with Gateway(tmp_path) as gateway:
        yield gateway
