"""The tree of errors: the class says whose fault it is.

A message reads *where - what - value - what is allowed*. Each class states its
exit code (stable, documented in ``docs/errors.md``) and whether trying again
without a change can help.
"""

from typing import ClassVar


class ZerometerError(Exception):
    """Something went wrong that Zerometer foresaw."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False


class UsageError(ZerometerError):
    """Our caller asked for something that makes no sense."""

    exit_code = 2


class ConfigError(ZerometerError):
    """The site file, a meter map or a factor table is wrong."""

    exit_code = 78


class LineError(ZerometerError):
    """The port or the wires failed: nothing can be said of any meter."""

    exit_code = 4
    retryable = True


class JournalError(ZerometerError):
    """The journal cannot be opened, read or written."""

    exit_code = 6


class UpstreamError(ZerometerError):
    """A receiver cannot be reached or refuses what it is sent."""

    exit_code = 7
    retryable = True


class FormatError(ZerometerError):
    """Bytes are not what they claim to be; ``code`` names the fault on the wire.

    Each subclass has its own ``code``, a stable kebab-case word that a receiver
    returns in its error body and that ``docs/errors.md`` lists.
    """

    exit_code = 5
    code: ClassVar[str] = "bad-format"
