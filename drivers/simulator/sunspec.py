"""The models of a simulated SunSpec device, one behind the other."""

from zerometer.core.meter_map import MeterMap

#: Registers of the common model behind its two of the header, and where its texts
#: stand (SunSpec model 1): manufacturer, model, serial number.
COMMON, COMMON_LENGTH = 1, 66
_TEXTS = ((2, 16), (18, 16), (50, 16))
_MARK = (0x5375, 0x6E53)  # "SunS"
_END = (0xFFFF, 0)


def laid_out(meter_map: MeterMap, serial: str) -> tuple[dict[int, int], dict[int, int]]:
    """Return where each model of a device begins, and all words but its values.

    The list begins at the first address that the map states. Of several models that
    a point may belong to, the device has the last one.
    """
    base = meter_map.sunspec[0]
    words = dict(enumerate(_MARK, base))
    at = base + len(_MARK)
    words.update(dict.fromkeys(range(at, at + 2 + COMMON_LENGTH), 0))
    words.update({at: COMMON, at + 1: COMMON_LENGTH})
    texts = (meter_map.vendor, meter_map.model, serial)
    for text, (start, size) in zip(texts, _TEXTS, strict=True):
        words.update(_text(text, at + start, size))
    at += 2 + COMMON_LENGTH
    starts: dict[int, int] = {}
    for model in sorted({point.models[-1] for point in meter_map.points}):
        places = [
            p for q in meter_map.points if q.models[-1] == model for p in q.places
        ]
        end = max(address + size for address, size in places)
        words.update(dict.fromkeys(range(at, at + end), 0))
        words.update({at: model, at + 1: end - 2})
        starts[model] = at
        at += end
    words.update(dict(enumerate(_END, at)))
    return starts, words


def _text(text: str, at: int, size: int) -> dict[int, int]:
    data = text.encode("ascii", "replace")[: 2 * size].ljust(2 * size, b"\0")
    return {at + i: int.from_bytes(data[2 * i : 2 * i + 2], "big") for i in range(size)}
