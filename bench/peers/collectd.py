"""collectd with its plug-ins for Modbus and for files of comma-separated values."""

import contextlib
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from bench.bus.plant import value
from bench.peers.environments import program
from bench.peers.job import Came, Job, Start

_FILE = re.compile(r"u(\d+)/gauge-v(\d+)-")
INTERVAL_S = 0.1


@contextlib.contextmanager
def collectd(job: Job) -> Iterator[Start]:
    """Prepare collectd; it reads one value at a time and has no time-out to set."""
    values = [place for place, _ in job.blocks]
    data = job.folder / "data"
    (job.folder / "collectd.conf").write_text(
        "\n".join(
            [
                'Hostname "bench"',
                "FQDNLookup false",
                f'BaseDir "{job.folder}"',
                f'PIDFile "{job.folder}/pid"',
                f"Interval {INTERVAL_S}",
                "LoadPlugin csv",
                "LoadPlugin modbus",
                f'<Plugin csv>\n  DataDir "{data}"\n</Plugin>',
                "<Plugin modbus>",
                *(_value(place) for place in values),
                '  <Host "line">',
                f'    Device "{job.port}"',
                f"    Baudrate {job.baud}",
                f"    Interval {INTERVAL_S}",
                *(_unit(unit, values) for unit in job.units),
                "  </Host>",
                "</Plugin>",
                "",
            ]
        ),
        encoding="utf-8",
    )
    command = [program("collectd"), "-f", "-C", str(job.folder / "collectd.conf")]
    yield Start(command, lambda: came(data))


def _value(place: int) -> str:
    return (
        f'  <Data "v{place}">\n    RegisterBase {place}\n    RegisterType float\n'
        f'    RegisterCmd ReadInput\n    Type gauge\n    Instance "v{place}"\n  </Data>'
    )


def _unit(unit: int, values: list[int]) -> str:
    collect = "\n".join(f'      Collect "v{place}"' for place in values)
    return f'    <Slave {unit}>\n      Instance "u{unit}"\n{collect}\n    </Slave>'


def came(data: Path) -> Came:
    """Return what is right and wrong in the files under *data*."""
    right = wrong = 0
    for path in data.rglob("gauge-*"):
        name = _FILE.search(path.as_posix())
        assert name is not None, path
        expected = value(int(name[1]), int(name[2]))
        with path.open(newline="", encoding="utf-8") as file:
            _, *rows = csv.reader(file)
        for _, number in rows:
            if float(number) == expected:
                right += 1
            else:
                wrong += 1
    return Came(right, wrong)
