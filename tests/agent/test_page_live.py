"""From the end of reception to the page: real pipeline, real stream, one tick."""

import json

import pytest
from harness.gateway import Gateway
from harness.pictures import snapshot_of
from harness.served_page import Served, with_page
from harness.sites import SECOND, reading


def test_a_reading_is_in_the_page_s_factor_with_the_next_tick(gateway: Gateway) -> None:
    gateway.seconds(10)

    async def shown(page: Served) -> float:
        """Let the tick end that runs, and return the factor that is shown then."""
        async with page.stream() as stream:
            gateway.times.pass_ns(SECOND - gateway.times.boot_ns % SECOND)
            gateway.tick()
            page.snapshot = snapshot_of(gateway)
            page.updates.publish()
            told = json.loads(await stream.event())
        (pool,) = [pool for pool in told["pools"] if pool["id"] == "lv"]
        return float(pool["factor"]["physical"])

    async def scenario(page: Served) -> None:
        # 60 kW of grid and 6 kW of an unknown battery at 0.6, 30 kW of sun.
        assert await shown(page) == pytest.approx(0.6 * 66 / 96)
        gateway.times.pass_ns(SECOND * 7 // 10)
        dark = reading(gateway.site, "pv", gateway.times.boot_ns, active_power=0.0)
        gateway.deliver([dark])
        # The tick has 0.3 s left; what came in within it is in its event.
        assert await shown(page) == pytest.approx(0.6)

    with_page(scenario)
