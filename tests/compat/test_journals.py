"""Journals that releases left, kept as files: this version goes on with them.

Each ran the small site for 468 s: the battery discharged what it had before, charged
for 300 s and discharged again. One agent was stopped in order, one was killed.
"""

import gzip
import json
from pathlib import Path

import pytest
from harness.gateway import LINE, Gateway, Times, journalled_site, kwh, total

HERE = Path(__file__).parent
KEPT = sorted(HERE.glob("*/*.db.gz"))


def taken_up(kept: Path, folder: Path) -> Gateway:
    """Return a gateway on a copy of a kept journal, at the moment of its end."""
    (folder / "journal.db").write_bytes(gzip.decompress(kept.read_bytes()))
    facts = json.loads(kept.with_name(kept.name.replace(".db.gz", ".json")).read_text())
    times = Times(facts["boot_ns"], facts["wall_ns"])
    gateway = Gateway(folder, journalled_site(folder), times)
    gateway.world.imports = facts["imports"]
    gateway.world.exports = facts["exports"]
    gateway.world.volume = facts["volume"]
    return gateway


@pytest.mark.parametrize(
    "kept", KEPT, ids=lambda kept: f"{kept.parent.name}-{kept.name}"
)
def test_counters_and_tanks_go_on(kept: Path, tmp_path: Path) -> None:
    """The index neither starts anew nor loses what passes meanwhile."""
    facts = json.loads(kept.with_name(kept.name.replace(".db.gz", ".json")).read_text())
    with taken_up(kept, tmp_path) as gateway:
        accounting = gateway.pipeline.accounting
        tank = accounting.attribution.held(0)
        origins = [origin.name for origin in accounting.network.origins]
        held = {
            name: kwh for name, kwh in zip(origins, tank.origins, strict=True) if kwh
        }
        assert tank.energy == pytest.approx(facts["battery"]["kWh"], rel=1e-9)
        assert held == pytest.approx(facts["battery"]["origins"], rel=1e-9)
        gateway.unseen(30)
        gateway.seconds(182)
        index = accounting.metering.counters.index
        assert index("line", "active_energy_import") == pytest.approx(
            gateway.world.imports["line"], abs=kwh(5)
        )
        gateway.stop()
        booked = total(gateway.books(), LINE)
    # 468 s before, 30 s that nobody saw, 182 s since. Minutes were in the ledger's
    # stream then: what was open of it is sealed there.
    assert booked == pytest.approx(kwh(680), rel=1e-3)


def test_every_release_is_there() -> None:
    assert {kept.parent.name for kept in KEPT} == {"0.1"}
    assert {kept.name for kept in KEPT} == {"stopped.db.gz", "killed.db.gz"}
