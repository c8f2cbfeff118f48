"""What an agent is trusted with is in no message, page, database or journal."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from harness.broker import broker
from harness.plant import Plant
from harness.running_agent import page_of
from harness.whole_chain import QUICK

from zerometer.agent.batch import decode
from zerometer.agent.demo.scene import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

#: One for each place that takes a secret: a token, passwords, a query.
CANARIES = [f"canary-{place}-7391" for place in ("token", "mqtt", "query", "nats")]
PATIENCE_S = 20.0


def uplinks(folder: Path, mqtt_port: int) -> str:
    """Return what else the agent sends to: one refuses, one is not there."""
    for canary in CANARIES:
        (folder / canary.split("-")[1]).write_text(canary + "\n")
        (folder / canary.split("-")[1]).chmod(0o600)
    return "\n".join(
        [
            f'id = "receiver"\ntoken_file = "{folder}/token"',
            '[[uplink]]\nid = "broker"',
            f'url = "mqtt://127.0.0.1:{mqtt_port}"',
            f'user = "gateway"\npassword_file = "{folder}/mqtt"',
            '[[uplink]]\nid = "nobody"',
            f'url = "http://127.0.0.1:{free_port()}/v1/batches?key={CANARIES[2]}"',
            '[[uplink]]\nid = "nats"',
            f'url = "nats://127.0.0.1:{free_port()}"',
            f'user = "gateway"\npassword_file = "{folder}/nats"',
        ]
    )


def all_tried(shown: list[dict[str, Any]]) -> bool:
    """Tell whether one uplink sent something, and each other says why it did not."""
    first, *others = shown
    return first["sent_batches"] > 2 and all(up["last_error"] for up in others)


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with broker(tmp_path, "gateway", "another") as port:
        more = r"\g<0>\n" + uplinks(secrets, port)
        page_port = free_port()
        sites = QUICK | {
            r'(?m)^url = ".*/v1/batches"$': more,
            "\nport = 0\n": f"\nport = {page_port}\n",
        }
        with Plant(tmp_path, replace=sites) as plant:
            agent = plant.agent()
            page = agent.line()
            end = time.monotonic() + PATIENCE_S
            while not all_tried(shown := page_of(page)["uplinks"]):
                assert time.monotonic() < end, shown
                time.sleep(0.2)
            told = json.dumps(page_of(page))
            agent.stop()
            plant.finish()
    batches = [decode(data) for data in plant.journalled().values()]
    assert batches
    places = {
        path: path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and path != plant.site and secrets not in path.parents
    }
    assert {agent.log, plant.database, plant.journal / "journal.db"} <= places.keys()
    for canary in CANARIES:
        name = canary.encode()
        assert canary not in told
        assert canary not in repr(batches)
        assert [path for path, data in places.items() if name in data] == []
