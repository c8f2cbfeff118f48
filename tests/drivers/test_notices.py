"""Notices: each trouble once until it has ended, and not every second."""

from zerometer.drivers.notices import REPEAT_NS, BusNotice, Notices


class Clocked:
    """Notices with a clock that the test sets."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.said: list[BusNotice] = []
        self.notices = Notices("rs485-a", self.said.append, lambda: self.now_ns)


def test_a_trouble_is_told_once_until_it_ends() -> None:
    clocked = Clocked()
    for _ in range(3):
        clocked.notices.trouble("garbage", "m", "text")
    assert clocked.said == [
        BusNotice(kind="garbage", bus="rs485-a", meter="m", text="text", time_ns=0)
    ]
    assert clocked.notices.stands("m")
    clocked.notices.ended("m")
    assert not clocked.notices.stands("m")
    clocked.now_ns = REPEAT_NS
    clocked.notices.trouble("garbage", "m", "text")
    assert len(clocked.said) == 2


def test_what_comes_and_goes_is_not_told_each_time() -> None:
    clocked = Clocked()
    for second in range(120):
        clocked.now_ns = second * 1_000_000_000
        clocked.notices.trouble("timeout", "m", "text")
        clocked.notices.ended("m")
    assert len(clocked.said) == 2


def test_details_and_meters_are_told_apart() -> None:
    clocked = Clocked()
    clocked.notices.trouble("exception", "m", "1", "one")
    clocked.notices.trouble("exception", "m", "2", "two")
    clocked.notices.trouble("exception", "n", "3", "one")
    clocked.notices.ended("m", "one")
    clocked.now_ns = REPEAT_NS
    for meter, detail in (("m", "one"), ("m", "two"), ("n", "one")):
        clocked.notices.trouble("exception", meter, "again", detail)
    assert [notice.text for notice in clocked.said] == ["1", "2", "3", "again"]
