"""The event stream: one event per tick, bounded, and ended in time."""

import asyncio
import json

from harness.served_page import Served, with_page

from zerometer.agent.page.stream import EventStream
from zerometer.agent.page.updates import Updates


async def _clients_become(updates: Updates, count: int) -> None:
    while updates.clients != count:
        await asyncio.sleep(0)


def test_one_event_per_tick_rendered_once() -> None:
    async def scenario(page: Served) -> None:
        async with page.stream() as one, page.stream() as two:
            assert one.headers["content-type"].startswith("text/event-stream")
            assert one.headers["cache-control"] == "no-store"
            await _clients_become(page.updates, 2)
            for tick in range(3):
                page.snapshot = {"tick": tick}
                page.updates.publish()
                for stream in (one, two):
                    assert json.loads(await stream.event()) == {"tick": tick}
            assert page.rendered == 3

    with_page(scenario)


def test_nothing_is_rendered_for_nobody() -> None:
    async def scenario(page: Served) -> None:
        page.updates.publish()
        await page.get("/")
        assert page.rendered == 0

    with_page(scenario)


def test_no_more_than_admitted() -> None:
    async def scenario(page: Served) -> None:
        async with page.stream():
            async with page.stream() as second:
                assert second.status == 503
            assert page.updates.clients == 1

    with_page(scenario, Updates(max_clients=1))


def test_client_that_leaves_is_forgotten() -> None:
    async def scenario(page: Served) -> None:
        async with page.stream():
            await _clients_become(page.updates, 1)
        await _clients_become(page.updates, 0)

    with_page(scenario)


def test_close_ends_the_streams() -> None:
    async def scenario(page: Served) -> None:
        async with page.stream() as stream:
            await _clients_become(page.updates, 1)
            page.updates.close()
            assert await stream.reader.readuntil(b"0\r\n\r\n")
        async with page.stream() as late:
            assert late.status == 503

    with_page(scenario)


def test_slow_client_skips_ticks() -> None:
    """What a stalled client missed is not kept: it gets the newest, once."""
    sent: list[bytes] = []
    ticks = 0

    async def run() -> None:
        updates = Updates()
        stream = EventStream(lambda: {"tick": ticks}, updates)
        free, stalled = asyncio.Event(), asyncio.Event()

        async def send(message: dict[str, object]) -> None:
            if message.get("body"):
                sent.append(bytes(message["body"]))  # type: ignore[arg-type]
                stalled.set()
                await free.wait()

        serving = asyncio.create_task(stream({"method": "GET"}, _never, send))
        await _clients_become(updates, 1)
        nonlocal ticks
        ticks = 1
        updates.publish()
        await stalled.wait()
        for _ in range(98):
            ticks += 1
            updates.publish()
        free.set()
        while len(sent) < 2:
            await asyncio.sleep(0)
        updates.close()
        await serving

    asyncio.run(run())
    assert sent == [b'data: {"tick":1}\n\n', b'data: {"tick":99}\n\n']


def test_stalled_client_is_dropped() -> None:
    async def run() -> None:
        updates = Updates()
        stream = EventStream(dict, updates, send_timeout_s=0.01)

        async def send(message: dict[str, object]) -> None:
            if message.get("body"):
                await asyncio.Event().wait()

        serving = asyncio.create_task(stream({"method": "GET"}, _never, send))
        await _clients_become(updates, 1)
        updates.publish()
        await serving
        assert updates.clients == 0

    asyncio.run(run())


async def _never() -> dict[str, object]:
    await asyncio.Event().wait()
    raise AssertionError
