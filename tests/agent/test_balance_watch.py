"""Balances of pools, watched while the agent runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import POWERS_W, Gateway, journalled_site

from zerometer.core.site import Site


def site(folder: Path) -> Site:
    """Return the small site with meters of 1 %."""
    plain = journalled_site(folder)
    return replace(
        plain,
        meters=tuple(replace(m, accuracy_class="1") for m in plain.meters),
    )


@pytest.mark.parametrize(
    ("line_w", "told"),
    # 96 kW come in; with the compressor's 24 kW, 72 are left.
    [(72_500.0, []), (76_000.0, ["lv"])],
)
def test_a_quarter_that_meters_cannot_have_measured_is_told(
    tmp_path: Path, line_w: float, told: list[str]
) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.world.powers_w.update(POWERS_W | {"line": line_w})
        gateway.seconds(1000)
        found = [e for e in gateway.events.recent if e.kind == "balance-negative"]
        assert [e.subject for e in found] == told
        for event in found:
            assert event.text.startswith("1 kWh more went out than came in")
