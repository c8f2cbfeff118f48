"""Whatever a unit answers, refuses or keeps for itself: only reads of it leave."""

from collections import deque
from dataclasses import replace
from random import Random

from harness.buses import unit_plan
from hypothesis import given
from hypothesis import strategies as st
from reference import frame as reference

from zerometer.core.identity import Check, Expected, Identity, Register, Variant
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.planner import Hole, unreadable
from zerometer.core.points import LineSettings, Point
from zerometer.drivers.interview import Interview
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.proof import Proof
from zerometer.drivers.questions import REFUSED, prepared
from zerometer.drivers.sunspec import END, MARK
from zerometer.drivers.unit_reads import UnitReads

LINE = LineSettings(baud=9600)
TURNAROUND_NS = 20_000_000
UNIT = 247
ROUNDS = 5
#: Reads of a round that are looked at, and questions of an interview.
MANY = 60

ADDRESSES = st.one_of(st.integers(0, 60), st.integers(65_480, 65_532))
POINTS = st.lists(
    st.builds(
        Point,
        name=st.uuids().map(str),
        function=st.sampled_from([1, 2, 3, 3, 4]),
        address=ADDRESSES,
        type=st.sampled_from(["u16", "f32", "u64"]),
    ),
    min_size=1,
    max_size=8,
)
LIMITS = st.builds(
    ReadLimits,
    max_registers=st.sampled_from([4, 10, 20, 60, 124, 125]),
    bridge_gaps=st.booleans(),
    even_only=st.booleans(),
)
MEMORIES = st.builds(
    UnitMemory,
    holes=st.lists(
        st.builds(
            lambda function, start, size: Hole(function, start, start + size),
            st.integers(1, 4),
            ADDRESSES,
            st.integers(1, 4),
        ),
        max_size=3,
    ).map(tuple),
    max_registers=st.just(0) | st.integers(4, 60),
)
RANDOMS = st.randoms(use_true_random=False)


def check(request: bytes, limits: ReadLimits) -> None:
    """Fail unless *request* is a read of the unit within its *limits*."""
    assert reference.with_crc(request[:6]) == request
    unit, function = request[:2]
    address, count = (int.from_bytes(request[i : i + 2], "big") for i in (2, 4))
    assert unit == UNIT
    assert 1 <= function <= 4
    assert 1 <= count <= (2000 if function <= 2 else limits.max_registers)
    assert address + count <= 65_536
    if limits.even_only and function > 2:
        assert not address % 2
        assert not count % 2


def reads_of(
    points: list[Point], limits: ReadLimits, memory: UnitMemory, random: Random
) -> UnitReads:
    plan = unit_plan("m", UNIT, points, limits=limits)
    return UnitReads(plan, LINE, memory, random.random, TURNAROUND_NS, 0)


def due(reads: UnitReads) -> deque[PreparedRead]:
    everything = tuple(range(len(reads.periods_ns)))
    return deque(reads.due(everything, TURNAROUND_NS))


def doubt(proof: Proof, read: PreparedRead, limits: ReadLimits, random: Random) -> None:
    """Look at what a unit is asked that did not answer *read*."""
    proof.anchor([read])
    proof.owe(read.request, 0, granted=random.random() < 0.5)
    for _ in range(random.randrange(12)):
        check(proof.probe(), limits)
        request = proof.request()
        if not request:
            return
        check(request, limits)
        fate = random.random()
        if fate < 0.3:
            proof.refused(request)
        elif fate < 0.5:
            proof.settle()
            return
        else:
            proof.owe(request, 0)
            proof.failed()


@given(POINTS, LIMITS, MEMORIES, RANDOMS)
def test_every_request_of_a_unit_that_learns_is_a_read(
    points: list[Point], limits: ReadLimits, memory: UnitMemory, random: Random
) -> None:
    kept = [point for point in points if not unreadable(point, limits)]
    reads = reads_of(kept, limits, memory, random)
    proof = Proof(UNIT, limits)
    for _ in range(ROUNDS):
        asked = due(reads)
        for _ in range(MANY):
            if not asked:
                break
            read = asked.popleft()
            check(read.request, limits)
            fate = random.random()
            if fate < 0.4:
                asked += reads.granted(read)
            elif fate < 0.8:
                asked += reads.refused(read)
            else:
                doubt(proof, read, limits, random)


def registers(most: int) -> st.SearchStrategy[Register]:
    return st.integers(1, most).flatmap(
        lambda count: st.builds(
            Register,
            function=st.sampled_from([3, 4]),
            address=ADDRESSES.filter(lambda address: address + count <= 65_536),
            kind=st.just("string"),
            count=st.just(count),
        )
    )


EXPECTED = st.builds(Expected, register=registers(4), values=st.just(("\0",)))


@st.composite
def maps(draw: st.DrawFn) -> MeterMap:
    """Draw a map that has something to be asked."""
    plain = unit_plan("m", UNIT, draw(POINTS), limits=draw(LIMITS)).map
    models = draw(st.sampled_from([(), (103,), (1, 103)]))
    if models:
        # Models are as long as they are: no such device wants even addresses.
        limits = replace(plain.limits, even_only=False)
        plain = replace(plain, limits=limits)
    points = tuple(
        replace(point, models=models, function=3, address=point.address % 60)
        if models
        else point
        for point in plain.points
    )
    kept = tuple(p for p in points if not unreadable(p, plain.limits))
    bases = st.permutations([0, 40_000, 50_000, 65_500])
    elsewhere = {p.name: p.moved(-(p.address // 2)) for p in kept}
    return replace(
        plain,
        points=kept,
        identity=Identity(
            model=draw(st.none() | EXPECTED), serial=draw(st.none() | registers(40))
        ),
        checks=tuple(
            Check(expected=expected, note="")
            for expected in draw(st.lists(EXPECTED, max_size=2))
        ),
        variants=(Variant(name="v", when=draw(EXPECTED), points=elsewhere),),
        sunspec=tuple(draw(bases)) if models else (),
    )


def answer(count: int, random: Random) -> bytes | None:
    """Return what some device answers: sense, nonsense, a refusal, or nothing."""
    fate = random.random()
    if fate < 0.1:
        return None
    if fate < 0.2:
        return REFUSED
    if fate < 0.4:
        return bytes(2 * count)
    if count == len(MARK) // 2:
        if fate < 0.6:
            return MARK
        number = random.choice([1, 103, 64_000, END])
        size = random.choice([2, 66, 20_000, 65_535])
        return number.to_bytes(2, "big") + size.to_bytes(2, "big")
    return random.randbytes(2 * count)


@given(maps(), st.sampled_from(["", "7"]), RANDOMS)
def test_every_question_of_an_interview_is_a_read(
    meter_map: MeterMap, serial: str, random: Random
) -> None:
    limits = meter_map.limits
    interview = Interview(meter_map, meter_map.points, serial, known="")
    proof = Proof(UNIT, limits)
    for _ in range(MANY):
        if interview.findings is not None:
            break
        asked = prepared(interview.question, UNIT, LINE)
        assert asked
        for read in asked:
            check(read.request, limits)
        said = answer(interview.question.count, random)
        if said is None:
            doubt(proof, asked[0], limits, random)
            interview.silence()
        else:
            interview.answer(said)
    findings = interview.findings
    if findings is not None and findings.trusted and meter_map.points:
        reads = reads_of([*meter_map.points], limits, UnitMemory(), random)
        reads.move(findings.points, findings.absent)
        for read in due(reads):
            check(read.request, limits)
