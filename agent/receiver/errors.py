"""Why the receiver does not take a batch; ``code`` goes into its error body."""

from typing import ClassVar

from zerometer.core.errors import FormatError, UpstreamError, ZerometerError


class StoreError(ZerometerError):
    """The receiver's database cannot be opened, read or written."""

    exit_code = 6
    code: ClassVar[str] = "store-failed"


class StoreGoneError(StoreError):
    """The receiver's database file was deleted or replaced while it was open."""

    code: ClassVar[str] = "store-gone"


class StoreBusyError(StoreError):
    """The receiver's database cannot be written now: locked, full or overrun."""

    retryable = True
    code: ClassVar[str] = "store-busy"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class IdentityConflictError(UpstreamError):
    """A batch with this identity was committed, and it was another one."""

    retryable = False
    code: ClassVar[str] = "identity-conflict"


class BadTableError(FormatError):
    """A table that must begin with a column of times does not."""

    code: ClassVar[str] = "bad-table"


class NotAllowedError(UpstreamError):
    """A batch does not come from whom its header names, as far as can be told."""

    retryable = False
    code: ClassVar[str] = "not-allowed"


class ForgedSourceError(NotAllowedError):
    """A batch names another source than the topic or subject it came by."""

    code: ClassVar[str] = "forged-source"
