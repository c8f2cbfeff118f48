"""What a site file may say beyond the demo's, and what it warns of."""

from pathlib import Path

import pytest

from zerometer.config.site import LoadedSite, load_site
from zerometer.core.points import LineSettings
from zerometer.core.site import STREAMS, Measure, Meter

SITE = """
format = 1
[site]
id = "works"
name = "工厂"
timezone = "Europe/Berlin"
tick = "2s"
[[bus]]
id = "a"
port = "/dev/serial/by-id/usb-a"
baud = 19200
parity = "E"
stop_bits = 2
timeout = "1s"
[[meter]]
id = "m"
bus = "a"
unit = 1
map = "eastron-sdm630"
METER
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "m"
factor = 0.5
[sink.rest]
remainder_of = "lv"
MORE
"""

SECONDARY = """
format = 1
id = "secondary"
vendor = "V"
model = "M"
category = "electricity"
confidence = "low"
[defaults]
function = 3
type = "u32"
[points.power]
active_power = { address = 0, unit = "kW", scale = 0.1, ratio = "secondary" }
[points.energy]
active_energy_import = { address = 2, unit = "Wh", ratio = "secondary" }
[points.electrical]
voltage_l1n = { address = 4, unit = "V", ratio = "secondary" }
current_l1 = { address = 6, unit = "A", ratio = "secondary" }
frequency = { address = 8, unit = "Hz" }
"""


def load(folder: Path, meter: str = "", more: str = "", site: str = SITE) -> LoadedSite:
    path = folder / "site.toml"
    text = site.replace("METER", meter).replace("MORE", more)
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def meter_of(folder: Path, meter: str, more: str = "", site: str = SITE) -> Meter:
    return load(folder, meter, more, site).site.meter("m")


def periods_s(meter: Meter) -> dict[str, float]:
    return {p.point.name: p.period_ns / 1e9 for p in meter.points}


def warnings_of(loaded: LoadedSite) -> list[str]:
    return [f"{w.where}: {w.key}: {w.message}" for w in loaded.warnings]


def test_site_and_bus(tmp_path: Path) -> None:
    site = load(tmp_path).site
    assert (site.name, site.timezone, site.tick_ns) == (
        "工厂",
        "Europe/Berlin",
        2_000_000_000,
    )
    (bus,) = site.buses
    assert bus.line == LineSettings(baud=19200, parity="E", stop_bits=2)
    assert (bus.port, bus.timeout_ms) == ("/dev/serial/by-id/usb-a", 1000)


def test_the_revision_is_that_of_the_bytes(tmp_path: Path) -> None:
    first = load(tmp_path).site.revision
    assert load(tmp_path).site.revision == first
    assert load(tmp_path, more="# a comment").site.revision != first


def test_usual_points_and_periods(tmp_path: Path) -> None:
    assert periods_s(meter_of(tmp_path, "")) == {
        "active_power": 1,
        "active_energy_import": 10,
        "active_energy_export": 10,
    }


def test_the_electrical_group_is_read_when_it_has_a_period(tmp_path: Path) -> None:
    period = 'period = { electrical = "30s", energy = "1min" }'
    periods = periods_s(meter_of(tmp_path, period))
    assert periods["voltage_l1n"] == periods["frequency"] == 30
    assert periods["active_energy_import"] == 60
    assert "thd_voltage_l1" not in periods


def test_the_state_group_is_read_when_it_has_a_period(tmp_path: Path) -> None:
    site = SITE.replace("eastron-sdm630", "carlo-gavazzi-em24")
    meter = meter_of(tmp_path, 'period = { state = "1h" }', site=site)
    assert periods_s(meter)["phase_sequence"] == 3600


def test_a_point_of_the_map_is_asked_for_by_name(tmp_path: Path) -> None:
    meter = meter_of(
        tmp_path, 'points = { thd_voltage_l1 = { period = "5min" }, current_n = {} }'
    )
    periods = periods_s(meter)
    assert periods["thd_voltage_l1"] == 300
    assert periods["current_n"] == 60


def test_a_point_that_the_graph_measures_by_is_read(tmp_path: Path) -> None:
    more = '[sink.l1]\nfrom = { lv = "m:active_energy_import_l1" }'
    loaded = load(tmp_path, more=more)
    periods = periods_s(loaded.site.meter("m"))
    assert {"active_energy_import_l1", "active_power_l1"} <= set(periods)
    assert loaded.site.sinks[1].measure == Measure(
        meter="m",
        counter="active_energy_import_l1",
        power="active_power_l1",
        power_times=0.001,
    )


def test_a_counter_of_both_directions_has_no_power(tmp_path: Path) -> None:
    more = '[sink.all]\nfrom = { lv = "m:active_energy_total" }'
    sink = load(tmp_path, more=more).site.sinks[1]
    assert sink.measure == Measure(meter="m", counter="active_energy_total")


def test_what_a_nameplate_says_of_a_meter(tmp_path: Path) -> None:
    text = 'name = "Main"\nserial = "2309A1177"\nclass = 0.5\nct = [600, 5]'
    loaded = load(tmp_path, text)
    meter = loaded.site.meter("m")
    assert (meter.name, meter.serial, meter.accuracy_class) == (
        "Main",
        "2309A1177",
        "0.5",
    )
    assert meter.ct == (600.0, 5.0)
    assert warnings_of(loaded) == [
        'meter "m": ct: has no effect: map "eastron-sdm630" gives primary values'
    ]


def secondary_site(tmp_path: Path) -> str:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "secondary.toml").write_text(SECONDARY, encoding="utf-8")
    return SITE.replace("eastron-sdm630", "secondary")


def test_ratios_multiply_secondary_values(tmp_path: Path) -> None:
    text = 'ct = [600, 5]\npt = [1000, 100]\nperiod = { electrical = "1s" }'
    meter = meter_of(tmp_path, text, site=secondary_site(tmp_path))
    scales = {p.point.name: p.point.scale for p in meter.points}
    assert scales == {
        "active_power": 120.0,
        "active_energy_import": 1200.0,
        "voltage_l1n": 10.0,
        "current_l1": 120.0,
        "frequency": 1.0,
    }
    energy = meter.points[1].point
    assert (energy.modulus, energy.resolution) == (2.0**32 * 1200, 1200.0)


def test_secondary_values_without_a_ratio_are_a_warning(tmp_path: Path) -> None:
    loaded = load(tmp_path, site=secondary_site(tmp_path))
    assert warnings_of(loaded) == [
        'meter "m": map: gives secondary values and no ct is stated: taken as 1'
    ]


def test_times_count_in_units_of_the_counter(tmp_path: Path) -> None:
    more = """
    [pool.air]
    carrier = "compressed_air"
    [process.c]
    takes = { lv = "m:active_energy_total" }
    gives = { air = { meter = "m", times = 0.008 } }
    [sink.air]
    remainder_of = "air"
    """.replace('takes = { lv = "m:active_energy_total" }', 'takes = { lv = "n" }')
    more += '[[meter]]\nid = "n"\nbus = "a"\nunit = 2\nmap = "eastron-sdm630"\n'
    loaded = load(tmp_path, more=more, site=secondary_site(tmp_path))
    air = loaded.site.processes[0].gives["air"]
    # The counter is in Wh, the power in kW: one kW is 1000 Wh in an hour.
    assert (air.times, air.power_times) == (0.008, 8.0)
    grid = loaded.site.sources[0].measure
    assert (grid.times, grid.power_times) == (0.001, 1.0)


def test_a_storage_with_two_measures(tmp_path: Path) -> None:
    more = """
    [storage.b]
    pool = "lv"
    charge = "m:active_energy_export"
    discharge = "m:active_energy_import_l1"
    """
    (storage,) = load(tmp_path, more=more).site.storages
    assert (storage.charge.sign, storage.discharge.sign) == (-1, 1)
    assert storage.charge_efficiency == 1.0


def test_factors_by_view_stand_in_for_those_left_out(tmp_path: Path) -> None:
    more = """
    [source.other]
    into = "lv"
    meter = "m:active_energy_export"
    [source.other.factor]
    location = "cn-grid/2023/province/jiangsu"
    physical = 0.4
    """
    factors = load(tmp_path, more=more).site.sources[1].factors
    assert {view: factor.value for view, factor in factors.items()} == {
        "location": 0.5827,
        "physical": 0.4,
        "market": 0.5827,
        "gb32150": 0.5827,
    }
    assert (factors["physical"].id, factors["physical"].series) == (
        "source.other:physical",
        "",
    )
    assert factors["market"].id == "cn-grid/2023/province/jiangsu"


def test_a_fuel_with_a_factor_of_its_own(tmp_path: Path) -> None:
    more = """
    [pool.heat]
    carrier = "heat"
    [process.boiler]
    burns = { hydrogen = { meter = "m", times = 0.3 } }
    gives = { heat = "m" }
    factor = { hydrogen = { location = 0, physical = 0.1 } }
    [sink.heat]
    remainder_of = "heat"
    """
    (process,) = load(tmp_path, more=more).site.processes
    (fuel,) = process.fuels
    assert fuel.factors["physical"].value == 0.1
    assert fuel.factors["location"].value == 0.0
    assert process.gives["heat"].times == pytest.approx(0.0036)


def test_uplinks_journal_and_page(tmp_path: Path) -> None:
    more = """
    [[uplink]]
    id = "far"
    url = "https://collector.example.com/v1/batches"
    token_file = "token"
    timeout = "3s"
    [[uplink]]
    id = "local"
    url = "http://localhost:8481/v1/batches"
    [journal]
    path = "/data/journal"
    max = "64 MB"
    min_free = "0 B"
    keep = { ledger = "365d", minutes = "2d", readings = "1d" }
    commit = "30s"
    seal = "5min"
    raw = true
    sign = "credential:seal"
    [page]
    enabled = false
    host = "0.0.0.0"
    port = 0
    """
    loaded = load(tmp_path, more=more)
    first, second = loaded.site.uplinks
    assert (first.id, first.timeout_s) == ("far", 3.0)
    assert first.token_file == str(tmp_path / "token")
    assert (second.id, second.token_file) == ("local", "")
    journal = loaded.site.journal
    assert (journal.path, journal.max_bytes) == ("/data/journal", 64_000_000)
    assert (journal.commit_ns, journal.seal_ns) == (30 * 10**9, 300 * 10**9)
    assert (journal.raw, journal.sign) == (True, "credential:seal")
    assert journal.min_free_bytes == 0
    day_ns = 86_400 * 10**9
    assert (
        journal.keep_ledger_ns,
        journal.keep_minutes_ns,
        journal.keep_readings_ns,
    ) == (365 * day_ns, 2 * day_ns, day_ns)
    page = loaded.site.page
    assert (page.enabled, page.host, page.port) == (False, "0.0.0.0", 0)
    assert loaded.warnings == ()


def test_ways_of_sending(tmp_path: Path) -> None:
    more = """
    [[uplink]]
    id = "broker"
    url = "mqtts://broker.example.com:8884"
    user = "gateway-7"
    password_file = "password"
    ca = "tls/ca.pem"
    cert = "/etc/tls/cert.pem"
    key = "credential:key"
    streams = ["state", "ledger"]
    max_rate = "20 kB/s"
    [[uplink]]
    id = "stick"
    url = "file:///mnt/usb%20stick/batches"
    [[uplink]]
    id = "beside"
    url = "file:sealed batches"
    """
    loaded = load(tmp_path, more=more)
    broker, stick, beside = loaded.site.uplinks
    assert (broker.user, broker.password_file) == (
        "gateway-7",
        str(tmp_path / "password"),
    )
    assert (broker.ca, broker.cert, broker.key) == (
        str(tmp_path / "tls/ca.pem"),
        "/etc/tls/cert.pem",
        "credential:key",
    )
    assert broker.streams == ("ledger", "state")
    assert broker.max_bytes_per_s == 20_000
    assert stick.url == "file:///mnt/usb%20stick/batches"
    assert stick.streams == STREAMS
    assert stick.max_bytes_per_s == 0
    assert beside.url == (tmp_path / "sealed batches").as_uri()
    assert loaded.warnings == ()


def test_latest_values_are_shown_where_somebody_looks(tmp_path: Path) -> None:
    more = """
    [[uplink]]
    id = "broker"
    url = "mqtt://localhost"
    live = "5s"
    [[uplink]]
    id = "quiet"
    url = "mqtt://localhost:1884"
    [[uplink]]
    id = "scada"
    url = "sparkplug://localhost/Plant%201/gateway-7"
    """
    site = load(tmp_path, more=more).site
    assert [uplink.id for uplink in site.uplinks] == ["broker", "quiet"]
    assert [(shown.id, shown.live_ns) for shown in site.live] == [
        ("broker", 5 * 10**9),
        ("scada", 10 * 10**9),
    ]


def test_the_only_uplink_needs_no_id(tmp_path: Path) -> None:
    more = '[[uplink]]\nurl = "https://collector.example.com/v1/batches"'
    (uplink,) = load(tmp_path, more=more).site.uplinks
    assert uplink.id == "uplink-1"


@pytest.mark.parametrize(
    "host", ["::", "fe80::1%eth0", "localhost", "gateway-7.works.example", "10.0.0.1"]
)
def test_hosts_of_the_page(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, more=f'[page]\nhost = "{host}"').site.page.host == host


def test_suspicious_but_legal(tmp_path: Path) -> None:
    more = """
    [[bus]]
    id = "b"
    port = "/dev/ttyS1"
    [[uplink]]
    id = "near"
    url = "http://10.0.0.2/v1/batches"
    [[uplink]]
    id = "far"
    url = "http://collector.example.com/v1/batches"
    [[uplink]]
    id = "broker"
    url = "nats://broker.example.com"
    """
    assert warnings_of(load(tmp_path, more=more)) == [
        ': bus[1]: no meter is on "b"',
        'uplink "near": url: is not encrypted, and its host is another machine',
        'uplink "far": url: is not encrypted, and its host is another machine',
        'uplink "broker": url: is not encrypted, and its host is another machine',
    ]


def test_a_port_whose_name_may_change_is_a_warning(tmp_path: Path) -> None:
    site = SITE.replace("/dev/serial/by-id/usb-a", "/dev/ttyUSB7")
    (warning,) = warnings_of(load(tmp_path, site=site))
    assert warning.startswith('bus "a": port: "/dev/ttyUSB7" may be another adapter')


def test_a_map_with_two_points_in_one_register_is_a_warning(tmp_path: Path) -> None:
    site = secondary_site(tmp_path)
    path = tmp_path / "maps" / "secondary.toml"
    text = path.read_text(encoding="utf-8").replace("address = 6", "address = 5")
    path.write_text(text, encoding="utf-8")
    loaded = load(tmp_path, "ct = [5, 5]", site=site)
    assert warnings_of(loaded) == [
        'points: electrical.current_l1: shares registers with "voltage_l1n"'
    ]


def test_a_map_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    site = secondary_site(tmp_path)
    (tmp_path / "maps" / "secondary.toml").write_text("format =", encoding="utf-8")
    with pytest.raises(Exception, match=r"secondary\.toml:1:9: TOML: "):
        load(tmp_path, site=site)


def test_a_ratio_of_the_nameplate_multiplies_every_part(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    own = SECONDARY.replace(
        'address = 2, unit = "Wh"',
        'address = 2, unit = "Wh", plus = [{ address = 10, scale = 1000 }]',
    )
    (tmp_path / "maps" / "secondary.toml").write_text(own, encoding="utf-8")
    site = SITE.replace("eastron-sdm630", "secondary")
    loaded = load(tmp_path, "ct = [600, 5]", site=site)
    points = {p.point.name: p.point for p in loaded.site.meters[0].points}
    energy = points["active_energy_import"]
    assert (energy.scale, energy.plus[0].scale) == (120.0, 120_000.0)


def test_a_storage_of_two_meters_that_count_one_way_each(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        """
        format = 1
        site = { id = "two-meters", timezone = "Asia/Shanghai" }
        meter = [
            { id = "in", points = { energy = "kWh" } },
            { id = "out", points = { energy = "kWh" } },
            { id = "main", points = { energy = "kWh" } },
        ]
        pool.lv.carrier = "electricity"
        source.grid = { into = "lv", meter = "main", factor = 0.5 }
        source.roof = { into = "lv", meter = "in", factor = 0 }
        storage.tank = { pool = "lv", charge = "in", discharge = "out" }
        sink.rest.remainder_of = "lv"
        """
    )
    loaded = load_site(path)
    storage = loaded.site.storages[0]
    assert isinstance(storage.charge, Measure)
    assert isinstance(storage.discharge, Measure)
    assert storage.charge.meter == "in"
    assert storage.discharge.meter == "out"
    assert [warning.message for warning in loaded.warnings] == [
        '"in:energy" is counted in source "roof" as well, the other way'
    ]
