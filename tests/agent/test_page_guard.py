"""What the page refuses, and the headers on every answer."""

import pytest
from harness.served_page import Served, with_page

from zerometer.agent.page.guard import host_name, is_address


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8480", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:8480", "[::1]"),
        ("[::1]", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("evil.example:80", "evil.example"),
        ("localhost:8480:1", "localhost:8480"),
        ("", ""),
    ],
)
def test_host_name(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:1", "[::1]:8480", "192.168.7.5:8480", "[fe80::1]"]
)
def test_addresses_and_own_names_are_served(host: str) -> None:
    async def scenario(page: Served) -> None:
        assert (await page.get("/api/snapshot", Host=host))[0] == 200

    with_page(scenario)


@pytest.mark.parametrize(
    ("name", "address"),
    [("10.0.0.1", True), ("[::1]", True), ("::1", False), ("[10.0.0.1]", False),
     ("localhost", False), ("10.0.0.1.evil.example", False), ("", False)],
)  # fmt: skip
def test_what_is_an_address(name: str, address: bool) -> None:
    assert is_address(name) is address


@pytest.mark.parametrize("path", ["/", "/api/snapshot", "/api/events", "/nowhere"])
def test_rebound_name_is_refused(path: str) -> None:
    async def scenario(page: Served) -> None:
        status, _, body = await page.get(path, Host="evil.example:8480")
        assert status == 421
        assert body == b"This host is not served here.\n"
        assert page.rendered == 0

    with_page(scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_reading(method: str) -> None:
    async def scenario(page: Served) -> None:
        for path in ("/", "/static/style.css", "/api/snapshot", "/api/events"):
            status, headers, _ = await page.get(path, method)
            assert (status, headers["allow"]) == (405, "GET, HEAD")
        assert page.rendered == 0

    with_page(scenario)


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/api/snapshot", "/none"])
def test_every_answer_is_guarded(path: str) -> None:
    async def scenario(page: Served) -> None:
        _, headers, _ = await page.get(path)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"

    with_page(scenario)


def test_what_is_kept_by_browsers() -> None:
    async def scenario(page: Served) -> None:
        _, headers, _ = await page.get("/api/snapshot")
        assert headers["cache-control"] == "no-store"
        _, headers, _ = await page.get("/static/style.css")
        assert headers["cache-control"] == "no-cache"

    with_page(scenario)
