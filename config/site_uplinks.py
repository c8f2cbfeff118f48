"""Where batches go: the uplinks of a site, and which keys each way of sending has."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from zerometer.config import keys
from zerometer.config.secret_files import path_of
from zerometer.config.table import Table, shown
from zerometer.core.site import LIVE_ONLY, STREAMS, UplinkSettings

#: Which keys, beside those of all, each scheme has.
LOGIN = ("user", "password_file")
TLS = ("ca", "cert", "key")
BATCHES = ("streams", "max_rate")
SCHEMES: dict[str, tuple[str, ...]] = {
    "http": (*BATCHES, "token_file"),
    "https": (*BATCHES, "token_file", *TLS),
    "mqtt": (*BATCHES, *LOGIN, "live"),
    "mqtts": (*BATCHES, *LOGIN, *TLS, "live"),
    "nats": (*BATCHES, "token_file", *LOGIN),
    "nats+tls": (*BATCHES, "token_file", *LOGIN, *TLS),
    "file": BATCHES,
    "sparkplug": (*LOGIN, "live"),
    "sparkplugs": (*LOGIN, *TLS, "live"),
}
#: How often those show the latest values that do nothing else.
LIVE_NS = 10 * 10**9
#: Schemes whose address is a host and no more.
HOST_ONLY = ("mqtt", "mqtts", "nats", "nats+tls")
#: Group or name of a Sparkplug B node: a level of a topic, without its wildcards.
LEVEL = re.compile(r"[^/+#]+")
EXAMPLE = "https://host/v1/batches"


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
        uplinks[uplink_id] = _read(table, uplink_id, folder)
    return tuple(uplinks.values())


def _read(table: Table, uplink_id: str, folder: Path) -> UplinkSettings:
    url = _url(table, folder)
    scheme = url.partition(":")[0]
    _check_keys(table, scheme)
    live_ns = LIVE_NS if scheme in LIVE_ONLY else 0
    return UplinkSettings(
        id=uplink_id,
        url=url,
        token_file=path_of(table, "token_file", folder),
        user=table.text("user", ""),
        password_file=path_of(table, "password_file", folder),
        ca=path_of(table, "ca", folder),
        cert=path_of(table, "cert", folder),
        key=path_of(table, "key", folder),
        streams=_streams(table),
        max_bytes_per_s=table.rate_bytes("max_rate", "1 kB/s", "1 GB/s", 0),
        timeout_s=table.duration_ns("timeout", "100ms", "10min", 10**10) / 1e9,
        live_ns=table.duration_ns("live", "1s", "1h", live_ns),
    )


def _url(table: Table, folder: Path) -> str:
    """Return the address; that of a folder without its ways around."""
    text = table.text("url")
    if not text:
        return ""
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        table.error("url", f"{shown(text)} is not a URL")
        return ""
    if url.scheme == "file":
        return _folder(table, url, folder)
    if url.scheme not in SCHEMES or not has_host:
        table.error(
            "url",
            f"{shown(text)} is not a URL such as {EXAMPLE}; "
            f"schemes: {', '.join(SCHEMES)}",
        )
        return ""
    if url.username or url.password:
        table.error(
            "url", "holds a password; put it into a file: token_file, password_file"
        )
    elif url.scheme in LIVE_ONLY and not _is_node(url):
        table.error("url", f"{shown(text)} is not {url.scheme}://host/GROUP/NODE")
    elif url.scheme in HOST_ONLY and (url.path.strip("/") or url.query):
        table.error("url", f"{shown(text)} has a path; {url.scheme}://host is all")
    elif "ca" not in SCHEMES[url.scheme] and not _is_local(url):
        table.warn("url", "is not encrypted, and its host is another machine")
    return text


def _folder(table: Table, url: SplitResult, folder: Path) -> str:
    path = unquote(url.path)
    if url.netloc not in {"", "localhost"} or not path or url.query or url.fragment:
        table.error(
            "url",
            f"{shown(url.geturl())} is not a folder such as file:///mnt/usb/batches",
        )
        return ""
    return (folder.absolute() / path).as_uri()


def _is_node(url: SplitResult) -> bool:
    levels = [unquote(level) for level in url.path.split("/")[1:]]
    return len(levels) == 2 and all(map(LEVEL.fullmatch, levels))


def _is_local(url: SplitResult) -> bool:
    try:
        return ip_address(url.hostname or "").is_loopback
    except ValueError:
        return url.hostname == "localhost"


def _check_keys(table: Table, scheme: str) -> None:
    """Complain of keys that say nothing here, and of halves of a pair."""
    known = SCHEMES.get(scheme)
    if known is None:
        return  # it has been said that the address is wrong
    for key in ("token_file", *LOGIN, *TLS, *BATCHES, "live"):
        if key in table and key not in known:
            users = [name for name, its in SCHEMES.items() if key in its]
            table.error(key, f"is not for {scheme}://, but for {', '.join(users)}")
    for key, other in (("cert", "key"), ("key", "cert"), ("password_file", "user")):
        if key in table and other not in table:
            table.missing(other, f"{key} is of no use without")
    if "token_file" in table and "user" in table:
        table.error("user", "is a second way to log in, beside token_file")


def _streams(table: Table) -> tuple[str, ...]:
    if "streams" not in table:
        return STREAMS
    asked = table.texts("streams")
    for number, stream in enumerate(asked):
        if stream not in STREAMS:
            allowed = f"is not one of {', '.join(STREAMS)}"
            table.error("streams", f"{shown(stream)} {allowed}", number)
    if not asked and table.values["streams"] == []:
        table.error("streams", "is empty: nothing would be sent")
    return tuple(stream for stream in STREAMS if stream in asked)
