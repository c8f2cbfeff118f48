"""Runs of ``zerometer replay`` within this process, checked against the schema."""

import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from math import isclose
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from zerometer.agent.cli.main import main

SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "replay.schema.json"

METER = """
[[meter]]
id = "{id}"
period = "{period}"
points = {{ energy = "kWh", active_power = "kW" }}
"""


@cache
def schema() -> Draft202012Validator:
    """Return the schema of the output, which is itself checked."""
    loaded = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded)


def command(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, output and messages of ``zerometer replay``."""
    out, messages = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(messages):
        code = main(["replay", *map(str, arguments)])
    return code, out.getvalue(), messages.getvalue()


def replay(*arguments: object) -> dict[str, Any]:
    """Return the output of ``zerometer replay ... --json``, which holds."""
    code, out, messages = command(*arguments, "--json")
    assert code == 0, messages
    document: dict[str, Any] = json.loads(out, parse_constant=_refuse)
    schema().validate(document)
    return document


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} in the output")


def kinds(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return kind and subject of all flags."""
    return {(flag["kind"], flag["subject"]) for flag in document["flags"]}


def differences(expected: Any, found: Any, rel: float, path: str = "") -> list[str]:
    """Return where *found* lacks what is expected, or has another number.

    What is not expected may be there all the same.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{path}: {found!r}"]
        return [
            line
            for key, value in expected.items()
            for line in differences(value, found.get(key), rel, f"{path}/{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{path}: {found!r}"]
        return [
            line
            for i, value in enumerate(expected)
            for line in differences(value, found[i], rel, f"{path}/{i}")
        ]
    numbers = isinstance(expected, float | int) and isinstance(found, float | int)
    same = expected == found
    if numbers and not isinstance(expected, bool):
        same = isclose(expected, found, rel_tol=rel, abs_tol=rel)
    return [] if same else [f"{path}: expected {expected!r}, found {found!r}"]
