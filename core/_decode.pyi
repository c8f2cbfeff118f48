from array import array
from collections.abc import Sequence
from typing import Self, final

_Part = tuple[int, str, str, float, tuple[int, int] | None, tuple[int, ...]]
_Field = tuple[
    Sequence[_Part], tuple[int, int] | None, float, tuple[tuple[float, float], ...], str
]

@final
class DecodePlan:
    def __new__(cls, fields: Sequence[_Field]) -> Self: ...
    def set_times(self, index: int, times: float) -> None: ...
    def decode(
        self,
        data: bytes,
        values: array[float],
        qualities: bytearray,
        at: int = 0,
    ) -> None: ...
    def decode_block(
        self,
        data: bytes,
        size: int,
        values: array[float],
        qualities: bytearray,
    ) -> None: ...
