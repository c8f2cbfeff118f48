"""When the receiver asks for what is missing, and when it had better wait."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness.batches import EPOCH
from harness.sealed_batches import sealed
from harness.taking import take
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.agent.batch import Gap, Missing, peek
from zerometer.agent.receiver.continuity import (
    GRACE_NS,
    MAX_RANGES,
    Continuity,
)
from zerometer.agent.receiver.errors import IdentityConflictError
from zerometer.agent.receiver.sqlite_store import open_sqlite
from zerometer.agent.receiver.status import read_status
from zerometer.agent.receiver.store import Store


class Watched:
    """A store, its continuity, and a clock to set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ns = 0
        self.begin()

    def begin(self) -> None:
        """Begin to watch, as after a start."""
        self.continuity = Continuity(self.store, lambda: self.now_ns)

    def take(self, seq: int, gaps: tuple[Gap, ...] = ()) -> list[tuple[int, int]]:
        """Take a batch; return what is asked for."""
        data = sealed(seq, gaps=gaps)
        self._once(data)
        asked = self.continuity.after(peek(data))
        assert all(a == Missing(EPOCH, "readings", a.first, a.last) for a in asked)
        return [(a.first, a.last) for a in asked]

    def _once(self, data: bytes) -> None:
        with suppress(IdentityConflictError):  # it had declared gaps before
            take(self.store, data)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with closing(open_sqlite(tmp_path / "received.sqlite")) as store:
        yield Watched(store)


def test_a_backlog_that_comes_is_not_asked_for(watched: Watched) -> None:
    """Live batches overtake it for hours; each fills something that was missing."""
    assert watched.take(1) == []
    for back in range(2, 30):
        watched.now_ns += GRACE_NS // 2
        assert watched.take(98 + back) == []
        watched.now_ns += GRACE_NS // 2 - 1
        assert watched.take(back) == []


def test_what_nobody_sends_is_asked_for_once_in_a_while(watched: Watched) -> None:
    for seq in (1, 2, 5, 9):
        assert watched.take(seq) == []
    watched.now_ns += GRACE_NS - 1
    assert watched.take(10) == []
    watched.now_ns += 1
    # What was missing first has been waited for.
    assert watched.take(11) == [(3, 4)]
    watched.now_ns += GRACE_NS - 1
    assert watched.take(12) == []
    watched.now_ns += 1
    # A duplicate may ask as well: its sender is there.
    assert watched.take(12) == [(3, 4), (6, 8)]


def test_receivers_side_by_side_ask_as_one_would(watched: Watched) -> None:
    """Each sees every second batch; only 3 is missing, and nobody sends it."""
    other = Watched(watched.store)
    asked = []
    for seq in range(1, 41):
        if seq != 3:
            watched.now_ns = other.now_ns = seq * GRACE_NS // 2
            asked += (watched if seq % 2 else other).take(seq)
    assert len(asked) > 10
    assert set(asked) == {(3, 3)}


def test_a_pause_of_the_gateway_is_no_reason_to_ask(watched: Watched) -> None:
    """It was away for a day, and comes with the newest: the others will follow."""
    watched.take(1)
    watched.now_ns += 144 * GRACE_NS
    assert watched.take(90) == []


def test_what_a_gateway_has_given_up_is_not_asked_for(watched: Watched) -> None:
    watched.take(1)
    watched.take(5)
    watched.now_ns += GRACE_NS
    assert watched.take(6, gaps=(Gap(2, 4, "evicted"),)) == []
    watched.now_ns += GRACE_NS
    assert watched.take(7) == []


def test_what_another_receiver_has_taken_is_not_asked_for(watched: Watched) -> None:
    watched.take(1)
    watched.take(4)
    watched.now_ns += GRACE_NS
    take(watched.store, sealed(2))
    assert watched.take(5) == []
    watched.now_ns += GRACE_NS
    assert watched.take(6) == [(3, 3)]


def test_a_restart_waits_anew(watched: Watched) -> None:
    watched.take(4)
    watched.begin()
    watched.now_ns += 100 * GRACE_NS
    assert watched.take(5) == []
    watched.now_ns += GRACE_NS
    assert watched.take(6) == [(1, 3)]


def test_one_answer_asks_for_so_many_ranges(watched: Watched) -> None:
    for seq in range(2, 2 * MAX_RANGES + 20, 2):
        watched.take(seq)
    watched.now_ns += GRACE_NS
    assert len(watched.take(1)) == 0  # it fills the first
    watched.now_ns += GRACE_NS
    asked = watched.take(2)
    assert len(asked) == MAX_RANGES
    assert asked[0] == (3, 3)


@settings(deadline=None, max_examples=60)
@given(
    seqs=st.sets(st.integers(1, 30), min_size=1),
    gaps=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=4),
)
def test_view_status_and_memory_agree(
    seqs: set[int], gaps: list[tuple[int, int]]
) -> None:
    """Three ways to say what is missing: to reports, to operators, to gateways."""
    declared = [(first, first + length) for first, length in gaps]
    lost = {n for first, last in declared for n in range(first, last + 1)}
    missing = sorted(set(range(1, max(seqs))) - seqs - lost)
    with (
        TemporaryDirectory() as folder,
        closing(open_sqlite(Path(folder) / "received.sqlite")) as store,
    ):
        for seq in seqs:
            own = declared if seq == max(seqs) else []
            header_gaps = tuple(Gap(first, last, "evicted") for first, last in own)
            take(store, sealed(seq, gaps=header_gaps))
        viewed = store.query("SELECT first, last FROM missing ORDER BY first")
        (stream,) = read_status(store)["streams"]
        watch = Watched(store)
        watch.take(max(seqs))
        watch.now_ns += GRACE_NS
        asked = watch.take(max(seqs))
    ranges = [(row["first"], row["last"]) for row in viewed]
    assert [n for a, b in ranges for n in range(a, b + 1)] == missing
    assert stream["missing_ranges"] == ranges
    assert stream["missing"] == len(missing)
    assert stream["declared"] == len(lost & (set(range(1, max(seqs))) - seqs))
    assert asked == ranges[:MAX_RANGES]
