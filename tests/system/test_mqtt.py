"""The whole chain over a broker: metered, published, received; and seen by SCADA."""

import json
import time
from pathlib import Path

import pytest
from harness.broker import mosquitto
from harness.kills import wait_until_all_arrived
from harness.mqtt_ends import listening
from harness.plant import Plant
from harness.sparkplug import read

from zerometer.agent.batch import batch_hash

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

QUICK = {
    r'commit = "5s"': 'commit = "1s"',
    r'seal = "10s"': 'seal = "1s"',
    r'energy = "5s"': 'energy = "1s"',
    r"baud = 9600": "baud = 115200",
}


def test_all_batches_arrive_though_the_broker_is_killed(tmp_path: Path) -> None:
    with mosquitto(tmp_path, ["allow_anonymous true"]) as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        scada = f"sparkplug://127.0.0.1:{broker.port}/Plant/gateway"
        uplinks = "\n".join(
            f'[[uplink]]\nid = "{name}"\nurl = "{to}"\nlive = "1s"'
            for name, to in (("broker", url), ("scada", scada))
        )
        sites = QUICK | {r'\[\[uplink\]\]\nurl = ".*"': uplinks}
        with Plant(tmp_path, replace=sites, brokers=[url]) as plant:
            agent = plant.agent()
            with (
                listening(broker.port, "zerometer/1/+/live/+") as live,
                listening(broker.port, "spBv1.0/Plant/#") as host,
            ):
                document = json.loads(live.next().payload)
                assert document["values"]
                topic = ""
                while not topic.startswith("spBv1.0/Plant/DDATA/gateway/"):
                    message = host.next()
                    topic = message.topic
                    assert read(message.payload).timestamp > 0
            broker.kill()
            time.sleep(2)
            broker.start()
            with listening(broker.port, "zerometer/1/+/state") as state:
                assert state.next().payload == b'{"online":true}'
                # Agent and receiver come back when it is their time.
                wait_until_all_arrived(plant)
                agent.stop()
                assert state.next().payload == b'{"online":false}'
            plant.finish()
            journalled = plant.journalled()
            received = plant.rows("SELECT stream, seq, hash FROM batch")
            assert len(received) == len(journalled) >= 5
            for stream, seq, digest in received:
                assert batch_hash(journalled[stream, seq]) == digest
