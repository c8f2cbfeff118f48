"""A feed in a whole agent: its values account, its troubles are told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.running_agent import Running, last_status, quick_site, run_agent
from harness.sites import both

from zerometer.agent.factors import keeper
from zerometer.core.site import Factor, FeedSettings, Site
from zerometer.drivers.simulator.factory import Factory, build

TABLE = (
    "series,t0,t1,value,unit\ncn-east,2026-01-01T00:00Z,2199-01-01T00:00Z,500,g/kWh\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site whose grid has the series of a watched file."""
    site = quick_site(tmp_path)
    series = Factor(value=0.6, unit="kg/kWh", id="cn-east", series="cn-east")
    grid = replace(site.sources[0], factors={**both(0.6), "physical": series})
    feed = FeedSettings(
        id="file",
        series="cn-east",
        form="csv",
        path=str(tmp_path / "cn.csv"),
        period_ns=50_000_000,
    )
    return replace(site, sources=(grid, *site.sources[1:]), feeds=(feed,))


@pytest.fixture(autouse=True)
def factory(site: Site) -> Iterator[Factory]:
    with build(site, turnaround_ns=1_000_000) as factory:
        yield factory


def test_a_watched_file_accounts(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RETRY_AT_LEAST_S", 0.05)
    monkeypatch.setattr(keeper, "RETRY_FIRST_S", 0.1)

    async def scenario(agent: Running) -> None:
        def feed() -> dict[str, object]:
            (state,) = agent.look()["feeds"]
            assert isinstance(state, dict)
            return state

        book = agent.daemon._pipeline.factors
        now_ns = agent.daemon._clock.wall_ns(agent.daemon._clock.boottime_ns())
        await agent.until(lambda: feed()["last_error"])
        assert feed()["last_fetch_ms"] is None
        assert agent.said("factors") == ["file"]
        assert book.value("cn-east", now_ns) is None
        (tmp_path / "cn.csv").write_text(TABLE, encoding="utf-8")
        await agent.until(lambda: book.value("cn-east", now_ns) == 0.5)
        await agent.until(lambda: feed()["last_error"] is None)
        assert feed()["last_fetch_ms"]
        assert agent.said("factors") == ["file", "file"]

    run_agent(site, scenario)
    (state,) = last_status(site)["feeds"]
    assert (state["id"], state["series"], state["form"]) == ("file", "cn-east", "csv")
