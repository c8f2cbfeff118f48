"""The page's files and its snapshot over real HTTP."""

import json

import pytest
from harness.served_page import Served, with_page

from zerometer.agent.page.assets import assets


def test_index_and_all_it_loads() -> None:
    async def scenario(page: Served) -> None:
        status, headers, body = await page.get("/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert body == assets()["index.html"]
        for name, content in assets().items():
            status, _, body = await page.get(f"/static/{name}")
            assert (status, body) == (200, content), name

    with_page(scenario)


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/none.js", "/static/../app.py", "/static/%2e%2e/app.py"],
)
def test_nothing_else_is_served(path: str) -> None:
    async def scenario(page: Served) -> None:
        assert (await page.get(path))[0] == 404

    with_page(scenario)


def test_unchanged_file_is_not_sent_again() -> None:
    async def scenario(page: Served) -> None:
        _, headers, _ = await page.get("/static/style.css")
        status, _, body = await page.get(
            "/static/style.css", If_None_Match=headers["etag"]
        )
        assert (status, body) == (304, b"")

    with_page(scenario)


def test_snapshot() -> None:
    async def scenario(page: Served) -> None:
        page.snapshot = {"site": {"name": "示范工厂"}, "time_ms": 1, "rate": None}
        status, headers, body = await page.get("/api/snapshot")
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(body) == page.snapshot

    with_page(scenario)


def test_snapshot_that_no_browser_could_read() -> None:
    async def scenario(page: Served) -> None:
        page.snapshot = {"rate": float("nan")}
        assert (await page.get("/api/snapshot"))[0] == 500

    with_page(scenario)


@pytest.mark.parametrize("path", ["/", "/api/snapshot", "/api/events"])
def test_head(path: str) -> None:
    async def scenario(page: Served) -> None:
        status, _, body = await page.get(path, "HEAD")
        assert (status, body) == (200, b"")
        assert page.updates.clients == 0

    with_page(scenario)
