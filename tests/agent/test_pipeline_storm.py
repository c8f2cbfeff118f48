"""Whatever meters and clocks say: the agent lives, and its books balance."""

from random import Random

import pytest
from harness.gateway import Gateway, journalled_site, windows
from harness.sites import SECOND, reading
from harness.tables import check_balance
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.agent.graph_picture import GraphPicture
from zerometer.agent.page.stream import encode

WATTS = [0.0, 1.0, -1.0, 47e3, -80e3, 9.9e7, -9.9e7, 1.1e8, 1e30, -3e38, float("nan")]
COUNTS = [0.0, 1e-3, 1.0, 999.5, 1e5, 1e9, 3e38, -5.0, float("nan")]
STEPS_S = [-(10**7), -7200, -90, -1, 1, 90, 7200, 10**7]


def strange(random: Random, gateway: Gateway) -> None:
    """Let one strange thing happen."""
    now_ns = gateway.times.boot_ns
    meter = random.choice(["grid", "pv", "battery", "compressor", "line"])
    what = random.choice(["power", "counter", "volume", "silence", "clock", "kill",
                          "outage", "stop", "world"])  # fmt: skip
    if what == "power":
        values = {"active_power": random.choice(WATTS)}
        gateway.deliver([reading(gateway.site, meter, now_ns, **values)])
    elif what == "counter":
        values = {"active_energy_import": random.choice(COUNTS)}
        gateway.deliver([reading(gateway.site, meter, now_ns, **values)])
    elif what == "volume":
        values = {"volume": random.choice(COUNTS)}
        gateway.deliver([reading(gateway.site, "gas", now_ns, **values)])
    elif what == "silence":
        gateway.world.dead ^= {meter, "gas"}
    elif what == "clock":
        gateway.times.wall_ns += random.choice(STEPS_S) * SECOND
    elif what == "world":
        gateway.world.powers_w[meter] = random.uniform(-90e3, 90e3)
    else:
        gateway.stop() if what == "stop" else gateway.kill()
        gateway.unseen(random.choice([0, 1, 59, 1000]) if what == "outage" else 0)
        gateway.start()


@settings(max_examples=5)
@given(st.integers(0, 2**32))
def test_nothing_that_can_be_read_stops_it(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder, random = tmp_path_factory.mktemp("journal"), Random(seed)
    with Gateway(folder, journalled_site(folder, commit_s=6, seal_s=20)) as gateway:
        for _ in range(30):
            gateway.seconds(random.choice([0, 1, 3, 20]))
            strange(random, gateway)
            picture = GraphPicture(gateway.pipeline.accounting, gateway.times.wall_ns)
            encode({"links": picture.links(), "places": picture.places()})
        gateway.seconds(1)
        gateway.stop()
        ledger = gateway.books()
        check_balance(ledger)
        for window in windows(ledger).values():
            covered, share = window["covered"], window["measured_share"]
            assert isinstance(covered, float)
            assert isinstance(share, float)
            assert covered > 0  # a minute to which the clock was set back is longer
            assert 0 <= share <= 1
        assert gateway.sealed("readings")
