"""Days without a network, and what a receiver has when it is back; see bench/outage."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from harness.gateway import Gateway, journalled_site
from harness.journals import unsent
from harness.receiving import Receiving, receiving

from zerometer.agent.uplink.base import Batch
from zerometer.agent.uplink.schemes import open_sender
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.site import UplinkSettings

#: What a few thousand seconds do not fit into.
MAX_BYTES = 500_000
OUTAGE_S = 1500
#: What the main file and a commit take, before there is room for it.
COMMIT_BYTES = 100_000
PATIENCE_S = 8.0


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "received.sqlite") as receiver:
        yield receiver


def refused(batch: Batch, why: str) -> None:
    raise AssertionError(f"{batch.stream}/{batch.seq}: {why}")


def test_what_was_kept_arrives_and_the_rest_is_declared(
    tmp_path: Path, receiver: Receiving
) -> None:
    folder = tmp_path / "journal"
    site = journalled_site(folder, commit_s=60, seal_s=60)
    small = replace(site.journal, max_bytes=MAX_BYTES, raw=True)
    with Gateway(folder, replace(site, journal=small)) as gateway:
        drawn = Random(1)
        largest = 0
        for _ in range(OUTAGE_S):
            for meter in gateway.world.powers_w:
                gateway.world.powers_w[meter] = drawn.uniform(0.0, 1e5)
            gateway.seconds(1)
            largest = max(largest, gateway.journal.info().bytes)
        assert largest <= MAX_BYTES + COMMIT_BYTES
        gateway.stop()
        gateway.start()
        assert gateway.journal.gaps("readings")
        assert gateway.journal.gaps("ledger") == ()
        for _ in range(3):  # and so batches that declare all of them
            gateway.seconds(61)
        newest = {batch.stream: batch.seq for batch in gateway.journal.newest("up")}
        settings = UplinkSettings(id="up", url=receiver.url)
        sender = open_sender(settings, gateway.journal.source)
        uplink = Uplink(
            settings,
            gateway.journal,
            sender,
            event=lambda *_: None,
            reissue=refused,
            draw=lambda: 0.0,
        )
        uplink.start()
        until = time.monotonic() + PATIENCE_S
        while unsent(gateway.journal) and time.monotonic() < until:
            time.sleep(0.02)
        uplink.stop(0.0)
        assert unsent(gateway.journal) == []
    with closing(sqlite3.connect(tmp_path / "received.sqlite")) as database:
        has = database.execute("SELECT stream, seq FROM batch").fetchall()
        told = database.execute(
            "SELECT stream, first, last FROM gap JOIN batch ON batch.id = gap.batch"
        ).fetchall()
    for stream, last in newest.items():
        numbers = {seq for name, seq in has if name == stream}
        missing = set(range(1, last + 1)) - numbers
        lost = [range(g0, g1 + 1) for name, g0, g1 in told if name == stream]
        assert missing == set(chain.from_iterable(lost))
