from array import array

def encode_linear(
    values: array[int], references: list[array[int]], backs: list[int]
) -> bytes: ...
def decode_linear(
    data: bytes, at: int, count: int
) -> tuple[array[int], int, float | None, int]: ...
def add_prediction(
    values: array[int], reference: array[int], factor: float | None
) -> None: ...
