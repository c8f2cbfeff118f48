"""What each uplink has acknowledged of each stream."""

from collections.abc import Iterable, Mapping

import msgpack

from zerometer.core.number_spans import Intervals, Span


class Cursors:
    """Acknowledged positions by uplink and stream, and who wants which stream."""

    def __init__(self, wanted: Mapping[str, Iterable[str]] | None) -> None:
        """*wanted* has each uplink's streams; None: as they were when packed.

        Of an uplink that nothing is known of, it is all of them.
        """
        self._only = None if wanted is None else frozenset(wanted)
        self._wanted = {
            uplink: frozenset(streams) for uplink, streams in (wanted or {}).items()
        }
        self._acknowledged: dict[str, dict[str, Intervals]] = {
            uplink: {} for uplink in self._wanted
        }

    def restore(self, packed: bytes) -> None:
        """Take up what ``pack`` packed, of the uplinks that still want something."""
        for uplink, (wants, done) in msgpack.unpackb(packed).items():
            if self._only is not None and uplink not in self._only:
                continue
            if self._only is None and wants is not None:
                self._wanted[uplink] = frozenset(wants)
            self._acknowledged[uplink] = {
                stream: Intervals(spans) for stream, spans in done.items()
            }

    def pack(self) -> bytes:
        """Return them as bytes."""
        packed: bytes = msgpack.packb(
            {
                uplink: (
                    sorted(self._wanted[uplink]) if uplink in self._wanted else None,
                    {stream: done.spans() for stream, done in streams.items()},
                )
                for uplink, streams in self._acknowledged.items()
            }
        )
        return packed

    def uplinks(self) -> list[str]:
        """Return those that want something, or asked."""
        return list(self._acknowledged)

    def meet(self, uplink: str) -> bool:
        """Let *uplink* be known; tell whether that is new."""
        if uplink in self._acknowledged:
            return False
        self._acknowledged[uplink] = {}
        return True

    def wants(self, uplink: str, stream: str) -> bool:
        """Tell whether *stream* is sent by *uplink*."""
        wanted = self._wanted.get(uplink)
        return wanted is None or stream in wanted

    def acknowledged(self, uplink: str, stream: str) -> Intervals:
        """Return what *uplink* has acknowledged of *stream*, to be changed."""
        return self._acknowledged.setdefault(uplink, {}).setdefault(stream, Intervals())

    def unsent(self, stream: str, first: int, last: int) -> Intervals:
        """Return the positions between that someone still wants."""
        return Intervals(
            span
            for uplink in self._acknowledged
            if self.wants(uplink, stream)
            for span in self.acknowledged(uplink, stream).absent(first, last)
        )

    def forget(self, stream: str, spans: Iterable[Span]) -> None:
        """Forget positions that are kept no more."""
        for span in spans:
            for streams in self._acknowledged.values():
                if stream in streams:
                    streams[stream].remove(*span)
