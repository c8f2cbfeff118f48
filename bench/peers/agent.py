"""Our whole agent, as it runs at a site; what it forwards goes into a database."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.bus.plant import value
from bench.peers.environments import PeerError
from bench.peers.job import Came, Job, Start
from bench.peers.libraries import MODULES

_ZEROMETER = [sys.executable, "-m", "zerometer.agent.cli.main"]
_SITE = """\
format = 1
[site]
id = "bench"
timezone = "UTC"
[page]
port = 0
[journal]
path = "journal"
commit = "1s"
seal = "1s"
[[uplink]]
url = "{url}"
[[bus]]
id = "line"
port = "{port}"
baud = {baud}
"""
_METER = """\
[[meter]]
id = "{unit}"
bus = "line"
unit = {unit}
map = "floats"
period = {{ power = "100ms" }}
points = {{ {points} }}
"""
_MAP = """\
format = 1
id = "floats"
vendor = "bench"
model = "floats"
category = "electricity"
confidence = "high"
[read]
max_registers = {most}
[resolution]
"" = 0.001
[defaults]
function = 4
type = "f32"
[points.power]
"""


@contextlib.contextmanager
def agent(job: Job) -> Iterator[Start]:
    """Prepare the agent, with a receiver for what it forwards."""
    places = [p for start, count in job.blocks for p in range(start, start + count, 2)]
    with _receiver(job.folder / "received.sqlite") as url:
        points = ", ".join(f"v{place} = {{}}" for place in places)
        site = _SITE.format(url=url, port=job.port, baud=job.baud)
        site += "".join(_METER.format(unit=u, points=points) for u in job.units)
        (job.folder / "site.toml").write_text(site, encoding="utf-8")
        floats = _MAP.format(most=max(count for _, count in job.blocks))
        floats += "".join(f"v{place} = {{ address = {place} }}\n" for place in places)
        (job.folder / "maps").mkdir()
        (job.folder / "maps" / "floats.toml").write_text(floats, encoding="utf-8")
        yield Start(
            [*_ZEROMETER, "run", "site.toml"],
            lambda: _came(job.folder / "received.sqlite"),
            {"PYTHONPATH": MODULES},
        )


@contextlib.contextmanager
def _receiver(database: Path) -> Iterator[str]:
    """Run a receiver meanwhile; the value is its address."""
    command = [*_ZEROMETER, "receive", "--to", str(database), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise PeerError("the receiver does not start")
            yield url
        finally:
            process.terminate()


def _came(database: Path) -> Came:
    right = wrong = 0
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT meter, point, value FROM reading")
        for meter, point, number in rows:
            if number == value(int(meter), int(point.removeprefix("v"))):
                right += 1
            else:
                wrong += 1
    return Came(right, wrong)
