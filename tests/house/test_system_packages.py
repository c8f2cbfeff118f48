"""What ``make`` says on a system that lacks what only the system can provide."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "system-packages.sh"
#: The only commands of the system that the script finds.
SEEN = ("bash", "dirname")
FOR_THE_DEMO = ("python3-venv", "python3-dev", "gcc")
FOR_TESTS = (
    "libmodbus-dev", "mbpoll", "mosquitto", "nats-server", "postgresql", "nodejs",
    "strace",
)  # fmt: skip
#: By which what the tests need is found, beside a library.
PROGRAMS = (
    "mbpoll", "mosquitto_passwd", "nats-server", "pg_createcluster", "node", "strace",
)  # fmt: skip

#: Compilers. They read all of the source, else whoever writes it is killed.
COMPILES = "while read -r line; do :; done"
NO_LIBMODBUS = f'{COMPILES}; case "$*" in *-lmodbus*) exit 1; esac'


def command(folder: Path, name: str, text: str) -> Path:
    """Write an executable script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def run(
    folder: Path,
    user: int,
    python: str,
    *,
    purpose: str = "test",
    gcc: str = COMPILES,
) -> "subprocess.CompletedProcess[str]":
    """Run the script as *user* says it is, with nothing but *folder* on the path."""
    for name in SEEN:
        if not (folder / name).exists():
            (folder / name).symlink_to(f"/usr/bin/{name}")
    command(folder, "id", f"echo {user}")
    command(folder, "gcc", gcc)
    interpreter = command(folder, "python", python)
    return subprocess.run(
        [f"/usr/bin/{SEEN[0]}", str(SCRIPT), purpose, str(interpreter)],
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("user", [0, 1000])
def test_what_lacks_is_named_with_the_line_of_the_readme(
    tmp_path: Path, user: int
) -> None:
    """Root without apt-get, and somebody who may not install."""
    done = run(tmp_path, user, "exit 1")
    assert (done.returncode, done.stdout) == (2, "")
    said, line = done.stderr.splitlines()
    assert said == (
        "make: this system lacks python3-venv python3-dev mbpoll mosquitto nats-server "
        "postgresql nodejs strace; install with:"
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    installs = re.findall(r"^(?:sudo )?apt-get install.*$", readme, re.M)
    assert line.removeprefix("sudo ") in {i.removeprefix("sudo ") for i in installs}


def test_root_gets_what_lacks_installed_and_is_told(tmp_path: Path) -> None:
    installed, calls = tmp_path / "installed", tmp_path / "calls"
    command(
        tmp_path,
        "apt-get",
        f'echo "$@" >>{calls}; if [ "$1" = install ]; then : >{installed}; fi',
    )
    for program in PROGRAMS:
        command(tmp_path, program, "exit 0")
    done = run(tmp_path, 0, f"test -e {installed}")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(
        "make: this system lacks python3-venv python3-dev: installing"
    )
    update, install = calls.read_text(encoding="utf-8").splitlines()
    assert update.startswith("update")
    assert {*FOR_THE_DEMO, *FOR_TESTS} <= set(install.split())


def test_an_install_that_does_not_help_is_not_taken_for_one(tmp_path: Path) -> None:
    command(tmp_path, "apt-get", "exit 0")
    done = run(tmp_path, 0, "exit 1")
    assert done.returncode == 2
    assert (
        "lacks python3-venv python3-dev mbpoll mosquitto nats-server postgresql nodejs "
        "strace; install with:" in done.stderr
    )


def test_a_library_that_does_not_link_lacks(tmp_path: Path) -> None:
    for program in PROGRAMS:
        command(tmp_path, program, "exit 0")
    done = run(tmp_path, 1000, "exit 0", gcc=NO_LIBMODBUS)
    assert done.returncode == 2
    assert "lacks libmodbus-dev; install with:" in done.stderr


def test_the_demo_needs_nothing_of_what_only_tests_need(tmp_path: Path) -> None:
    done = run(tmp_path, 1000, "exit 0", purpose="demo", gcc=NO_LIBMODBUS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run(tmp_path, 1000, "exit 1", purpose="demo", gcc=NO_LIBMODBUS)
    assert not any(package in done.stderr for package in FOR_TESTS)


def test_nothing_is_said_when_nothing_lacks(tmp_path: Path) -> None:
    for program in PROGRAMS:
        command(tmp_path, program, "exit 0")
    done = run(tmp_path, 1000, "exit 0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
