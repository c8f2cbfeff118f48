"""A year of 100 points a minute: written as a journal and as CSV, and replayed."""

import csv
import json
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np

from bench.accounting.registers import START_S, Floats
from zerometer.agent.batch import Header, batch_hash, encode, peek
from zerometer.agent.gather import Field, OpenTable
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.agent.reading_rows import ReadingRows
from zerometer.config.site import load_site
from zerometer.core.points import Reading
from zerometer.core.site import Meter

METERS = 50
MINUTES = 525_600
READINGS = 2 * METERS * MINUTES
#: Minutes in a batch, as an agent seals them when nobody says otherwise.
SEALED = 15
#: Rows of the CSV file that Python's reader goes through for comparison.
BARE_ROWS = 5_000_000
MINUTE_MS = 60_000
WATTS = 20_000.0


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay took; ``kwh`` is what all sinks but the remainder got."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    kwh: float


def site_text(journal: Path) -> str:
    """Return the site file: an incomer and 49 lines, power and counter a minute."""
    parts = [
        'format = 1\n[site]\nid = "year"\ntimezone = "Asia/Shanghai"\ntick = "1min"\n',
        f'[journal]\npath = "{journal}"\n',
        '[pool.lv]\ncarrier = "electricity"\n',
        '[source.grid]\ninto = "lv"\nmeter = "m1"\nfactor = 0.5703\n',
        '[sink.rest]\nremainder_of = "lv"\n',
    ]
    for number in range(1, METERS + 1):
        parts.append(
            f'[[meter]]\nid = "m{number}"\n'
            'points = { active_power = "W", active_energy_import = "kWh" }\n'
            'period = { power = "1min", energy = "1min" }\n'
        )
        if number > 1:
            parts.append(f'[sink.line{number}]\nfrom = {{ lv = "m{number}" }}\n')
    return "\n".join(parts)


class Year:
    """Powers and counters by meter, a value a minute; the same in each run."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(365)
        self.times_ms = START_S * 1000 + MINUTE_MS * np.arange(MINUTES)
        self.powers: dict[str, Floats] = {}
        self.counters: dict[str, Floats] = {}
        lines = np.zeros(MINUTES)
        for number in range(2, METERS + 1):
            watts = np.round(drawn.uniform(0.5 * WATTS, 1.5 * WATTS, MINUTES), 1)
            self._add(f"m{number}", watts)
            lines += watts
        self._add("m1", np.round(1.01 * lines, 1))

    def _add(self, meter: str, watts: Floats) -> None:
        gains = np.concatenate([[0.0], watts[:-1] / 60_000])
        self.powers[meter] = watts
        self.counters[meter] = np.round(1000.0 + np.cumsum(gains), 3)

    def lines_kwh(self) -> float:
        """Return what the lines' counters gained."""
        return fsum(
            float(counts[-1] - counts[0])
            for meter, counts in self.counters.items()
            if meter != "m1"
        )


def write_journal(year: Year, file: Path, folder: Path) -> None:
    """Write the whole year as an agent would have, a day in each commit."""
    site = load_site(file).site
    journal = Journal.open(folder, site.journal, uplinks={})
    tables = [table for meter in site.meters for table in _tables(meter, year)]
    seq, last_hash = 1, None
    sealed: list[SealedBatch] = []
    for first in range(0, MINUTES, SEALED):
        rows = slice(first, first + SEALED)
        times = array("q", year.times_ms[rows].tobytes())
        filled = []
        for name, fields, columns in tables:
            table = OpenTable(name, fields)
            table.extend(
                times.tobytes(), [column[rows].tobytes() for column in columns]
            )
            filled.append(table.table())
        header = Header(
            source=journal.source,
            epoch=journal.epoch,
            site=site.id,
            stream="readings",
            seq=seq,
            t0_ms=times[0],
            t1_ms=times[-1],
            boot=bytes(16),
            prev=last_hash,
            config=site.revision,
        )
        data = encode(header, filled)
        batch = SealedBatch(
            stream="readings",
            seq=seq,
            data=data,
            t0_ms=times[0],
            t1_ms=times[-1],
            samples=peek(data).samples,
        )
        sealed.append(batch)
        seq, last_hash = seq + 1, batch_hash(data)
        if first + SEALED == MINUTES or (first + SEALED) % 1440 == 0:
            journal.append(Commit(state=b"", sealed=sealed)).result()
            sealed = []
    journal.close()


_Table = tuple[str, tuple[Field, ...], list[Floats]]


def _tables(meter: Meter, year: Year) -> Iterator[_Table]:
    """Return the tables that an agent writes for a meter, and their columns."""
    both = array("d", [1.0, 1.0])
    names = [polled.point.name for polled in meter.points]
    reading = Reading(meter.id, 0, tuple(range(len(names))), both, bytes(2))
    rows = ReadingRows([meter], lambda _meter, _point: 1.0).rows(reading)
    for name, fields, _ in rows:
        power = fields[0].name == "active_power"
        values = (year.powers if power else year.counters)[meter.id]
        yield name, fields, [values] * len(fields)


def write_csv(year: Year, path: Path) -> None:
    """Write the whole year in the order of time."""
    with path.open("w", encoding="utf-8") as out:
        out.write("time,meter,point,value\n")
        for minute in range(MINUTES):
            seconds = int(year.times_ms[minute]) // 1000
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
            for meter, powers in year.powers.items():
                energy = year.counters[meter][minute]
                out.write(
                    f"{stamp},{meter},active_power,{powers[minute]:.1f}\n"
                    f"{stamp},{meter},active_energy_import,{energy:.3f}\n"
                )


def bare_csv_s(path: Path) -> float:
    """Return the CPU time in which ``csv.reader`` alone would go through the file.

    It does nothing with the fields; measured on BARE_ROWS.
    """
    start = time.process_time()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = sum(1 for _ in islice(csv.reader(lines), BARE_ROWS))
    assert rows == BARE_ROWS
    return (time.process_time() - start) * READINGS / BARE_ROWS


#: Runs the command and tells the most memory that it had: that of its own, which is
#: not to be had by those that wait for it.
_COMMAND = """
import sys
from zerometer.agent.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):
        print(line.split()[1], file=sys.stderr)
sys.exit(code)
"""


def replay(site: Path, readings: Path) -> Replay:
    """Run the command on the year's *readings*."""
    command = [sys.executable, "-c", _COMMAND, "replay", str(site), str(readings)]
    start = time.monotonic()
    with subprocess.Popen(
        [*command, "--json", "--window", "1d"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        said: dict[str, Any] = json.load(process.stdout)
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, told
    return Replay(
        wall_s=time.monotonic() - start,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=int(told.split()[-1]) / 1024,
        kwh=fsum(
            sink["quantity"]
            for name, sink in said["sinks"].items()
            if name.startswith("line")
        ),
    )
