"""Whatever a site plans, and whatever is asked besides: only reads leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import frame as reference

from zerometer.config.map_library import MapLibrary, shipped_map
from zerometer.config.problems import Problems
from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import plan_reads, unreadable
from zerometer.core.points import (
    REGISTERS_OF,
    LineSettings,
    Part,
    Point,
    RegisterType,
    SignBit,
)
from zerometer.drivers.health import Health
from zerometer.drivers.interview import Interview
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.proof import Proof
from zerometer.drivers.questions import prepared
from zerometer.drivers.ratios import Ratios

LINE = LineSettings(baud=9600)
MOST = {1: 2000, 2: 2000, 3: 125, 4: 125}
UNITS = st.integers(1, 247)


def is_a_read(request: bytes, unit: int) -> bool:
    """Whether *request* is a read of *unit*, as the specification has it."""
    function = request[1]
    address, count = (int.from_bytes(request[i : i + 2], "big") for i in (2, 4))
    return (
        reference.with_crc(request[:6]) == request
        and request[0] == unit
        and 1 <= count <= MOST.get(function, 0)
        and address + count <= 65_536
    )


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """Draw points anywhere, also at the last addresses."""
    drawn = []
    for number in range(draw(st.integers(1, 8))):
        type_: RegisterType = draw(st.sampled_from(sorted(REGISTERS_OF)))
        function = draw(st.sampled_from([1, 2, 3, 4]))
        last = 65_536 - REGISTERS_OF[type_]
        near = st.one_of(st.integers(0, 40), st.integers(last - 40, last))
        plus = tuple(
            Part(address=address, type=type_)
            for address in draw(st.lists(near, max_size=1))
        )
        drawn.append(
            Point(
                name=f"p{number}",
                function=function,
                address=draw(near),
                type="u16" if function < 3 else type_,
                plus=plus if function > 2 else (),
                sign=SignBit(address=draw(near), bit=0)
                if draw(st.booleans())
                else None,
            )
        )
    return drawn


LIMITS = st.builds(
    ReadLimits,
    max_registers=st.integers(4, 125),
    bridge_gaps=st.booleans(),
    even_only=st.booleans(),
)


@given(points(), LIMITS, UNITS)
def test_every_request_of_every_plan_is_a_read(
    drawn: list[Point], limits: ReadLimits, unit: int
) -> None:
    kept = tuple(point for point in drawn if not unreadable(point, limits))
    ratios = Ratios("m", kept)
    proof = Proof(unit, limits)
    for block in plan_reads(kept, limits, LINE, 20_000_000):
        read = PreparedRead(unit, block, kept, ratios, Health(lambda: 0.5), LINE)
        assert is_a_read(read.transaction.request, unit)
        # And what proves, after it was not answered, that it still owes nothing.
        proof.anchor([read])
        proof.owe(read.request, 0, granted=True)
        for request in (proof.request(), proof.probe()):
            assert not request or is_a_read(request, unit)


@pytest.mark.parametrize("map_id", MapLibrary(Problems()).names())
def test_every_question_of_an_interview_is_a_read(map_id: str) -> None:
    meter_map = shipped_map(map_id)
    if not Interview.wanted(meter_map):
        return
    interview = Interview(meter_map, meter_map.points, "", known="")
    asked = 0
    while interview.findings is None and asked < 100:
        asked += 1
        for read in prepared(interview.question, 247, LINE):
            assert is_a_read(read.transaction.request, 247)
        interview.answer(b"\0" * 2 * interview.question.count)
    assert asked
