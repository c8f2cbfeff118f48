"""A small fleet through each broker into PostgreSQL; one of two receivers is killed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.fleet_gateways import run_fleet
from harness.fleet_plant import BROKERS, fleet_plant
from harness.nats_peer import nats_peer
from harness.postgres import PostgresServer, postgres_server

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]

GATEWAYS = 20
INTERVAL_S = 0.2
TIME_S = 5.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.mark.parametrize("kind", BROKERS)
def test_nothing_is_lost_and_nothing_doubled(
    tmp_path: Path, postgres: PostgresServer, kind: str
) -> None:
    with fleet_plant(tmp_path, kind, postgres) as plant:
        if kind == "nats":  # so that nobody waits half a minute for the one that died
            with nats_peer(plant.url) as peer:
                peer.add_stream()
                peer.add_consumer(ack_wait=1)
        plant.add_receiver()
        plant.add_receiver()
        killer = threading.Timer(TIME_S / 2, plant.kill_receiver)
        killer.start()
        run = run_fleet(plant.url, GATEWAYS, INTERVAL_S, TIME_S, INTERVAL_S)
        killer.join()
        assert run.batches >= GATEWAYS * (TIME_S / INTERVAL_S - 1)
        plant.check(run)
