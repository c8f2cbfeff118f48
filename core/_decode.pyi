from array import array
from collections.abc import Sequence
from typing import Self, final

_Field = tuple[int, str, str, float, float, tuple[int, ...]]

@final
class DecodePlan:
    def __new__(cls, fields: Sequence[_Field]) -> Self: ...
    def set_scale(self, index: int, scale: float) -> None: ...
    def decode(
        self,
        data: bytes,
        values: array[float],
        qualities: bytearray,
        at: int = 0,
    ) -> None: ...
