"""The column codec in plain Python, as slow and plain as can be."""

import math

WRAP = 1 << 64


def wrap(value: int) -> int:
    """Bring any integer into the signed 64-bit range."""
    return (value + (1 << 63)) % WRAP - (1 << 63)


def residuals(values: list[int], order: int) -> list[int]:
    result = list(values)
    for start in range(1, order + 1):
        result = result[:start] + [
            wrap(result[i] - result[i - 1]) for i in range(start, len(result))
        ]
    return result


def encode_integers(values: list[int], order: int) -> bytes:
    out = bytearray()
    for residual in residuals(values, order):
        code = 2 * residual if residual >= 0 else -2 * residual - 1
        while code >= 128:
            out.append(code % 128 + 128)
            code //= 128
        out.append(code)
    return bytes(out)


def decode_integers(data: bytes, count: int, order: int) -> list[int]:
    """Raise ValueError for anything that encode_integers does not make."""
    codes: list[int] = []
    code = shift = 0
    for byte in data:
        code += byte % 128 << shift
        shift += 7
        if byte < 128:
            codes.append(code)
            code = shift = 0
    values = [c // 2 if c % 2 == 0 else -(c // 2) - 1 for c in codes]
    for start in range(order, 0, -1):
        for i in range(start, len(values)):
            values[i] = wrap(values[i] + values[i - 1])
    if any(c >= WRAP for c in codes) or len(values) != count:
        raise ValueError("not a column")
    if encode_integers(values, order) != data:
        raise ValueError("not the shortest form")
    return values


def quantise(values: list[float], exponent: int) -> tuple[list[int], list[int]]:
    """Return integers and null marks; OverflowError when a value does not fit."""
    integers: list[int] = []
    previous = 0
    for value in values:
        if not math.isnan(value):
            power = float(10 ** abs(exponent))
            previous = round(value / power if exponent > 0 else value * power)
            if previous != wrap(previous):
                raise OverflowError
        integers.append(previous)
    return integers, [int(math.isnan(value)) for value in values]
