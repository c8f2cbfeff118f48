"""Factor series on their way into the books."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import WALL_NS, Gateway, journalled_site, windows
from harness.sites import with_series

from zerometer.agent.factors.store import FactorStore
from zerometer.core.factor import FactorRow
from zerometer.core.site import Site

MINUTE = 60 * 10**9
ROW = FactorRow(
    series="cn-east", t0_ns=WALL_NS, t1_ns=WALL_NS + 60 * MINUTE, value=0.5,
    fetched_ns=WALL_NS, published_ns=WALL_NS,
)  # fmt: skip


def site(folder: Path) -> Site:
    """Return the small site; its grid has a series, and 0.6 while that has no value."""
    return with_series(journalled_site(folder), "cn-east", fallback=0.6, other=0.8)


def grid_factors(gateway: Gateway) -> list[float]:
    """Return kg per kWh of what entered from the grid, minute by minute."""
    found = []
    for row in windows(gateway.books()).values():
        kg, energy = row["source.grid:emissions:physical"], row["source.grid:entered"]
        assert isinstance(kg, float)
        assert isinstance(energy, float)
        found.append(kg / energy)
    return found


def test_booked_is_with_the_value_of_the_series(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(125)
        gateway.stop()
        assert grid_factors(gateway)[:2] == pytest.approx([0.5, 0.5], rel=1e-4)


def test_without_a_value_the_constant_of_the_site_stands_in(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(125)
        assert gateway.pipeline.factors.at(WALL_NS).fallback == {"cn-east"}
        gateway.stop()
        assert grid_factors(gateway)[:2] == pytest.approx([0.6, 0.6], rel=1e-4)


def test_what_comes_while_it_runs_is_taken_up(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(5)
        gateway.say(ROW)
        assert gateway.pipeline.factors.value("cn-east", WALL_NS) is None
        gateway.seconds(1)
        assert gateway.pipeline.factors.value("cn-east", WALL_NS) == 0.5
        gateway.stop()


def test_what_was_imported_while_it_was_stopped_is_news(tmp_path: Path) -> None:
    """What it knew when it stopped is none: only then accounts are out of date."""
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.say(ROW)
        gateway.seconds(5)
        gateway.stop()
        revised = replace(ROW, value=0.7, published_ns=WALL_NS + 1)
        with FactorStore(tmp_path) as store:
            store.add([revised])
        gateway.start()
        assert gateway.pipeline.factors.value("cn-east", WALL_NS) == 0.5
        gateway.say()
        gateway.seconds(1)
        assert gateway.pipeline.factors.value("cn-east", WALL_NS) == 0.7
        gateway.stop()


def test_what_was_not_committed_is_news_again(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(7)  # the last commit is two ticks ago
        gateway.say(ROW)
        gateway.seconds(1)
        gateway.kill()
        gateway.start()
        assert gateway.pipeline.factors.value("cn-east", WALL_NS) is None
