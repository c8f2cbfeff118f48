"""What a site does with its readings itself: journal, page."""

import re
from ipaddress import ip_address
from pathlib import Path

from zerometer.config import keys
from zerometer.config.secret_files import path_of
from zerometer.config.table import Table, shown
from zerometer.core.site import JournalSettings, PageSettings

#: Labels of letters, digits and hyphens; the last one is no number.
HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*"
    r"(?![0-9]+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
    re.IGNORECASE,
)


def read_journal(top: Table, folder: Path) -> JournalSettings:
    """Return the journal's settings; its path is relative to the site file."""
    table = top.table("journal", "journal", keys.JOURNAL)
    usual = JournalSettings()
    commit_ns = table.duration_ns("commit", "1s", "1h", usual.commit_ns)
    seal_ns = table.duration_ns("seal", "1s", "1d", usual.seal_ns)
    if commit_ns > seal_ns:
        table.error("commit", "is longer than seal: a batch is committed when sealed")
    keep = table.table("keep", "journal: keep", keys.JOURNAL_KEEP)
    return JournalSettings(
        path=str(folder / table.text("path", usual.path)),
        max_bytes=table.size_bytes("max", "10 MB", "100 TB", usual.max_bytes),
        min_free_bytes=table.size_bytes(
            "min_free", "0 B", "100 TB", usual.min_free_bytes
        ),
        keep_ledger_ns=_kept_ns(keep, "ledger", usual.keep_ledger_ns),
        keep_minutes_ns=_kept_ns(keep, "minutes", usual.keep_minutes_ns),
        keep_readings_ns=_kept_ns(keep, "readings", usual.keep_readings_ns),
        commit_ns=commit_ns,
        seal_ns=seal_ns,
        raw=table.flag("raw", usual.raw),
        sign=path_of(table, "sign", folder),
    )


def _kept_ns(table: Table, stream: str, default_ns: int) -> int:
    return table.duration_ns(stream, "1d", "3660d", default_ns)


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
