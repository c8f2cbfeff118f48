"""Faults in an encoded column: each is one word on the wire."""

from typing import ClassVar

from zerometer.core.errors import FormatError


class TruncatedColumnError(FormatError):
    """A column ends before its last value does."""

    code: ClassVar[str] = "truncated-column"


class OverlongVarintError(FormatError):
    """A varint has more bytes than its value needs, or exceeds 64 bits."""

    code: ClassVar[str] = "overlong-varint"


class SurplusColumnError(FormatError):
    """A column goes on after its last value."""

    code: ClassVar[str] = "surplus-column"


class BadRunsError(FormatError):
    """The runs of null marks are not positive or do not sum up to the rows."""

    code: ClassVar[str] = "bad-runs"


class BadReferenceError(FormatError):
    """A column refers to one that is not there, not of integers or of other rows."""

    code: ClassVar[str] = "bad-reference"
