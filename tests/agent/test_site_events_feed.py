"""A running agent follows what its site is told."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import Gateway, journalled_site, rows

from zerometer.agent.site_events.feed import EventFeed, told
from zerometer.agent.site_events.store import EventStore
from zerometer.config.problems import FileError
from zerometer.core.event import SiteEvent

LEAK = SiteEvent(
    time_ns=1_772_323_200_000_000_000, kind="refrigerant", subject="R410A",
    quantity=2.0, unit="kg", text="chiller 2", evidence="invoice 7",
)  # fmt: skip
TOLD = (
    "refrigerant at 2026-03-01T00:00:00Z 2.0 kg, emits 4511 kg CO2e, chiller 2, "
    "invoice 7"
)


def tell(folder: Path, *events: SiteEvent) -> None:
    with closing(EventStore(folder)) as store:
        store.add(events, 1)


def test_an_event_is_taken_up_within_a_tick(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.seconds(2)
        assert gateway.events.recent == []
        tell(tmp_path, LEAK)
        gateway.seconds(1)
        (event,) = gateway.events.recent
        assert (event.kind, event.subject, event.text) == ("told", "R410A", TOLD)
        gateway.seconds(3)
        assert len(gateway.events.recent) == 1
        gateway.stop()
        sent = rows(gateway.books(), "events")
        assert [(row["kind"], row["text"]) for row in sent] == [("told", TOLD)]


def test_a_restart_goes_on_after_the_last_event(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        tell(tmp_path, LEAK)
        gateway.seconds(1)
        gateway.stop()
        tell(tmp_path, replace(LEAK, quantity=3.0))
        gateway.start()
        gateway.seconds(1)
        assert [e.text.split(",")[1] for e in gateway.events.recent] == [
            " emits 6766.5 kg CO2e"
        ]


def test_an_event_after_the_last_commit_comes_again_after_a_kill(
    tmp_path: Path,
) -> None:
    site = journalled_site(tmp_path, commit_s=600)
    with Gateway(tmp_path, site) as gateway:
        gateway.seconds(2)
        tell(tmp_path, LEAK)
        gateway.seconds(1)
        gateway.kill()
        gateway.start()
        gateway.seconds(1)
        assert [e.kind for e in gateway.events.recent] == ["told"]


def test_the_file_of_the_site_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "time,kind,subject,quantity,unit,text,evidence\n"
        "1772323200,refrigerant,R410A,2,kg,chiller 2,invoice 7\n",
        encoding="utf-8",
    )
    site = replace(journalled_site(tmp_path / "state"), events=str(path))
    with closing(EventFeed(site)) as feed:
        assert feed.take_file(site, 5) == 1
        assert feed.take_file(site, 6) == 0
        assert feed.new() == [LEAK]
        assert feed.new() == []
        path.write_text("time,kind,subject\n1,party,x\n", encoding="utf-8")
        with pytest.raises(FileError, match=r"events\.csv:2:1: event: kind"):
            feed.take_file(site, 7)


def test_an_event_is_said_in_words() -> None:
    site = journalled_site(Path())
    change = SiteEvent(time_ns=0, kind="meter-change", subject="line", quantity=0.0,
                       final=81250.5)  # fmt: skip
    assert told(change, site) == (
        "meter-change at 1970-01-01T00:00:00Z 0.0 after 81250.5"
    )
    capture = SiteEvent(time_ns=0, kind="capture", subject="boiler", quantity=1.0,
                        unit="t", permanent=True)  # fmt: skip
    assert told(capture, site) == (
        "capture at 1970-01-01T00:00:00Z 1.0 t for good, emits -1000 kg CO2e"
    )


def test_what_a_storage_holds_is_trued_up(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.seconds(100)
        anchored = SiteEvent(time_ns=gateway.times.wall_ns, kind="storage-anchor",
                             subject="battery", quantity=30.0)  # fmt: skip
        tell(tmp_path, anchored)
        gateway.seconds(100)
        # It discharges 6 kW, most of a minute of which has been booked since.
        held = gateway.pipeline.accounting.attribution.held(0).energy
        assert 29.5 < held < 30.0
        tell(tmp_path, replace(anchored, quantity=5.0))
        gateway.seconds(1)
        late = [e for e in gateway.events.recent if e.kind == "event-late"]
        assert [e.subject for e in late] == ["battery"]
        assert gateway.pipeline.accounting.attribution.held(0).energy > 29.5
