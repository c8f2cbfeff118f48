"""Journals with readings, made as the agent makes them."""

from array import array
from collections.abc import Iterable
from math import nan
from pathlib import Path

from harness.journals import open_journal

from zerometer.agent.clock import Stamp
from zerometer.agent.reading_rows import ReadingRows
from zerometer.agent.recorder import Identity, Recorder
from zerometer.core.points import Quality, Reading
from zerometer.core.site import Site

#: Time (ms, UTC), meter, point, value; NaN is missing.
Row = tuple[int, str, str, float]


def record(folder: Path, site: Site, rows: Iterable[Row], *, seal_rows: int) -> None:
    """Write *rows* to a journal in *folder*, a batch for each *seal_rows* of them."""
    journal = open_journal(folder)
    try:
        identity = Identity(
            source=journal.source,
            epoch=journal.epoch,
            site=site.id,
            config=site.revision,
        )
        recorder = Recorder(
            identity,
            journal.resume(),
            journal.gaps,
            Stamp(boot=bytes(16), offset_ms=0, synchronised=True),
            seal_ns=1 << 62,
            seal_samples=1 << 20,
        )
        made = ReadingRows(site.meters, lambda _meter, _point: nan)
        names = {m.id: [p.point.name for p in m.points] for m in site.meters}
        for count, (time_ms, meter, point, value) in enumerate(rows, 1):
            missing = value != value  # noqa: PLR0124 (NaN)
            reading = Reading(
                meter,
                0,
                (names[meter].index(point),),
                array("d", [value]),
                bytes([Quality.MISSING if missing else Quality.MEASURED]),
            )
            for table, fields, row in made.rows(reading):
                recorder.add_row(table, fields, time_ms, row)
            if count % seal_rows == 0:
                recorder.seal_all()
        recorder.seal_all()
        journal.append(recorder.commit(b"")).result()
    finally:
        journal.close()
