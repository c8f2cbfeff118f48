"""A bearer token in a file of its own."""

import logging
import os
from pathlib import Path

from zerometer.core.errors import ConfigError

log = logging.getLogger(__name__)

#: Far above any token in use; keeps a wrong path from being read whole.
MAX_TOKEN = 8_192


class TokenFile:
    """Reads the token anew at each use: it may be replaced while we run."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._warned = False

    def read(self) -> str:
        """Return the token; ConfigError when the file has none that can be sent."""
        try:
            with self._path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                token = file.read(MAX_TOKEN).strip()
        except OSError as error:
            raise ConfigError(f"token file {self._path}: {error.strerror}") from error
        if mode & 0o077 and not self._warned:
            self._warned = True
            log.warning(
                "token file %s: mode is %03o, so others may read it; expected 600",
                self._path,
                mode,
            )
        # RFC 6750, 2.1: visible ASCII, no spaces.
        if not token or not all(0x21 <= byte <= 0x7E for byte in token):
            raise ConfigError(
                f"token file {self._path}: content: expected one printable ASCII word"
            )
        return token.decode("ascii")
