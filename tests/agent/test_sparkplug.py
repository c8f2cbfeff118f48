"""A Sparkplug B node at a real broker, read by protobuf's own runtime."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.broker import broker
from harness.mqtt_ends import Listener, listening
from harness.sparkplug import Payload, read
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.uplink.live import LiveMeter, LivePicture
from zerometer.agent.uplink.sparkplug import SparkplugSink, open_sink
from zerometer.agent.uplink.sparkplug_payload import Metric, asks_for_rebirth, payload
from zerometer.core.errors import UpstreamError
from zerometer.core.site import UplinkSettings

GROUP = "spBv1.0/Plant"
REBIRTH = "Node Control/Rebirth"
PRESS = LiveMeter(
    id="press",
    time_ms=1_000,
    quality="measured",
    values={"power": (12.5, "kW"), "energy": (None, "kWh")},
)
LINE = replace(PRESS, id="line", values={"power": (1.0, "kW")})


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with broker(tmp_path_factory.mktemp("broker")) as port:
        yield port


@pytest.fixture
def host(port: int) -> Iterator[Listener]:
    with listening(port, f"{GROUP}/#") as listener:
        yield listener


@pytest.fixture
def sink(port: int, host: Listener) -> Iterator[SparkplugSink]:
    made = open_sink(settings(port))
    yield made
    made.close()


def settings(port: int) -> UplinkSettings:
    return UplinkSettings(id="scada", url=f"sparkplug://127.0.0.1:{port}/Plant/gw-1")


def next_of(host: Listener) -> tuple[str, Any]:
    """Return what comes next, and as what."""
    message = host.next()
    assert not message.retain
    return message.topic.removeprefix(f"{GROUP}/"), read(message.payload)


def test_a_birth_comes_first_and_tells_all(sink: SparkplugSink, host: Listener) -> None:
    sink.show(LivePicture(2_000, [PRESS, LINE]), 5)
    topic, birth = next_of(host)
    assert (topic, birth.seq, birth.timestamp) == ("NBIRTH/gw-1", 0, 2_000)
    sequence, rebirth = birth.metrics
    assert (sequence.name, sequence.datatype, sequence.long_value) == ("bdSeq", 4, 0)
    assert (rebirth.name, rebirth.datatype) == (REBIRTH, 11)
    assert rebirth.HasField("boolean_value")
    assert not rebirth.boolean_value
    topic, born = next_of(host)
    assert (topic, born.seq) == ("DBIRTH/gw-1/press", 1)
    power, energy = born.metrics
    assert (power.name, power.datatype, power.timestamp) == ("power", 10, 1_000)
    assert power.double_value == 12.5
    assert list(power.properties.keys) == ["engUnit"]
    assert power.properties.values[0].string_value == "kW"
    assert (energy.name, energy.is_null) == ("energy", True)
    topic, line = next_of(host)
    assert (topic, line.seq) == ("DBIRTH/gw-1/line", 2)
    assert len({power.alias, energy.alias, line.metrics[0].alias}) == 3


def test_only_what_has_changed_is_told_by_its_alias(
    sink: SparkplugSink, host: Listener
) -> None:
    sink.show(LivePicture(2_000, [PRESS, LINE]), 5)
    births = [next_of(host)[1] for _ in range(3)]
    values = {"power": (12.5, "kW"), "energy": (7.0, "kWh")}
    later = replace(PRESS, time_ms=3_000, values=values)
    sink.show(LivePicture(3_000, [later, LINE]), 5)
    topic, data = next_of(host)
    assert (topic, data.seq) == ("DDATA/gw-1/press", 3)
    (energy,) = data.metrics
    assert (energy.name, energy.alias) == ("", births[1].metrics[1].alias)
    assert (energy.double_value, energy.timestamp) == (7.0, 3_000)


def test_numbers_of_messages_start_over(sink: SparkplugSink, host: Listener) -> None:
    for number in range(260):
        meter = replace(LINE, values={"power": (float(number), "kW")})
        sink.show(LivePicture(number, [meter]), 5)
        if number == 0:
            assert next_of(host)[0] == "NBIRTH/gw-1"
        assert next_of(host)[1].seq == (number + 1) % 256


def test_a_meter_that_does_not_answer_dies_and_is_born_again(
    sink: SparkplugSink, host: Listener
) -> None:
    never = replace(LINE, time_ms=None, quality="missing")
    gone = replace(PRESS, quality="missing")
    for meters in ([PRESS, never], [gone, never], [gone, never], [PRESS, LINE]):
        sink.show(LivePicture(2_000, meters), 5)
    assert [next_of(host)[0] for _ in range(5)] == [
        "NBIRTH/gw-1", "DBIRTH/gw-1/press", "DDEATH/gw-1/press",
        "DBIRTH/gw-1/press", "DBIRTH/gw-1/line",
    ]  # fmt: skip


def test_a_host_may_ask_for_everything_anew(
    sink: SparkplugSink, host: Listener
) -> None:
    sink.show(LivePicture(2_000, [PRESS]), 5)
    first = [next_of(host) for _ in range(2)]
    for rubbish in (b"", b"\xff" * 20, b"\x12\x7f", Payload().SerializeToString()):
        host.client.publish(f"{GROUP}/NCMD/gw-1", rubbish, qos=1)
    command = Payload(timestamp=1)
    command.metrics.add(name=REBIRTH, datatype=11, boolean_value=True)
    host.client.publish(f"{GROUP}/NCMD/gw-1", command.SerializeToString(), qos=1)
    again = []
    while len(again) < 2:
        message = host.next()
        if "/NCMD/" not in message.topic:
            again.append(
                (message.topic.removeprefix(f"{GROUP}/"), read(message.payload))
            )
    assert again == first


def test_a_death_names_its_birth(port: int, sink: SparkplugSink) -> None:
    for number in range(3):
        with listening(port, f"{GROUP}/#") as host:
            sink.show(LivePicture(2_000, []), 5)
            assert next_of(host)[1].metrics[0].long_value == number
            sink.close()
            topic, death = next_of(host)
            assert topic == "NDEATH/gw-1"
            assert not death.HasField("seq")
            (sequence,) = death.metrics
            assert (sequence.name, sequence.long_value) == ("bdSeq", number)


def test_a_broker_that_is_not_there(tmp_path: Path) -> None:
    sink = open_sink(settings(1))
    with pytest.raises(UpstreamError, match="no broker answers"):
        sink.show(LivePicture(2_000, [PRESS]), 5)
    sink.close()


METRICS = st.builds(
    Metric,
    name=st.text(max_size=20),
    alias=st.none() | st.integers(0, 2**64 - 1),
    time_ms=st.integers(0, 2**63),
    value=st.none() | st.booleans() | st.integers(0, 2**63) | st.floats(),
    unit=st.text(max_size=5),
)


@given(
    st.integers(0, 2**63),
    st.lists(METRICS, max_size=5),
    st.none() | st.integers(0, 255),
)
def test_any_payload_is_read_as_it_was_written(
    time_ms: int, metrics: list[Metric], seq: int | None
) -> None:
    message = read(payload(time_ms, metrics, seq))
    assert message.timestamp == time_ms
    assert (message.seq if message.HasField("seq") else None) == seq
    assert len(message.metrics) == len(metrics)
    for metric, told in zip(metrics, message.metrics, strict=True):
        assert told.name == metric.name
        assert (told.alias if told.HasField("alias") else None) == metric.alias
        assert told.timestamp == metric.time_ms
        assert told.is_null == (metric.value is None)
        kind = {4: told.long_value, 11: told.boolean_value, 10: told.double_value}
        if metric.value is not None:
            assert repr(kind[told.datatype]) == repr(metric.value)
        units = [value.string_value for value in told.properties.values]
        assert units == ([metric.unit] if metric.unit else [])


@given(st.binary(max_size=60))
def test_any_command_is_read_or_refused(data: bytes) -> None:
    try:
        asked = asks_for_rebirth(data)
    except ValueError:
        return
    assert asked is False
