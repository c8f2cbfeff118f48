"""The header: a dataclass here, a map of short words on the wire."""

from collections.abc import Callable
from typing import Any

from zerometer.agent.batch.errors import BadHeaderError, NewerFormatError
from zerometer.agent.batch.model import Gap, Header

FORMAT = 1

#: Integers that every language's numbers hold.
MAX_INTEGER = (1 << 53) - 1
MAX_NAME = 128


def pack_header(header: Header) -> dict[str, Any]:
    """Return *header* as it goes on the wire."""
    optional = {} if header.offset_ms is None else {"offset": header.offset_ms}
    return {
        "format": FORMAT,
        "source": header.source,
        "epoch": header.epoch,
        "site": header.site,
        "stream": header.stream,
        "seq": header.seq,
        "t0": header.t0_ms,
        "t1": header.t1_ms,
        "boot": header.boot,
        "clock": header.clock,
        "prev": header.prev,
        "config": header.config,
        "factors": list(header.factors),
        "gaps": [[gap.first, gap.last, gap.reason] for gap in header.gaps],
        **optional,
        "rows": header.rows,
        "samples": header.samples,
        "codec": header.codec,
        "length": header.length,
        "sha256": header.sha256,
    }


def check_format(entries: Any) -> None:
    """Raise NewerFormatError, or BadHeaderError, unless the format is known."""
    number = entries.get("format") if isinstance(entries, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BadHeaderError(f"header: format: {_shown(number)}, allowed is {FORMAT}")
    if number > FORMAT:
        raise NewerFormatError(f"header: format: {number}, known here is {FORMAT}")


def unpack_header(entries: dict[str, Any]) -> Header:
    """Return the header in *entries*; raise BadHeaderError naming the first bad one.

    Entries that are not known are left aside.
    """

    def take(name: str, fits: Callable[[Any], bool], allowed: str) -> Any:
        value = entries.get(name)
        if not fits(value):
            raise BadHeaderError(
                f"header: {name}: {_shown(value)}, allowed is {allowed}"
            )
        return value

    def number(name: str, lowest: int = 0) -> int:
        value: int = take(name, lambda v: _is_count(v, lowest), f"{lowest} to 2^53 - 1")
        return value

    def octets(name: str, size: int) -> bytes:
        value: bytes = take(
            name, lambda v: isinstance(v, bytes) and len(v) == size, f"{size} bytes"
        )
        return value

    def text(name: str, shortest: int = 0) -> str:
        value: str = take(
            name,
            lambda v: isinstance(v, str) and shortest <= len(v) <= MAX_NAME,
            f"a text of {shortest} to {MAX_NAME} characters",
        )
        return value

    return Header(
        source=octets("source", 16),
        epoch=octets("epoch", 8),
        site=text("site"),
        stream=text("stream", 1),
        seq=number("seq", 1),
        t0_ms=number("t0"),
        t1_ms=number("t1", lowest=number("t0")),
        boot=octets("boot", 16),
        clock=take("clock", lambda v: v in ("synced", "unsynced"), "synced, unsynced"),
        prev=None if entries.get("prev") is None else octets("prev", 32),
        config=text("config"),
        factors=tuple(take("factors", _are_texts, "a list of texts")),
        gaps=tuple(
            Gap(*gap) for gap in take("gaps", _are_gaps, "[first, last, reason] each")
        ),
        offset_ms=take("offset", _is_offset, "-(2^53 - 1) to 2^53 - 1"),
        rows=number("rows"),
        samples=number("samples"),
        codec=text("codec", 1),
        length=number("length"),
        sha256=octets("sha256", 32),
    )


def _shown(value: Any) -> str:
    return "not there" if value is None else f"is {repr(value)[:40]}"


def _is_count(value: Any, lowest: int) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and lowest <= value <= MAX_INTEGER


def _is_offset(value: Any) -> bool:
    # A clock may stand before 1970: an offset, unlike a count, has a sign.
    return value is None or _is_count(value, -MAX_INTEGER)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _are_gaps(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_gap, value))


def _is_gap(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and _is_count(value[0], 1)
        and _is_count(value[1], value[0])
        and isinstance(value[2], str)
    )
