"""The receiver's PostgreSQL: many receivers, months apart, a server that goes away."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from harness.postgres import PostgresServer
from harness.receiving import receiving
from harness.sealed_batches import START_MS, power_table, sealed
from harness.taking import take

from zerometer.agent.batch import batch_hash, decode
from zerometer.agent.receiver import postgres_store
from zerometer.agent.receiver.errors import StoreBusyError, StoreError
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.postgres_store import PostgresDatabase, open_postgres


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def partitions(url: str) -> set[str]:
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits " \
          "WHERE inhparent = 'sample'::regclass"  # fmt: skip
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute(sql)}


def test_samples_are_kept_by_month(url: str) -> None:
    with closing(open_postgres(url)) as store:
        # A month has 2,678,400 s: batch 1 ends in January, batch 2 begins there.
        rows = 1_500_000
        for seq in (1, 2):
            tables = [power_table(seq, 2), power_table(seq * rows // 2, 2)]
            take(store, sealed(seq, tables=tables))
        assert partitions(url) == {"sample_other", "sample_2026_01", "sample_2026_02"}
        (row,) = store.query("SELECT count(*) AS count FROM sample_2026_02")
        assert row["count"] == 2
        (row,) = store.query("SELECT count(*) AS count FROM sample_other")
        assert row["count"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_receivers_side_by_side_lose_and_double_nothing(url: str, seed: int) -> None:
    """Each is offered every batch of three sources, in groups, in an own order."""
    batches = [
        sealed(seq, source=bytes([source]) * 16)
        for source in range(3)
        for seq in range(1, 21)
    ]

    def receive(number: int) -> list[str]:
        order = random.Random(10 * seed + number).sample(batches, len(batches))
        statuses = []
        with closing(open_postgres(url)) as store:
            for start in range(0, len(order), 7):
                group = [
                    Incoming(decode(data), batch_hash(data), 0)
                    for data in order[start : start + 7]
                ]
                for outcome in store.commit(group):
                    assert isinstance(outcome, Receipt)
                    statuses.append(outcome.status)
        return statuses

    with ThreadPoolExecutor(3) as pool:
        outcomes = Counter(s for found in pool.map(receive, range(3)) for s in found)
    assert outcomes == {"stored": 60, "duplicate": 120}
    with closing(open_postgres(url)) as store:
        sql = "SELECT count(*) AS rows, count(DISTINCT source) AS sources FROM reading"
        assert store.query(sql) == [{"rows": 180, "sources": 3}]
        assert store.query("SELECT count(*) AS count FROM series") == [{"count": 3}]


def test_a_lost_connection_is_made_again(url: str) -> None:
    with closing(open_postgres(url)) as store:
        take(store, sealed(1))
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'zerometer receive' "
                "AND datname = current_database()"
            )
        with pytest.raises(StoreBusyError, match="PostgreSQL: ") as refused:
            take(store, sealed(2))
        assert refused.value.retry_after_s == 5
        assert take(store, sealed(2)).status == "stored"


def test_a_server_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(StoreError, match="PostgreSQL: connection failed") as refused:
        open_postgres("postgresql://someone:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(refused.value)


def test_a_database_of_something_else_is_left_alone(url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("CREATE TABLE batch (id integer)")
    with pytest.raises(StoreError, match="of another application"):
        open_postgres(url)


def test_a_newer_schema_is_refused(url: str) -> None:
    open_postgres(url).close()
    with psycopg.connect(url) as other:
        other.execute("UPDATE zerometer SET schema_version = 99")
    with pytest.raises(StoreError, match="schema version is 99, known is 2"):
        open_postgres(url)


def test_what_is_committed_is_on_the_servers_disk(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as administrator:
        name = administrator.info.dbname
        administrator.execute(
            f"ALTER DATABASE {name} SET synchronous_commit = off".encode()
        )
    with closing(open_postgres(url)) as store:
        sql = "SELECT current_setting('synchronous_commit') AS setting"
        assert store.query(sql) == [{"setting": "on"}]


def test_two_receivers_make_the_same_month(url: str) -> None:
    with closing(open_postgres(url)) as one, closing(open_postgres(url)) as other:
        for store, seq in ((one, 1), (other, 2)):
            assert take(store, sealed(seq)).status == "stored"
        assert START_MS == 1_767_225_600_000
        assert partitions(url) == {"sample_other", "sample_2026_01"}


def test_a_server_that_is_away_asks_senders_to_come_back(
    url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "REST_S", 0.0)
    with receiving(url) as receiver:
        assert receiver.post(sealed(1))[0] == 200
        postgres.stop("immediate")
        try:
            status, headers, body = receiver.post(sealed(2))
            assert (status, body["error"]) == (503, "store-busy")
            assert headers["Retry-After"] == "5"
            assert receiver.request("GET", "/v1/status")[0] == 503
        finally:
            postgres.start()
        # What was acknowledged has survived, what was not is taken now.
        for seq, outcome in ((1, "duplicate"), (2, "stored")):
            assert receiver.post(sealed(seq))[2]["status"] == outcome


def test_a_server_that_is_away_is_left_alone_for_a_while(
    url: str, postgres: PostgresServer
) -> None:
    """Nobody who waits for the database waits for the network as well."""
    now_s = 100.0
    database = PostgresDatabase(url, lambda: now_s)
    with closing(database):
        postgres.stop("immediate")
        try:
            with pytest.raises(StoreBusyError):
                database.execute("SELECT 1")  # the connection breaks
            with pytest.raises(StoreBusyError, match="connection"):
                database.execute("SELECT 1")  # it cannot be made
        finally:
            postgres.start()
        with pytest.raises(StoreBusyError, match="the server could not be reached"):
            database.check()
        now_s += postgres_store.REST_S
        database.check()
        assert database.execute("SELECT 1") == [(1,)]
