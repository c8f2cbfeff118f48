"""What a site does with its readings: uplinks, journal, page."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from zerometer.config import keys
from zerometer.config.table import Table, shown
from zerometer.core.site import JournalSettings, PageSettings, UplinkSettings

LATER_SCHEMES = ("mqtt", "mqtts", "nats", "file")
#: Labels of letters, digits and hyphens; the last one is no number.
HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*"
    r"(?![0-9]+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
    re.IGNORECASE,
)


def read_uplinks(top: Table, folder: Path) -> tuple[UplinkSettings, ...]:
    """Return the uplinks; the only one needs no id.

    What was sent is remembered by the id: a place in the file would not do, for
    another order would give an uplink the memory of another.
    """
    uplinks: dict[str, UplinkSettings] = {}
    tables = list(top.listed("uplink", keys.UPLINK))
    for number, table in enumerate(tables, 1):
        uplink_id = f"uplink-{number}"
        if "id" in table:
            uplink_id = table.identifier("id")
        elif len(tables) > 1:
            table.missing("id", "with several uplinks each needs one of its own")
        if uplink_id in uplinks:
            table.error("id", f"{shown(uplink_id)} is the id of another uplink already")
        token_file = table.text("token_file", "")
        uplinks[uplink_id] = UplinkSettings(
            id=uplink_id,
            url=_url(table),
            token_file=str(folder / token_file) if token_file else "",
            timeout_s=table.duration_ns("timeout", "100ms", "10min", 10**10) / 1e9,
        )
    return tuple(uplinks.values())


def _url(table: Table) -> str:
    text = table.text("url")
    if not text:
        return ""
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        table.error("url", f"{shown(text)} is not a URL")
        return ""
    if url.scheme in LATER_SCHEMES:
        message = f"{shown(url.scheme + '://')} is not supported yet in this version"
        table.error("url", f"{message}; known: http, https")
    elif url.scheme not in ("http", "https") or not has_host:
        table.error(
            "url", f"{shown(text)} is not a URL such as https://host/v1/batches"
        )
    elif url.username or url.password:
        table.error("url", "holds a password; put a token into a file: token_file")
    elif url.scheme == "http" and not _is_local(url):
        table.warn("url", "is not encrypted, and its host is another machine")
    return text


def _is_local(url: SplitResult) -> bool:
    try:
        return ip_address(url.hostname or "").is_loopback
    except ValueError:
        return url.hostname == "localhost"


def read_journal(top: Table, folder: Path) -> JournalSettings:
    """Return the journal's settings; its path is relative to the site file."""
    table = top.table("journal", "journal", keys.JOURNAL)
    usual = JournalSettings()
    commit_ns = table.duration_ns("commit", "1s", "1h", usual.commit_ns)
    seal_ns = table.duration_ns("seal", "1s", "1d", usual.seal_ns)
    if commit_ns > seal_ns:
        table.error("commit", "is longer than seal: a batch is committed when sealed")
    return JournalSettings(
        path=str(folder / table.text("path", usual.path)),
        max_bytes=table.size_bytes("max", "10 MB", "100 TB", usual.max_bytes),
        commit_ns=commit_ns,
        seal_ns=seal_ns,
    )


def _host(table: Table) -> str:
    text = table.text("host", PageSettings().host)
    if "host" in table and not _is_host(text):
        table.error("host", f"{shown(text)} is not an IP address or a host name")
    return text


def _is_host(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return HOST_NAME.fullmatch(text) is not None


def read_page(top: Table) -> PageSettings:
    """Return the page's settings."""
    table = top.table("page", "page", keys.PAGE)
    return PageSettings(
        enabled=table.flag("enabled", True),
        host=_host(table),
        port=table.integer("port", 0, 65535, PageSettings().port),
    )
