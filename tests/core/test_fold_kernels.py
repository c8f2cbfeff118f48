"""Sums of products, as the books need them."""

from array import array
from fractions import Fraction
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core._fold import settle, unfold, weigh
from zerometer.core.errors import UsageError

AMOUNTS = st.floats(-1e6, 1e6)


@given(st.integers(0, 4), st.integers(1, 5), st.data())
def test_rows_are_weighed_as_if_rounded_once(
    count: int, width: int, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(AMOUNTS, min_size=count * width, max_size=count * width))
    factors = data.draw(st.lists(AMOUNTS, min_size=width, max_size=width))
    out = array("d", [7.0] * count)
    weigh(array("d", rows), array("d", factors), out)
    for i, found in enumerate(out):
        products = [rows[i * width + k] * factors[k] for k in range(width)]
        size = fsum(map(abs, products))
        assert found == pytest.approx(fsum(products), rel=1e-15, abs=1e-25 * size)


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 3), st.data())
def test_parts_of_openings_become_what_these_held(
    origins: int, tanks: int, count: int, data: st.DataObject
) -> None:
    def draw(size: int) -> list[float]:
        return data.draw(st.lists(AMOUNTS, min_size=size, max_size=size))

    width = origins + tanks
    rows, openings = draw(count * width), draw(tanks * origins)
    out = array("d", bytes(8 * count * origins))
    unfold(array("d", rows), array("d", openings), origins, out)
    for i in range(count):
        for k in range(origins):
            wanted = Fraction(rows[i * width + k]) + sum(
                Fraction(rows[i * width + origins + s])
                * Fraction(openings[s * origins + k])
                for s in range(tanks)
            )
            assert out[i * origins + k] == pytest.approx(float(wanted), abs=1e-3)


def test_settled_totals_carry_nothing() -> None:
    sums, carries = array("d", [1.0, 2.0]), array("d", [0.5, -1.0])
    settle(sums, carries)
    assert (list(sums), list(carries)) == ([1.5, 1.0], [0.0, 0.0])


def test_what_does_not_fit_is_refused() -> None:
    two = array("d", [0.0, 0.0])
    with pytest.raises(UsageError, match="carries - length 0 - 2"):
        settle(two, array("d"))
    with pytest.raises(UsageError, match="length 2 - 2 rows of 2"):
        weigh(two, two, array("d", [0.0, 0.0]))
    for rows, openings, origins, out in (
        (two, array("d"), 2, array("d")),
        (two, two, 2, two),
        (two, array("d", [0.0]), 2, two),
        (two, array("d"), 0, array("d")),
    ):
        with pytest.raises(UsageError, match="rows, openings and results"):
            unfold(rows, openings, origins, out)
