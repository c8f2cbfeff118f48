"""Why bytes are not a batch: one class, one stable word each."""

from typing import ClassVar

from zerometer.core.errors import FormatError


class TruncatedError(FormatError):
    """The bytes end before the batch does."""

    code: ClassVar[str] = "truncated"


class SurplusBytesError(FormatError):
    """Bytes follow the batch."""

    code: ClassVar[str] = "surplus-bytes"


class BadEnvelopeError(FormatError):
    """The bytes are not a msgpack array of header, body and checksum."""

    code: ClassVar[str] = "bad-envelope"


class NewerFormatError(FormatError):
    """The batch has a format number above the one known here."""

    code: ClassVar[str] = "newer-format"


class BadCrcError(FormatError):
    """The checksum at the end does not fit what stands before it."""

    code: ClassVar[str] = "bad-crc"


class BadHeaderError(FormatError):
    """A header entry lacks, has the wrong type or is out of range."""

    code: ClassVar[str] = "bad-header"


class BadHashError(FormatError):
    """The body does not have the SHA-256 that the header states."""

    code: ClassVar[str] = "bad-hash"


class UnknownCodecError(FormatError):
    """The body is packed in a way that is not known here."""

    code: ClassVar[str] = "unknown-codec"


class BadDeflateError(FormatError):
    """The body is not a whole deflate stream."""

    code: ClassVar[str] = "bad-deflate"


class BadLengthError(FormatError):
    """The unpacked body is longer or shorter than the header states."""

    code: ClassVar[str] = "bad-length"


class TooLargeError(FormatError):
    """The batch exceeds a limit on bytes, values or compression ratio."""

    code: ClassVar[str] = "too-large"


class BadBodyError(FormatError):
    """The unpacked body is not a map of tables, or not what the header counts."""

    code: ClassVar[str] = "bad-body"


class BadColumnError(FormatError):
    """A column lacks an entry, or an entry has the wrong type or value."""

    code: ClassVar[str] = "bad-column"
