"""Who may send batches of which source: ``--sources FILE``."""

import hmac
import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from zerometer.agent.batch import Header
from zerometer.agent.receiver.errors import ForgedSourceError, NotAllowedError
from zerometer.agent.receiver.model import Sender
from zerometer.agent.uplink.secrets import TokenFile, secret_path
from zerometer.core.errors import ConfigError

log = logging.getLogger(__name__)

_KEYS = {
    "uuid", "site", "token_sha256", "token_file", "certificate_sha256", "common_name",
}  # fmt: skip
_DEFAULTS = ("refuse", "accept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A gateway: its uuid, its site, and how it proves who it is; "" needs no proof.

    Over a broker the broker's own rules are the proof.
    """

    uuid: bytes
    site: str = ""
    token_sha256: str = ""
    certificate_sha256: str = ""
    common_name: str = ""

    def is_sender(self, sender: Sender) -> bool:
        """Tell whether *sender* proves all that it has to, in constant time."""
        proofs = (
            (self.token_sha256, _sha256(sender.token)),
            (self.certificate_sha256, sender.fingerprint or ""),
            (self.common_name, sender.name or ""),
        )
        asked = [
            hmac.compare_digest(own.encode(), theirs.encode())
            for own, theirs in proofs
            if own
        ]
        return bool(asked) and all(asked)


class Sources:
    """All gateways that are known, by uuid; *accept*: and any other as well."""

    def __init__(self, by_uuid: Mapping[bytes, Source], *, accept: bool) -> None:
        self._by_uuid = by_uuid
        self._accept = accept
        every = by_uuid.values()
        self._tokens = {s.token_sha256 for s in every} - {""}
        self._certificates = {s.certificate_sha256 for s in every} - {""}
        self._names = {s.common_name for s in every} - {""}

    def admit(self, header: Header, sender: Sender) -> None:
        """Raise NotAllowedError unless *sender* may send this batch."""
        uuid = header.source.hex()
        if sender.source is not None and sender.source != header.source:
            raise ForgedSourceError(
                f"batch: source is {uuid}, it came by the topic of "
                f"{sender.source.hex()}"
            )
        source = self._by_uuid.get(header.source)
        if source is None:
            if not self._accept:
                raise NotAllowedError(
                    f"batch: source {uuid} is not known here; add it to the sources"
                )
            return
        if source.site and source.site != header.site:
            raise NotAllowedError(
                f'batch: site is "{header.site}", that of source {uuid} is '
                f'"{source.site}"'
            )
        if sender.source is None and not source.is_sender(sender):
            raise NotAllowedError(
                f"batch: its sender does not prove to be source {uuid}; "
                "check token and certificate"
            )

    def meet(self, sender: Sender) -> None:
        """Raise NotAllowedError when *sender* can be nobody: nothing need be read."""
        if (
            self._accept
            or _sha256(sender.token) in self._tokens
            or sender.fingerprint in self._certificates
            or sender.name in self._names
        ):
            return
        raise NotAllowedError("sender: token or certificate are not known here")


def anybody() -> Sources:
    """Return the sources where nobody is asked who they are."""
    return _ANYBODY


_ANYBODY = Sources({}, accept=True)


class SourcesFile:
    """The sources in a TOML file, read again when it, or a token in it, changes."""

    def __init__(self, path: Path) -> None:
        """Read the file; ConfigError when it is wrong."""
        self._path = path
        self._files = [path]
        self._seen = self._stamp()
        self._sources = self._read()

    @property
    def sources(self) -> Sources:
        """The sources as they are now; those before, while the file is wrong."""
        seen = self._stamp()
        if seen != self._seen:
            self._seen = seen
            try:
                self._sources = self._read()
            except ConfigError as error:
                log.error("sources stay as they were: %s", error)
            self._seen = self._stamp()
        return self._sources

    def _stamp(self) -> list[tuple[int, int, int] | None]:
        stamps: list[tuple[int, int, int] | None] = []
        for path in self._files:
            try:
                status = path.stat()
            except OSError:
                stamps.append(None)
            else:
                stamps.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return stamps

    def _read(self) -> Sources:
        where = f"sources {self._path}"
        try:
            document = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{where}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where}: {error}") from error
        _check_keys(where, document, {"default", "source"})
        default = document.get("default", "refuse")
        if default not in _DEFAULTS:
            raise ConfigError(f'{where}: default: "{default}", allowed are {_DEFAULTS}')
        entries = document.get("source", [])
        if not isinstance(entries, list):
            raise ConfigError(f"{where}: source: expected [[source]] tables")
        files = [self._path]
        found: dict[bytes, Source] = {}
        for number, entry in enumerate(entries, 1):
            source = self._source(f"{where}: source {number}", entry, files)
            if source.uuid in found:
                raise ConfigError(f"{where}: uuid {source.uuid.hex()} is there twice")
            found[source.uuid] = source
        self._files = files
        return Sources(found, accept=default == "accept")

    def _source(self, where: str, entry: Any, files: list[Path]) -> Source:
        if not isinstance(entry, dict):
            raise ConfigError(f"{where}: expected a table")
        _check_keys(where, entry, _KEYS)
        for key, value in entry.items():
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{where}: {key}: is {value!r}, expected a text")
        token_sha256 = _hexadecimal(where, entry, "token_sha256", 32)
        if "token_file" in entry:
            if token_sha256:
                raise ConfigError(f"{where}: has both token_sha256 and token_file")
            named = secret_path(entry["token_file"])
            path = self._path.parent / named
            files.append(path)
            token_sha256 = _sha256(TokenFile(str(path)).read())
        return Source(
            uuid=bytes.fromhex(_hexadecimal(where, entry, "uuid", 16, needed=True)),
            site=entry.get("site", ""),
            token_sha256=token_sha256,
            certificate_sha256=_hexadecimal(where, entry, "certificate_sha256", 32),
            common_name=entry.get("common_name", ""),
        )


def _sha256(token: str | None) -> str:
    return "" if token is None else sha256(token.encode()).hexdigest()


def _check_keys(where: str, table: Mapping[str, object], allowed: set[str]) -> None:
    for key in table:
        if key not in allowed:
            raise ConfigError(
                f"{where}: {key}: is not known; allowed are "
                f"{', '.join(sorted(allowed))}"
            )


def _hexadecimal(
    where: str, entry: Mapping[str, str], key: str, size: int, needed: bool = False
) -> str:
    """Return an entry of *size* bytes in hexadecimal, with or without : and -."""
    text = entry.get(key, "")
    digits = text.replace(":", "").replace("-", "").lower()
    if not digits and not needed:
        return ""
    if len(digits) != 2 * size or not set(digits) <= set("0123456789abcdef"):
        raise ConfigError(
            f'{where}: {key}: is "{text}", expected {2 * size} hexadecimal digits'
        )
    return digits
