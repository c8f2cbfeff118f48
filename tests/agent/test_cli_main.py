"""The command line as a whole: what it imports, how it fails, how it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zerometer.config
from zerometer.agent.cli import main as cli
from zerometer.agent.cli.main import COMMANDS, main
from zerometer.core import errors

DEMO = Path(zerometer.config.__file__).parent / "sites" / "demo.toml"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "zerometer.agent.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_the_version_says_what_a_support_question_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("zerometer ")
    assert "Python 3." in said
    assert "SQLite 3." in said


@pytest.mark.parametrize("arguments", [[], ["meter"], ["run", "a", "b"], ["--nothing"]])
def test_a_call_that_is_not_understood_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: zerometer" in capsys.readouterr().err


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    named = [name for name in COMMANDS if re.search(rf"\n    {name}\s", said)]
    assert named == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert f"zerometer {command}" in capsys.readouterr().out.split("xample")[-1]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.LineError, 4),
        (errors.FormatError, 5),
        (errors.JournalError, 6),
        (errors.UpstreamError, 7),
        (errors.ConfigError, 78),
    ],
)
def test_an_error_is_one_line_and_a_code(
    kind: type[errors.ZerometerError],
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(arguments: object) -> int:
        raise kind("port /dev/ttyS9: is not there")

    monkeypatch.setattr(cli.import_module("zerometer.agent.cli.check"), "run", fail)
    assert main(["check"]) == code
    assert capsys.readouterr().err == "port /dev/ttyS9: is not there\n"


def test_ctrl_c_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    check = cli.import_module("zerometer.agent.cli.check")
    monkeypatch.setattr(check, "run", interrupted)
    assert main(["check"]) == 130


def test_a_site_that_is_not_there_is_a_fault_of_the_configuration() -> None:
    done = run("run", "/nowhere/site.toml")
    assert done.returncode == 78
    assert "/nowhere/site.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_fault() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as closed:  # noqa: PTH123 (a descriptor)
        done = subprocess.run(
            [sys.executable, "-m", "zerometer.agent.cli.main", "check", str(DEMO)],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_the_letters_of_a_name_is_no_fault() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zerometer.agent.cli.main", "check", str(DEMO)],
        capture_output=True,
        check=False,
        env=os.environ
        | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"(\u793a\u8303" in done.stdout


HEAVY = {
    "asyncio", "sqlite3", "msgpack", "serial", "starlette", "uvicorn",
    "zerometer.agent.daemon", "zerometer.agent.receiver", "zerometer.agent.demo",
    "zerometer.agent.page", "zerometer.config", "zerometer.drivers",
    "zerometer.drivers.bus",
}  # fmt: skip

IMPORTED = """
import sys
from zerometer.agent.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        # What a bus has to do is computed by drivers, without a line or a loop.
        (["check", str(DEMO)], {"zerometer.config", "zerometer.drivers"}),
        (["run", "--help"], {"asyncio"}),
        (["receive", "--help"], {"asyncio"}),
        (["status", "--help"], set()),
        (["simulate", "--help"], set()),
        (["demo", "--help"], set()),
        (["decode", "--help"], {"msgpack"}),
    ],
)
def test_a_command_imports_only_what_it_needs(
    arguments: list[str], allowed: set[str]
) -> None:
    """What the agent imports, it keeps in memory; what check imports, one waits for."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(arguments=arguments)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    imported = set(done.stderr.splitlines()[-1].split())
    assert imported & HEAVY == allowed
