"""Durations and sizes."""

import pytest

from zerometer.config.quantities import DURATIONS_NS, SIZES, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1s", 10**9),
        ("500ms", 5 * 10**8),
        ("1.5 s", 15 * 10**8),
        ("15min", 900 * 10**9),
        ("1h", 3600 * 10**9),
        (" 1d ", 86_400 * 10**9),
        ("1", None),
        ("s", None),
        ("-1s", None),
        ("1 m", None),
        ("1  s", None),
        ("1e3s", None),
        ("٣s", None),
    ],
)
def test_durations(text: str, value: int | None) -> None:
    assert parse(text, DURATIONS_NS) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("4 GB", 4 * 10**9), ("1KiB", 1024), ("64 MB", 64_000_000), ("4 gb", None)],
)
def test_sizes(text: str, value: int | None) -> None:
    assert parse(text, SIZES) == value
