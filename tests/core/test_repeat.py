import pytest
from hypothesis import given
from hypothesis import strategies as st

from facade.core import Code, DeadlineExceeded, LimitExceeded, RpcError, Sent, Unavailable
from facade.core.repeat import RepeatBudget, may_repeat

SAFE = [Sent.NOT_SENT, Sent.NOT_EXECUTED]


@pytest.mark.parametrize("sent", SAFE)
@pytest.mark.parametrize("kind", [Unavailable, DeadlineExceeded, RpcError])
def test_what_did_not_run_may_be_repeated(kind, sent):
    """Any method may be called again that was not called."""
    assert may_repeat(kind("no", sent=sent), idempotent=False)


@pytest.mark.parametrize("kind", [Unavailable, DeadlineExceeded])
def test_what_may_have_run_is_repeated_only_where_it_does_no_harm(kind):
    """Only a method that is declared idempotent may run twice."""
    error = kind("no", sent=Sent.MAYBE_EXECUTED)
    assert may_repeat(error, idempotent=True)
    assert not may_repeat(error, idempotent=False)


def test_unknown_failure_is_not_repeated():
    """An error that is neither of the way nor of the time may be anything."""
    assert not may_repeat(RpcError("what?"), idempotent=True)


@pytest.mark.parametrize(
    "code",
    [
        Code.TIMEOUT_TERMINATE,
        Code.METHOD_NOT_FOUND,
        Code.SERIALIZATION,
        Code.VALIDATION,
        Code.AUTHORIZATION,
        Code.FORBIDDEN,
        Code.BIZ,
        Code.NO_INVOKER_AVAILABLE,
    ],
)
@pytest.mark.parametrize("sent", list(Sent))
def test_what_would_fail_again_is_not_repeated(code, sent):
    """However safe it is."""
    assert not may_repeat(Unavailable("no", code=code, sent=sent), idempotent=True)


def test_limits_of_the_provider_may_be_gone_next_time():
    """A full provider may have room later; a message too large stays so."""
    assert may_repeat(LimitExceeded("full", sent=Sent.NOT_EXECUTED), idempotent=False)
    assert not may_repeat(LimitExceeded("too large", sent=Sent.NOT_SENT), idempotent=True)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_answers_earn_attempts():
    """At a share of a tenth, ten answers are worth one."""
    budget = RepeatBudget(0.1, minimum=0.0)
    assert not budget.take()
    for _ in range(10):
        budget.answered()
    assert [budget.take(), budget.take()] == [True, False]


def test_rare_calls_may_be_repeated_as_time_passes():
    """One at once, and one more for each ten seconds; they do not add up."""
    clock = Clock()
    budget = RepeatBudget(clock=clock)
    assert [budget.take(), budget.take()] == [True, False]
    clock.now += 10
    assert [budget.take(), budget.take()] == [True, False]
    clock.now += 1000
    assert [budget.take(), budget.take()] == [True, False]


@given(
    share=st.floats(0, 1),
    events=st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=200),
)
def test_never_more_than_its_share_and_its_minimum(share, events):
    """Whatever comes in which order: repeats stay under what answers and time have earned."""
    clock = Clock()
    budget = RepeatBudget(share, minimum=0.1, clock=clock)
    answered = taken = 0
    for seconds, answers in events:
        clock.now += seconds
        if answers:
            budget.answered()
            answered += 1
        else:
            taken += budget.take()
        assert taken <= share * answered + 0.1 * (clock.now - 1000) + 1 + 1e-6


@given(answered=st.integers(0, 1000), calls=st.integers(100, 2000))
def test_dead_provider_sees_little(answered, calls):
    """However long all was well before: at most what was saved goes beyond the calls."""
    budget = RepeatBudget(clock=Clock())
    for _ in range(answered):
        budget.answered()
    assert calls + sum(budget.take() for _ in range(calls)) <= 1.1 * calls + 1e-6
