"""Secrets and keys: they stand in files of their own, never in the site file."""

import logging
import os
from pathlib import Path

from zerometer.config.secret_files import CREDENTIAL
from zerometer.core.errors import ConfigError

log = logging.getLogger(__name__)

#: Far above any secret in use; keeps a wrong path from being read whole.
MAX_SECRET = 8_192


def secret_path(path: str) -> Path:
    """Return where *path* is; ``credential:NAME`` is one that systemd hands over.

    ConfigError when systemd handed over none.
    """
    if not path.startswith(CREDENTIAL):
        return Path(path)
    name = path.removeprefix(CREDENTIAL)
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder or not name or "/" in name:
        raise ConfigError(
            f'secret "{path}": no such credential; expected LoadCredential={name} in '
            "the service, which sets CREDENTIALS_DIRECTORY"
        )
    return Path(folder) / name


class SecretFile:
    """Reads a secret anew at each use: it may be replaced while we run."""

    def __init__(self, path: str, what: str) -> None:
        """*what* names it in messages, such as "token file"."""
        self._path = path
        self._what = what
        self._warned = False

    def read(self) -> str:
        """Return its one line of text; ConfigError when it has none."""
        path = secret_path(self._path)
        where = f"{self._what} {path}"
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                data = file.read(MAX_SECRET + 1)
        except OSError as error:
            raise ConfigError(f"{where}: {error.strerror}") from error
        # systemd gives its service's group the right to read, and nobody is in it.
        if mode & 0o077 and not self._path.startswith(CREDENTIAL):
            self._warn(where, mode)
        try:
            text = data.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            text = ""
        if not text or len(data) > MAX_SECRET or not text.isprintable():
            raise ConfigError(f"{where}: content: expected one line of text")
        return text

    def _warn(self, where: str, mode: int) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "%s: mode is %03o, so others may read it; expected 600", where, mode
            )


class TokenFile(SecretFile):
    """A bearer token in a file."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "token file")

    def read(self) -> str:
        """Return the token; ConfigError when the file has none that can be sent."""
        token = super().read().strip()
        # RFC 6750, 2.1: visible ASCII, no spaces.
        if not token or not all("!" <= letter <= "~" for letter in token):
            raise ConfigError(
                f"token file {secret_path(self._path)}: content: expected one "
                "printable ASCII word"
            )
        return token


class PasswordFile(SecretFile):
    """A password in a file; spaces belong to it, the end of the line does not."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "password file")
