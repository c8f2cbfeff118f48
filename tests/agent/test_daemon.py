"""The daemon in this process: a simulated line, real threads, real signals."""

import asyncio
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import rows, windows
from harness.journals import open_journal, unsent
from harness.receiving import receiving
from harness.running_agent import Running, last_status, page_of, quick_site, run_agent
from harness.sites import market_site

from zerometer.agent import daemon as daemon_module
from zerometer.agent.batch import Batch, decode
from zerometer.agent.certificates import matcher
from zerometer.agent.certificates.store import CertificateStore
from zerometer.agent.factors.store import FactorStore
from zerometer.agent.journal import Commit
from zerometer.agent.page import keeper
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.errors import ConfigError, JournalError, UsageError, ZerometerError
from zerometer.core.matching import Certificate
from zerometer.core.site import PageSettings, Site
from zerometer.drivers.simulator.factory import Factory, build
from zerometer.drivers.simulator.faults import garbage


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return quick_site(tmp_path)


@pytest.fixture
def factory(site: Site) -> Iterator[Factory]:
    with build(site, turnaround_ns=1_000_000) as factory:
        yield factory


def sealed(site: Site, stream: str) -> list[Batch]:
    """Return what a stopped agent has in its journal."""
    with closing(open_journal(Path(site.journal.path))) as journal:
        stored = [b for b in unsent(journal, "test") if b.stream == stream]
    return [decode(batch.data) for batch in stored]


@pytest.mark.usefixtures("factory")
def test_it_reads_accounts_forwards_and_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(tmp_path / "received.sqlite") as receiver:
        site = quick_site(tmp_path, page=True, uplink=receiver.url)

        async def scenario(agent: Running) -> None:
            await agent.until(lambda: agent.meter("gas")["quality"] == "measured")
            await agent.until(lambda: agent.look()["uplinks"][0]["sent_batches"])
            address = capsys.readouterr().out.strip()
            shown = await asyncio.to_thread(page_of, address)
            assert shown["site"]["id"] == "small"
            assert {meter["quality"] for meter in shown["meters"]} == {"measured"}
            assert shown["buses"][0]["state"] == "open"

        run_agent(site, scenario)
    database = sqlite3.connect(tmp_path / "received.sqlite")
    with closing(database):
        (received,) = database.execute(
            "SELECT count(*), sum(samples) FROM batch"
        ).fetchall()
    last = last_status(site)
    journal = last["journal"]
    assert received == (journal["batches_sealed"], journal["samples_sealed"])
    assert received > (2, 50)
    assert last["uplinks"][0]["backlog"] == 0
    (minute, *_) = windows(sealed(site, "minutes")).values()
    assert isinstance(minute["covered"], float)
    assert 0 < minute["covered"] < 60


def test_a_meter_that_answers_garbage_spoils_only_itself(
    site: Site, factory: Factory
) -> None:
    factory.lines["bus"].give(5, garbage())

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: sum(agent.meter("line")["errors"].values()) > 2)
        await agent.until(lambda: agent.meter("gas")["quality"] == "measured")

    run_agent(site, scenario)
    meters = {meter["id"]: meter for meter in last_status(site)["meters"]}
    assert meters.pop("line")["quality"] == "missing"
    assert {meter["quality"] for meter in meters.values()} == {"measured"}
    assert all(meter["errors"] == {} for meter in meters.values())
    powers = rows(sealed(site, "readings"), "readings/line/power")
    assert {row["active_power"] for row in powers} == {None}
    powers = rows(sealed(site, "readings"), "readings/pv/power")
    assert None not in {row["active_power"] for row in powers}
    events = rows(sealed(site, "ledger"), "events")
    garbled = [event for event in events if event["kind"] == "garbage"]
    assert {event["subject"] for event in garbled} == {"line"}
    assert "bus bus, meter line (unit 5): " in str(garbled[0]["text"])


def test_a_port_that_is_missing_is_waited_for(site: Site) -> None:
    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.said("port-lost"))
        assert agent.look()["buses"][0]["state"] == "closed"
        with build(site, turnaround_ns=1_000_000):
            await agent.until(lambda: agent.said("port-back"))
            await agent.until(lambda: agent.meter("pv")["quality"] == "measured")
            agent.terminate()
            await agent.until(lambda: not agent.daemon._buses[0].statistics().alive)

    run_agent(site, scenario)
    kinds = [event["kind"] for event in rows(sealed(site, "ledger"), "events")]
    assert kinds[:2] == ["port-lost", "port-back"]


@pytest.mark.usefixtures("factory")
def test_a_tick_that_fails_stops_it_and_loses_no_commit(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    committed = 0

    async def scenario(agent: Running) -> None:
        nonlocal committed
        await agent.until(lambda: agent.look()["journal"]["batches"])
        committed = agent.look()["journal"]["batches"]
        agent.daemon._pipeline._recorder._streams["readings"].next_seq = 999
        await asyncio.sleep(60)  # it stops by itself

    with pytest.raises(UsageError, match="seq is 999"):
        run_agent(site, scenario)
    assert "a tick failed" in caplog.text
    assert not (Path(site.journal.path) / "last-status.json").exists()

    async def again(agent: Running) -> None:
        await agent.until(lambda: agent.look()["journal"]["batches"] > committed)

    run_agent(site, again)
    numbers = [batch.header.seq for batch in sealed(site, "readings")]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.usefixtures("factory")
def test_a_bus_whose_thread_has_ended_stops_it_in_order(site: Site) -> None:
    """Better started again by the service manager than blind; rows are kept."""

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.meter("pv")["quality"] == "measured")
        agent.daemon._buses[0].stop()
        await asyncio.sleep(60)  # it stops by itself

    with pytest.raises(ZerometerError, match="bus bus: its thread has ended") as caught:
        run_agent(site, scenario)
    assert caught.value.exit_code == 1
    powers = rows(sealed(site, "readings"), "readings/pv/power")
    assert len(powers) == last_status(site)["meters"][0]["transactions"]
    assert windows(sealed(site, "minutes"))


@pytest.mark.usefixtures("factory")
def test_it_goes_on_when_its_journal_is_deleted(site: Site) -> None:
    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.look()["journal"]["batches"])
        shutil.rmtree(site.journal.path)
        await agent.until(lambda: "journal" in agent.said("journal"))
        await agent.until(lambda: agent.look()["journal"]["batches"])
        assert agent.look()["journal"]["error"] is None

    run_agent(site, scenario)
    texts = [
        str(event["text"])
        for event in rows(sealed(site, "ledger"), "events")
        if event["kind"] == "journal"
    ]
    assert any("journal.db: is gone" in text for text in texts)
    with closing(open_journal(Path(site.journal.path))) as journal:
        assert journal.notices == []


@pytest.mark.usefixtures("factory")
def test_it_meters_while_the_address_of_its_page_is_taken(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_RETRY_S", 0.05)
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    printed = []

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.meter("pv")["quality"] == "measured")
        assert agent.said("page") == ["page"]
        assert capsys.readouterr().out == ""
        taken.close()
        await agent.until(
            lambda: printed.append(capsys.readouterr().out) or printed[-1]
        )
        shown = await asyncio.to_thread(page_of, printed[-1].strip())
        assert shown["site"]["id"] == "small"

    with taken:
        run_agent(replace(site, page=PageSettings(port=port)), scenario)
    assert printed[-1] == f"http://127.0.0.1:{port}/\n"
    (event, *_) = [
        event
        for event in rows(sealed(site, "ledger"), "events")
        if event["kind"] == "page"
    ]
    assert f"port {port}: " in str(event["text"])


@pytest.mark.usefixtures("factory")
def test_it_stops_while_its_page_waits_for_an_address(site: Site) -> None:
    """192.0.2.0/24 is for documentation: no machine has it."""
    site = replace(site, page=PageSettings(host="192.0.2.1", port=0))

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.meter("pv")["quality"] == "measured")

    run_agent(site, scenario)
    assert "page" in [e["kind"] for e in rows(sealed(site, "ledger"), "events")]


def test_a_page_whose_address_can_never_be_had_is_a_fault_of_the_site(
    site: Site,
) -> None:
    """The journal is let go, and what the last run left stays."""
    left = Path(site.journal.path) / "last-status.json"
    left.parent.mkdir()
    left.write_text("{}", encoding="utf-8")
    site = replace(site, page=PageSettings(host="no.such.host.invalid"))
    with pytest.raises(ConfigError, match=r"listen on no\.such\.host"):
        asyncio.run(daemon_module.run(site))
    assert left.read_text(encoding="utf-8") == "{}"
    assert sealed(site, "readings") == []


def test_a_second_agent_on_a_journal_is_refused(site: Site) -> None:
    folder = Path(site.journal.path)
    with (
        closing(open_journal(folder)),
        pytest.raises(JournalError, match="in use by another agent"),
    ):
        asyncio.run(daemon_module.run(site))


def test_a_journal_that_cannot_be_taken_up_is_let_go(site: Site) -> None:
    folder = Path(site.journal.path)
    with closing(open_journal(folder)) as journal:
        segment = b"\x92\x09\xc0"  # of format 9
        journal.append(Commit(state=b"", segments=[("readings", segment)])).result()
    with pytest.raises(JournalError, match="segment format 9"):
        asyncio.run(daemon_module.run(site))
    open_journal(folder).close()


def test_a_damaged_journal_is_an_event(site: Site) -> None:
    folder = Path(site.journal.path)
    folder.mkdir()
    (folder / "journal.db").write_bytes(b"no database" * 500)

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.said("journal"))

    run_agent(site, scenario)
    (event, *_) = rows(sealed(site, "ledger"), "events")
    assert "set aside as" in str(event["text"])


def test_certificates_are_matched_while_it_runs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is longer than an hour, without a profile, matches nothing: an event."""
    monkeypatch.setattr(matcher, "SPACING_S", 0.05)
    site = market_site(site, matching="hour")
    hour_ns = 4 * QUARTER_NS
    start_ns = time.time_ns() // hour_ns * hour_ns - 3 * hour_ns
    store = CertificateStore(Path(site.journal.path))
    store.book([("grid", start_ns + n * QUARTER_NS, 25.0) for n in range(8)])

    async def scenario(agent: Running) -> None:
        await agent.until(lambda: agent.meter("grid"))
        whole = Certificate(
            id="GEC", kind="certificate", source="grid", start_ns=start_ns,
            end_ns=start_ns + hour_ns, quantity=50.0,
        )  # fmt: skip
        long = replace(whole, id="DAY", end_ns=start_ns + 24 * hour_ns)
        store.add([whole, long], [])
        await agent.until(lambda: agent.said("certificates"))

    run_agent(site, scenario)
    with FactorStore(Path(site.journal.path)) as factors:
        values = [row.value for row in factors.rows("market/grid")]
    assert values == pytest.approx([0.5 * 0.9] * 4 + [0.9] * 4)
