"""A small site with a factor series that is booked, restated and compared."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from harness.journals import open_journal
from harness.sites import World, both, small_site

from zerometer.agent.journal import Commit, Journal
from zerometer.agent.restatement import Restatement, Run
from zerometer.core.accounting import Accounting
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.series_book import SeriesBook
from zerometer.core.site import Factor, Site
from zerometer.core.windows import Window

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE_NS = 60 * 10**9
#: A quarter's start, 2026-03-01 00:00 in UTC.
START_NS = 1_772_323_200 * 10**9


def series_site() -> Site:
    """Return the small site, read each minute, whose grid has a series."""
    site = small_site()
    series = Factor(value=0.5, unit="kg/kWh", id="mix", series="mix")
    grid = replace(site.sources[0], factors={**both(0.6), "physical": series})
    meters = tuple(
        replace(m, points=tuple(replace(p, period_ns=MINUTE_NS) for p in m.points))
        for m in site.meters
    )
    return replace(
        site, sources=(grid, *site.sources[1:]), meters=meters, tick_ns=MINUTE_NS
    )


def rows(values: Iterable[tuple[int, float]], revision: int = 1) -> list[FactorRow]:
    """Return rows of the series: (quarter since the start, value)."""
    return [
        FactorRow(
            series="mix",
            t0_ns=START_NS + quarter * QUARTER_NS,
            t1_ns=START_NS + (quarter + 1) * QUARTER_NS,
            value=value,
            published_ns=revision,
            fetched_ns=revision,
            revision=revision,
        )
        for quarter, value in values
    ]


@dataclass(slots=True)
class Quarter:
    """What meters see in a quarter hour: kW, the battery's when positive charging."""

    grid_kw: float = 60.0
    pv_kw: float = 0.0
    battery_kw: float = 0.0


class Books:
    """An accounting with its restatement, and what it put out."""

    def __init__(self, folder: Path | None, known: Sequence[FactorRow] = ()) -> None:
        """Begin; with a *folder*, quarters are kept there and can be restated."""
        self.site = series_site()
        self.accounting = Accounting(self.site, ZONE)
        names = [origin.name for origin in self.accounting.network.origins]
        self.book = SeriesBook(self.site, names, ZONE)
        self.book.load(known)
        self.accounting = Accounting(self.site, ZONE, self.book)
        self.world = World(self.site, {}, gas_nm3_h=6.0)
        for meter in ("grid", "pv", "battery", "compressor", "line"):
            self.world.powers_w[meter] = 0.0
            self.world.imports[meter], self.world.exports[meter] = 1000.0, 50.0
        self.now_ns = START_NS
        self.windows: dict[int, list[Window]] = {}
        self.runs: list[Run] = []
        self.journal = folder and open_journal(folder)
        self.restatement = self.journal and self._restatement(self.journal)

    def _restatement(self, journal: Journal) -> Restatement:
        accounting = self.accounting
        return Restatement(
            self.site, accounting.network, accounting.cells, self.book, journal
        )

    def live(self, quarters: Iterable[Quarter], *, meanwhile: bool = False) -> None:
        """Let quarters pass; restate *meanwhile*, and make things durable."""
        for quarter in quarters:
            for _ in range(15):
                self.minute(quarter)
                if meanwhile:
                    self.step()
            if meanwhile:
                self.commit()

    def minute(self, quarter: Quarter) -> None:
        """Let a minute of a quarter pass."""
        load = quarter.grid_kw + quarter.pv_kw - quarter.battery_kw
        self.world.powers_w |= {
            "grid": quarter.grid_kw * 1e3,
            "pv": quarter.pv_kw * 1e3,
            "battery": quarter.battery_kw * 1e3,
            "compressor": 0.2 * load * 1e3,
            "line": 0.5 * load * 1e3,
        }
        for reading in self.world.readings(self.now_ns, counters=True):
            self.accounting.read(reading, self.now_ns)
        self._take()
        for _ in range(60):
            self.world.second()
        self.now_ns += MINUTE_NS

    def _take(self) -> None:
        closing = self.accounting.advance(self.now_ns)
        for window in closing.windows:
            if window.length_ns == QUARTER_NS:
                self.windows.setdefault(window.start_ns, []).append(window)
        if self.restatement:
            records = self.accounting.attribution.take_records()
            self.restatement.booked(closing, records)

    def end(self) -> None:
        """Let the last quarter be booked."""
        self.minute(Quarter(grid_kw=0.0))

    def revise(self, news: Sequence[FactorRow]) -> None:
        """Let a provider say something else."""
        assert self.restatement
        self.restatement.dirty(self.book.add(news, self.now_ns))

    def step(self) -> int:
        """Take a step of the restatement; return how many rows it brought."""
        assert self.restatement and self.journal
        step = self.restatement.step()
        for window in step.windows:
            self.windows[window.start_ns].append(window)
        if step.openings is not None:
            self.accounting.attribution.reopen(step.openings)
        if step.ended is not None:
            self.runs.append(step.ended)
        self.journal.resume()  # what was asked of the journal's thread is done
        return len(step.windows)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to restate."""
        return self.restatement is None or self.restatement.idle

    def settle(self) -> None:
        """Restate until nothing is left to do."""
        while not self.idle:
            self.step()

    def commit(self) -> None:
        """Make quarters durable."""
        assert self.restatement and self.journal
        shares = self.restatement.unsaved
        self.journal.append(Commit(state=b"", shares=shares)).result()
        self.restatement.saved(shares)

    def restart(self) -> None:
        """Go on from what is durable."""
        assert self.restatement and self.journal
        state = self.restatement.state()
        self.commit()
        self.restatement = self._restatement(self.journal)
        self.restatement.restore(state)

    def close(self) -> None:
        """Let go of the journal."""
        if self.journal:
            self.journal.close()

    def emissions(self, quarter: int) -> dict[str, int]:
        """Return the emission cells of a quarter's last row, in mg."""
        window = self.windows[START_NS + quarter * QUARTER_NS][-1]
        return self._cells(window.cells)

    def _cells(self, cells: "array[int]") -> dict[str, int]:
        names = [cell.name for cell in self.accounting.cells]
        found = dict(zip(names, cells, strict=True))
        return {name: units for name, units in found.items() if ":emissions:" in name}

    def held_kg(self) -> float:
        """Return what the battery holds, in the view of the series."""
        return self.accounting.attribution.held(0).emissions_kg["physical"]
