"""A whole agent is told what happened, while it runs."""

import asyncio
import json
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from harness.running_agent import Running, quick_site, run_agent

from zerometer.config.problems import FileError
from zerometer.core.errors import ConfigError

LEAK = {"time": 1772323200, "kind": "refrigerant", "subject": "R410A",
        "quantity": 2, "unit": "kg"}  # fmt: skip


def post(address: str) -> int:
    """Tell the agent of a leak; return the status of its answer."""
    request = urllib.request.Request(
        f"{address}v1/events",
        json.dumps(LEAK).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return int(answer.status)


def test_an_event_that_is_posted_is_taken_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("time,kind,subject\n1772323200,note,boiler\n", encoding="utf-8")
    site = replace(quick_site(tmp_path, page=True), events=str(path))

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.said("told"))
        assert agent.said("told") == ["boiler"]
        address = capsys.readouterr().out.strip()
        assert await asyncio.to_thread(post, address) == 201
        await agent.until(lambda: len(agent.said("told")) > 1)
        assert await asyncio.to_thread(post, address) == 200
        assert sorted(agent.said("told")) == ["R410A", "boiler"]

    run_agent(site, scenario)


def test_an_agent_does_not_start_with_events_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("time,kind,subject\n1772323200,party,x\n", encoding="utf-8")
    site = replace(quick_site(tmp_path), events=str(path))

    async def scenario(_agent: Running) -> None:
        raise AssertionError("it runs")

    with pytest.raises(FileError, match=r"events\.csv:2:1: event: kind") as caught:
        run_agent(site, scenario)
    assert isinstance(caught.value, ConfigError)
