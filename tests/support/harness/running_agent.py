"""A whole agent in this process: real buses, page and signals, on a simulated line."""

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.sites import small_site

from zerometer.agent.daemon import Daemon
from zerometer.agent.journal import Journal
from zerometer.core.points import LineSettings, PolledPoint
from zerometer.core.site import (
    Bus,
    JournalSettings,
    Meter,
    PageSettings,
    Site,
    UplinkSettings,
)

MS = 1_000_000
TICK_NS = 50 * MS
#: The agent's time-out for a reply.
TIMEOUT_MS = 60
PATIENCE_S = 4.0

Json = dict[str, Any]


def quick_site(folder: Path, *, page: bool = False, uplink: str = "") -> Site:
    """Return the small site with everything in milliseconds, in *folder*."""
    line = LineSettings(baud=115_200)
    bus = Bus(id="bus", port=str(folder / "port"), line=line, timeout_ms=TIMEOUT_MS)
    site = small_site()
    return replace(
        site,
        tick_ns=TICK_NS,
        buses=(bus,),
        meters=tuple(map(_quick, site.meters)),
        page=PageSettings(enabled=page, port=0),
        journal=JournalSettings(
            path=str(folder / "journal"), commit_ns=100 * MS, seal_ns=200 * MS
        ),
        uplinks=(UplinkSettings(id="up", url=uplink),) if uplink else (),
    )


def _quick(meter: Meter) -> Meter:
    points = tuple(
        PolledPoint(point=p.point, period_ns=p.period_ns // 10) for p in meter.points
    )
    return replace(meter, points=points)


class Running:
    """An agent that runs beside the scenario that looks at it."""

    def __init__(self, daemon: Daemon, journal: Journal) -> None:
        self.daemon = daemon
        self.journal = journal

    def look(self) -> Json:
        """Return the agent's picture."""
        return self.daemon._snapshot.take()

    def meter(self, meter_id: str) -> Json:
        """Return the picture of a meter."""
        found: Json = next(m for m in self.look()["meters"] if m["id"] == meter_id)
        return found

    def said(self, kind: str) -> list[str]:
        """Return the subjects of the events of *kind*."""
        return [e["subject"] for e in self.look()["events"] if e["kind"] == kind]

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the agent run until *holds*."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, self.look()
            await asyncio.sleep(TICK_NS / 1e9 / 5)

    def terminate(self) -> None:
        """Send ourselves what a service manager sends."""
        os.kill(os.getpid(), signal.SIGTERM)


def run_agent(site: Site, scenario: Callable[[Running], Awaitable[None]]) -> None:
    """Run an agent for *site* until *scenario* has ended, then SIGTERM it."""

    async def run() -> None:
        journal = Journal.open(
            Path(site.journal.path),
            replace(site.journal, min_free_bytes=0),
            uplinks={uplink.id: uplink.streams for uplink in site.uplinks},
        )
        try:
            running = Running(Daemon(site, journal), journal)
            agent = asyncio.create_task(running.daemon.run())
            watch = asyncio.create_task(_watch(running, scenario))
            await asyncio.wait([agent, watch], return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not agent.done():
                running.terminate()
            await asyncio.wait([agent])
            watch.cancel()
            if watch.done():
                watch.result()
            agent.result()
        finally:
            journal.close()

    asyncio.run(run())


async def _watch(
    running: Running, scenario: Callable[[Running], Awaitable[None]]
) -> None:
    await asyncio.sleep(0)  # let the agent start
    await scenario(running)


def last_status(site: Site) -> Json:
    """Return what the agent left."""
    text = (Path(site.journal.path) / "last-status.json").read_text(encoding="utf-8")
    found: Json = json.loads(text)["snapshot"]
    return found


def page_of(address: str) -> Json:
    """Return the snapshot that a page serves."""
    with urllib.request.urlopen(f"{address}api/snapshot", timeout=5) as answer:
        found: Json = json.load(answer)
    return found
