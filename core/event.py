"""Dated events: what happened on the site that no meter tells."""

from dataclasses import dataclass
from typing import Literal

EventKind = Literal[
    "meter-change",
    "ratio-change",
    "storage-anchor",
    "refrigerant",
    "waste-water",
    "waste",
    "emission",
    "capture",
    "lot-start",
    "lot-end",
    "note",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent:
    """Something that happened at ``time_ns`` (Unix, UTC), with its evidence.

    ``subject`` is what it happened to, by kind: a meter (``meter-change``,
    ``ratio-change``), a storage (``storage-anchor``), a refrigerant, waste water, a
    waste, a process, or the product of a lot. ``quantity`` is in ``unit``.

    - ``meter-change``: ``quantity`` is what the counter of the new meter read when
      it was put in; ``final`` is what that of the old one read when it was taken
      out. Either may be None: not known.
    - ``storage-anchor``: ``quantity`` is what the storage can give from then on.
    - ``emission``: kg of CO2 equivalent that no flow explains.
    - ``capture``: kg of CO2 captured; ``permanent`` when it is stored for good.
    - ``lot-start``, ``lot-end``: ``text`` is the lot.
    """

    time_ns: int
    kind: EventKind
    subject: str
    quantity: float | None = None
    unit: str = ""
    final: float | None = None
    permanent: bool = False
    text: str = ""
    evidence: str = ""
