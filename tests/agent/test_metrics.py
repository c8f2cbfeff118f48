"""Metrics, read back by the parser of prometheus_client."""

import json
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from harness.gateway import Gateway
from harness.pictures import snapshot_of
from harness.served_page import Served, with_page
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from zerometer.agent.exposition import Json, Labels, Metric, exposition
from zerometer.agent.metrics import METRICS
from zerometer.agent.page.assets import assets
from zerometer.drivers.faults import ERROR_KINDS, FaultKind, counted
from zerometer.drivers.outcome import Outcome

EXAMPLE = Path(__file__).with_name("page_snapshot.json")


def parsed(text: str) -> dict[str, Family]:
    """Return the families in *text*, by name; a counter's name is without _total."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples called *name*, by the values of their labels."""
    samples = (s for family in parsed(text).values() for s in family.samples)
    return {tuple(s.labels.values()): s.value for s in samples if s.name == name}


@pytest.fixture
def example() -> Json:
    found: Json = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return found


@given(
    labels=st.dictionaries(st.sampled_from(["a", "b_c"]), st.text()),
    value=st.floats(allow_nan=False) | st.integers(0, 2**53) | st.booleans(),
    counter=st.booleans(),
)
def test_what_is_written_is_what_is_read(
    labels: Labels, value: float, counter: bool
) -> None:
    name = "zerometer_x_total" if counter else "zerometer_x"
    metric = Metric(name, "What it is: all of it.", lambda _: [(labels, value)])
    (family,) = text_string_to_metric_families(exposition([metric], {}))
    assert family.type == ("counter" if counter else "gauge")
    assert family.documentation == "What it is: all of it."
    (sample,) = family.samples
    assert (sample.name, sample.labels, sample.value) == (name, labels, value)


def test_what_is_not_known_has_no_line() -> None:
    nobody = Metric("zerometer_x", "Nothing.", lambda _: [({}, None)])
    assert exposition([nobody], {}) == "\n"


def test_every_metric_of_an_agent_that_has_everything(example: Json) -> None:
    text = exposition(METRICS, example)
    families = parsed(text)
    assert len(families) == len(METRICS)
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.help)
    assert values(text, "zerometer_bus_utilisation_ratio") == {("rs485-a",): 0.43}
    errors = values(text, "zerometer_meter_errors_total")
    assert errors["line-2", "rs485-a", "timeout"] == 63
    assert errors["incomer", "rs485-a", "timeout"] == 0
    assert len(errors) == len(example["meters"]) * len(ERROR_KINDS)
    up = values(text, "zerometer_meter_up")
    assert [meter for (meter, _), is_up in up.items() if not is_up] == ["line-2"]
    example["meters"][0]["state"] = "untrusted"
    text = exposition(METRICS, example)
    assert values(text, "zerometer_meter_up")["incomer", "rs485-a"] == 1
    assert values(text, "zerometer_meter_trusted")["incomer", "rs485-a"] == 0
    assert values(text, "zerometer_meter_power_watts")["incomer", "rs485-a"] == 248_100
    factors = values(text, "zerometer_pool_factor_grams")
    assert factors["lv", "physical", "kWh"] == pytest.approx(428.6)
    assert values(text, "zerometer_uplink_backlog_batches") == {("http-1",): 38}
    assert values(text, "zerometer_journal_failing") == {(): 1}
    assert values(text, "zerometer_clock_synchronised") == {(): 0}
    (memory,) = values(text, "process_resident_memory_bytes").values()
    assert 10e6 < memory < 10e9
    (used,) = values(text, "process_cpu_seconds_total").values()
    assert 0 < used <= time.process_time()


def test_with_its_port_gone_no_meter_is_up(example: Json) -> None:
    example["buses"][0]["state"] = "closed"
    text = exposition(METRICS, example)
    assert values(text, "zerometer_bus_up") == {("rs485-a",): 0}
    assert set(values(text, "zerometer_meter_up").values()) == {0}


def test_a_real_picture_before_and_after_readings(gateway: Gateway) -> None:
    text = exposition(METRICS, snapshot_of(gateway))
    assert values(text, "zerometer_meter_power_watts") == {}
    assert values(text, "zerometer_meter_age_seconds") == {}
    gateway.seconds(130)
    text = exposition(METRICS, snapshot_of(gateway))
    power = values(text, "zerometer_meter_power_watts")
    assert power["battery", "bus"] == -6_000
    grams = (66 * 0.6 + 36 * 2.0) / 60 * 1000 * 2  # two minutes
    today = values(text, "zerometer_emissions_today_grams")
    assert today["location",] == pytest.approx(grams)
    assert values(text, "zerometer_journal_sealed_batches_total")[()] > 0


def test_they_are_served(example: Json) -> None:
    async def scenario(page: Served) -> None:
        page.snapshot = example
        status, headers, body = await page.get("/metrics")
        assert status == 200
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert len(parsed(body.decode())) == len(METRICS)
        assert page.rendered == 1
        # A scrape leaves no stream behind, and so nothing that ticks wake.
        assert page.updates.clients == 0
        assert (await page.get("/metrics", Host="metrics.example"))[0] == 421
        assert (await page.get("/metrics", "POST"))[0] == 405

    with_page(scenario)


def test_hostile_names_stay_labels(example: Json) -> None:
    name = 'a"} 1\nzerometer_bus_up{bus="b\\'
    example["buses"][0]["id"] = name
    found: Any = values(exposition(METRICS, example), "zerometer_bus_up")
    assert found == {(name,): 1}


def test_every_kind_that_drivers_count_is_there_from_the_start() -> None:
    garbage = {counted(outcome) for outcome in Outcome}
    counted_kinds = {*get_args(FaultKind), *garbage, "exception", "lost"}
    assert set(ERROR_KINDS) == counted_kinds
    for language in ("zh", "en"):
        catalogue = json.loads(assets()[f"i18n/{language}.json"])
        assert {f"error.{kind}" for kind in ERROR_KINDS} <= catalogue.keys()
