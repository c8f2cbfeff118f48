"""Killed or stopped between any two ticks: the books come out as without."""

from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness.gateway import Gateway, journalled_site, rows, total
from harness.tables import check_balance
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zerometer.agent.batch import Batch

SECONDS = 200
QUANTITIES = {
    "source.grid:quantity": 60.0,
    "source.pv:quantity": 30.0,
    "sink.line:quantity": 48.0,
    "process.compressors:takes:lv": 24.0,
    "fuel.boiler.natural_gas:entered": 36.0,
    "storage.battery:discharge": 6.0,
}
#: Seconds of a flow that only its power tells, or nobody before the first count.
SLACK_S = 6.0
STEP = 0.001

#: Seconds alive, then dead; whether it ended in order.
Life = tuple[int, int, bool]


def lived(folder: Path, lives: list[Life]) -> tuple[list[Batch], list[Batch]]:
    """Run for SECONDS and a little, with these lives before the last one.

    Return the sealed batches of ledger and readings.
    """
    site = journalled_site(folder, commit_s=7, seal_s=20)
    with Gateway(folder, site) as gateway:
        gateway.seconds(1)  # the first tick commits
        left = SECONDS - 1
        for alive, dead, in_order in lives:
            gateway.seconds(min(alive, left))
            gateway.stop() if in_order else gateway.kill()
            left -= min(alive, left)
            gateway.unseen(min(dead, left))
            left -= min(dead, left)
            gateway.start()
        gateway.seconds(left + 11)  # counters are read twice
        gateway.stop()
        return gateway.books(), gateway.sealed("readings")


@cache
def undisturbed() -> dict[str, float]:
    """Return what is booked without a kill."""
    with TemporaryDirectory() as folder:
        ledger, _ = lived(Path(folder), [])
    return {name: total(ledger, cell(name)) for name in QUANTITIES}


def cell(name: str) -> str:
    """Return the name of a cell."""
    return name if name.endswith((":quantity", ":entered")) else f"{name}:quantity"


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(0, 90), st.booleans()), max_size=5
    )
)
@example([(60, 0, False), (0, 0, False), (0, 60, False)])
@example([(14, 1, True), (14, 1, False), (14, 1, True)])
@example([(6, 0, True), (0, 0, True)])
def test_kills_cost_no_energy_and_book_none_twice(
    tmp_path_factory: pytest.TempPathFactory, lives: list[Life]
) -> None:
    ledger, readings = lived(tmp_path_factory.mktemp("journal"), lives)
    for name, rate in QUANTITIES.items():
        slack = rate * SLACK_S / 3600 + STEP
        assert total(ledger, cell(name)) == pytest.approx(
            undisturbed()[name], abs=slack
        ), name
        quarters = total(ledger, cell(name), "15min")
        assert quarters == pytest.approx(total(ledger, cell(name)), abs=1e-9), name
    once(ledger, "ledger/1min", "time", "revision")
    once(ledger, "ledger/15min", "time", "revision")
    for meter in ("grid", "line", "gas"):
        group = "energy" if meter == "gas" else "power"
        once(readings, f"readings/{meter}/{group}", "time")
    check_balance(ledger)


def once(batches: list[Batch], table: str, *key: str) -> None:
    """Nothing that is sealed comes twice."""
    found = Counter(tuple(row[name] for name in key) for row in rows(batches, table))
    assert not [key for key, count in found.items() if count > 1], table
