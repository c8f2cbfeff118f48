"""Proof: what tells that a unit owes no reply any more."""

import pytest

from zerometer.core._frame import expected_length
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import LineSettings, Point, ReadBlock
from zerometer.drivers.health import Health
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.proof import BELIEVED_LATENESS_NS, Proof
from zerometer.drivers.ratios import Ratios


def read_of(
    count: int, *, function: int = 3, address: int = 10, kind: str = "u16"
) -> PreparedRead:
    point = Point(name="p", function=function, address=address, type=kind)
    block = ReadBlock(function=function, address=address, count=count, points=(0,))
    points = (point,)
    return PreparedRead(
        1, block, points, Ratios("m", points), Health(lambda: 0.5), LineSettings()
    )


def proof_after(*reads: PreparedRead, limits: ReadLimits | None = None) -> Proof:
    """A proof that is wanted because the first of *reads* was not answered."""
    proof = Proof(1, limits or ReadLimits())
    proof.anchor(reads)
    proof.owe(reads[0].request, 0, granted=True)
    return proof


@pytest.mark.parametrize(
    ("read", "limits", "count"),
    [
        (read_of(20), ReadLimits(), 1),
        (read_of(20, kind="f32"), ReadLimits(), 2),
        (read_of(20), ReadLimits(even_only=True), 2),
        (read_of(1), ReadLimits(), 2),
        (read_of(2, kind="u32"), ReadLimits(even_only=True), 4),
        (read_of(3, function=1), ReadLimits(), 11),
        (read_of(30, function=2), ReadLimits(), 1),
    ],
)
def test_a_probe_is_small_and_of_another_length(
    read: PreparedRead, limits: ReadLimits, count: int
) -> None:
    proof = proof_after(read, limits=limits)
    request = proof.request()
    assert request[1] == read.block.function
    assert int.from_bytes(request[2:4], "big") == read.block.address
    assert int.from_bytes(request[4:6], "big") == count
    assert expected_length(request) != read.length


def test_probes_in_a_row_differ_in_length() -> None:
    proof = proof_after(read_of(20))
    lengths = []
    for _ in range(6):
        request = proof.request()
        lengths.append(expected_length(request))
        proof.owe(request, 0)
        proof.failed()
    assert lengths == [7, 9, 11, 13, 15, 17]


def test_a_failed_probe_goes_elsewhere() -> None:
    proof = proof_after(read_of(20), read_of(20, address=500))
    first = proof.request()
    proof.owe(first, 0)
    proof.failed()
    assert proof.request()[2:4] != first[2:4]


def test_anchors_stay_while_a_proof_is_wanted() -> None:
    proof = proof_after(read_of(20))
    proof.anchor([read_of(20, address=700)])
    assert int.from_bytes(proof.request()[2:4], "big") == 10
    proof.settle()
    assert not proof.wanted
    proof.anchor([read_of(20, address=700)])
    assert int.from_bytes(proof.probe()[2:4], "big") == 700


def test_another_function_follows_when_no_length_is_left() -> None:
    proof = proof_after(read_of(1), limits=ReadLimits(max_registers=1))
    functions = []
    while request := proof.request():
        functions.append(request[1])
        proof.owe(request, 0)
    assert functions == [4, 1, 2]


def test_registers_are_asked_for_at_even_addresses_though_bits_are_at_odd_ones() -> (
    None
):
    limits = ReadLimits(even_only=True)
    proof = proof_after(read_of(1, function=1, address=65_535), limits=limits)
    addresses = set()
    while request := proof.request():
        if request[1] > 2:
            addresses.add(int.from_bytes(request[2:4], "big"))
        proof.owe(request, 0)
    assert addresses == {65_534}


def test_an_exception_proves_only_what_nothing_owed_can_have_got() -> None:
    granted = read_of(20)
    proof = proof_after(granted)
    probe, other = proof.request(), read_of(1, function=4).request
    assert proof.proves(probe)
    assert proof.proves(probe, 2), "a meter does not refuse what it granted"
    assert not proof.proves(probe, 6), "it may be busy, then as now"
    assert proof.proves(other, 6), "of a function that nothing owed has"
    proof.owe(probe, 0)
    assert not proof.proves(probe), "the answer may be the one to the first"
    assert not proof.proves(probe, 2)
    proof.settle()
    assert proof.proves(probe, 6)


def test_what_was_refused_is_not_used_again() -> None:
    proof = proof_after(read_of(20))
    request = proof.request()
    proof.refused(request)
    assert proof.request() not in ("", request)
    assert proof.probe() != request


def test_a_unit_that_is_down_is_probed_alike_each_time() -> None:
    proof = proof_after(read_of(20))
    first = proof.probe()
    for _ in range(200):
        proof.owe(first, 0)
        assert proof.probe() == first
    assert proof.request() not in (b"", first), "there is still something to prove by"


def test_time_settles_what_nothing_can_prove() -> None:
    proof = proof_after(read_of(20))
    proof.owe(read_of(20).request, 5)
    assert not proof.settle_by_time(BELIEVED_LATENESS_NS + 4)
    assert proof.wanted
    assert proof.settle_by_time(BELIEVED_LATENESS_NS + 5)
    assert not proof.wanted


def test_no_probe_beyond_the_last_register() -> None:
    proof = proof_after(read_of(1, address=65_535))
    request = proof.request()
    assert request[1:6] == bytes([4, 255, 255, 0, 1])
