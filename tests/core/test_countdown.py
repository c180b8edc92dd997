from time import monotonic

import pytest

from facade.core import TimeoutCountDown


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until ``clock.now`` is set."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("facade.core.countdown.monotonic", lambda: Clock.now)
    return Clock


def test_time_left_and_time_spent_add_up(clock):
    """Remaining and elapsed are seconds, counted from when it was made."""
    countdown = TimeoutCountDown(2.0)
    clock.now += 0.5
    assert countdown.remaining == pytest.approx(1.5)
    assert countdown.elapsed == pytest.approx(0.5)
    assert not countdown.expired


def test_expires_when_the_time_is_up_and_not_before(clock):
    """The last moment still counts; from the deadline on nothing is left."""
    countdown = TimeoutCountDown(2.0)
    clock.now += 1.999
    assert not countdown.expired
    clock.now = countdown.deadline
    assert countdown.expired
    assert countdown.remaining == 0


def test_goes_on_after_it_expired(clock):
    """How late it is can be told: remaining is negative, elapsed more than the timeout."""
    countdown = TimeoutCountDown(2.0)
    clock.now += 5
    assert countdown.remaining == pytest.approx(-3)
    assert countdown.elapsed == pytest.approx(5)


def test_starts_when_it_is_told(clock):
    """A call that waited in a queue has used that time up."""
    countdown = TimeoutCountDown(2.0, clock.now - 3)
    assert countdown.expired
    assert countdown.deadline == clock.now - 1


def test_runs_on_the_monotonic_clock():
    """Setting the machine's clock can't make a call expire."""
    before = monotonic()
    countdown = TimeoutCountDown(100)
    assert before + 100 <= countdown.deadline <= monotonic() + 100


def test_repr_tells_the_timeout_and_what_is_left(clock):
    """It reads well in a log."""
    countdown = TimeoutCountDown(2.0)
    clock.now += 0.25
    assert repr(countdown) == "TimeoutCountDown(2 s, 1.750 s left)"
