import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import facade
from facade.core import (
    Code,
    DeadlineExceeded,
    FilterSettings,
    Invocation,
    LimitExceeded,
    Method,
    Result,
    Sent,
    TimeoutCountDown,
    Unavailable,
    Unimplemented,
)
from facade.filters.hedge import Hedge
from facade.testing import FakeInvoker

IDEMPOTENT = Method("demo.Greeter", "hello", (), str, idempotent=True)
HARMFUL = Method("demo.Greeter", "hello", (), str)


def call(method=IDEMPOTENT, timeout=None, **facts):
    made = Invocation("demo.Greeter", "hello", ("Ann",), method=method, timeout=timeout, **facts)
    if timeout is not None:
        made.countdown = TimeoutCountDown(timeout)
    return made


class Attempts:
    """What each attempt does: seconds that it takes, and what it gives or raises then."""

    def __init__(self, loop, *outcomes):
        self._loop = loop
        self._outcomes = list(outcomes)
        self.started = []
        self.cancelled = []
        self.invocations = []

    async def invoke(self, invocation):
        number = len(self.started)
        self.started.append(self._loop.time() - 1000)
        self.invocations.append(invocation)
        seconds, outcome = self._outcomes[number]
        invocation.attachments["mine"] = invocation.remote_address = str(number)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if isinstance(outcome, BaseException):
            raise outcome
        return Result(outcome)


def hedge_of(virtual, **settings):
    """A filter whose budget is no matter."""
    hedge = Hedge(**{"hedge_after": 1.0, "hedge_budget": 1.0, **settings}, clock=virtual.time)
    for _ in range(10):
        hedge.budget.answered()
    return hedge


def run(virtual, hedge, rest, invocation):
    async def run():
        try:
            return (await hedge.invoke(rest, invocation)).value
        finally:
            for _ in range(3):  # let those that were cancelled end
                await asyncio.sleep(0)
            assert not hedge._losers

    return virtual.run_until_complete(run())


# When there is a second attempt


def test_quick_answer_needs_no_other(virtual):
    """Within the delay there is one attempt, and nothing else."""
    rest = Attempts(virtual, (0.5, "first"))
    assert run(virtual, hedge_of(virtual), rest, call()) == "first"
    assert rest.started == [0]


def test_slow_answer_is_overtaken(virtual):
    """The second attempt starts after the delay; its answer wins, and the first is cancelled."""
    rest = Attempts(virtual, (60, "first"), (0.5, "second"))
    assert run(virtual, hedge_of(virtual), rest, call()) == "second"
    assert (rest.started, rest.cancelled) == ([0, 1], [0])
    assert virtual.now == 1001.5


def test_first_attempt_may_still_win(virtual):
    """It is not given up for the second one."""
    rest = Attempts(virtual, (1.5, "first"), (60, "second"))
    assert run(virtual, hedge_of(virtual), rest, call()) == "first"
    assert rest.cancelled == [1]


def test_hedges_follow_one_another(virtual):
    """Each one so much later than the one before, and no more than were asked for."""
    rest = Attempts(virtual, (60, 1), (60, 2), (60, 3))
    assert run(virtual, hedge_of(virtual, hedges=2), rest, call()) == 1
    assert (rest.started, rest.cancelled) == ([0, 1, 2], [1, 2])


def test_delay_may_be_a_share_of_the_time(virtual):
    """A fifth of ten seconds; without a limit nothing is late."""
    hedge = hedge_of(virtual, hedge_after="20%")
    rest = Attempts(virtual, (3, "first"), (5, "second"))
    assert run(virtual, hedge, rest, call(timeout=10)) == "first"
    assert rest.started == [0, 2]
    rest = Attempts(virtual, (600, "first"))
    assert run(virtual, hedge, rest, call()) == "first"


@pytest.mark.parametrize(
    "invocation", [call(HARMFUL), call(None), call(IDEMPOTENT, oneway=True)], ids=str
)
def test_only_idempotent_calls_that_answer_are_hedged(virtual, invocation):
    """What might harm, what is not known, and what nobody waits for passes as it is."""
    rest = Attempts(virtual, (60, "first"))
    assert run(virtual, hedge_of(virtual), rest, invocation) == "first"
    assert rest.invocations == [invocation]


# What fails


def test_failure_brings_the_next_attempt_at_once(virtual):
    """It is not waited until the delay is over."""
    rest = Attempts(virtual, (0.25, Unavailable("lost")), (0.5, "second"))
    assert run(virtual, hedge_of(virtual), rest, call()) == "second"
    assert rest.started == [0, 0.25]


def test_failure_of_one_leaves_the_other(virtual):
    """An attempt is under way that may still answer."""
    rest = Attempts(virtual, (3, "first"), (0.5, Unavailable("lost")))
    assert run(virtual, hedge_of(virtual), rest, call()) == "first"


def test_last_error_is_raised_and_says_what_may_have_run(virtual):
    """Though the last attempt itself was not sent."""
    last = Unavailable("no connection", sent=Sent.NOT_SENT)
    rest = Attempts(virtual, (0.2, Unavailable("lost")), (0.5, last))
    with pytest.raises(Unavailable) as caught:
        run(virtual, hedge_of(virtual), rest, call())
    assert caught.value is last
    assert last.sent is Sent.MAYBE_EXECUTED


@pytest.mark.parametrize(
    "error",
    [
        Unimplemented("no such method", sent=Sent.NOT_EXECUTED),
        DeadlineExceeded("none left", code=Code.TIMEOUT_TERMINATE),
        KeyError("of a filter"),
    ],
)
def test_what_would_fail_again_ends_the_call(virtual, error):
    """The others could not do better."""
    rest = Attempts(virtual, (60, "first"), (0.5, error))
    with pytest.raises(type(error)):
        run(virtual, hedge_of(virtual), rest, call())
    assert rest.cancelled == [0]


async def test_exception_of_the_method_is_an_answer():
    """The provider worked, and it would raise it again."""
    rest = FakeInvoker(exception=ValueError("no"))
    result = await Hedge(hedge_after=60.0).invoke(rest, call())
    assert isinstance(result.exception, ValueError)
    assert len(rest.invocations) == 1


def test_no_attempt_starts_without_time(virtual):
    """A failure at the deadline is the end."""
    rest = Attempts(virtual, (2, DeadlineExceeded("late")))
    with pytest.raises(DeadlineExceeded):
        run(virtual, hedge_of(virtual, hedge_after=5.0), rest, call(timeout=2))


# What an attempt finds


def test_attempts_do_not_disturb_each_other(virtual):
    """Each has attachments and notes of its own; what the winner learned is the call's."""
    invocation = call(timeout=10, attachments={"trace": "1"})
    rest = Attempts(virtual, (60, "first"), (0.5, "second"))
    run(virtual, hedge_of(virtual), rest, invocation)
    first, second = rest.invocations
    assert first.attachments == {"trace": "1", "mine": "0"}
    assert second.attachments == {"trace": "1", "mine": "1", "call.attempt": "2"}
    assert (first.timeout, second.timeout) == (10, 9)
    assert invocation.attachments == {"trace": "1"}
    assert invocation.attributes == {"call.attempt": 2}
    assert invocation.remote_address == "1"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    outcomes=st.lists(
        st.tuples(st.floats(0, 20), st.sampled_from(["answer", "error"])), min_size=4, max_size=4
    ),
    hedges=st.integers(0, 3),
)
def test_all_attempts_end_with_the_call(virtual, outcomes, hedges):
    """Whatever they do: there is an answer if there can be one, and nothing is left over."""
    virtual.now = 1000.0
    rest = Attempts(
        virtual, *((s, Unavailable("lost") if o == "error" else o) for s, o in outcomes)
    )
    answered = None
    try:
        answered = run(virtual, hedge_of(virtual, hedges=hedges), rest, call())
    except Unavailable:
        assert len(rest.started) == hedges + 1
    assert (answered == "answer") == any(o == "answer" for _, o in outcomes[: len(rest.started)])
    assert not asyncio.all_tasks(virtual)


# Configuration


@pytest.mark.parametrize(
    "wrong",
    [
        {"hedge_after": -1.0},
        {"hedge_after": float("nan")},
        {"hedge_after": "20"},
        {"hedge_after": "0%"},
        {"hedge_after": "100%"},
        {"hedge_after": "a lot%"},
        {"hedge_after": "20% or so"},
        {"hedge_after": 1.0, "hedges": -1},
        {"hedge_after": 1.0, "hedge_budget": -1.0},
        {"hedge_after": 1.0, "hedge_budget": float("nan")},
    ],
)
def test_wrong_settings_are_errors_at_once(wrong):
    """As an object and by setting alike; the error names the setting."""
    with pytest.raises(ValueError, match="hedge"):
        Hedge(**wrong)
    with pytest.raises(ValueError, match="hedge"):
        Hedge.configure(FilterSettings(wrong))


def test_hedges_need_a_delay():
    """All at once would be double the load."""
    with pytest.raises(ValueError, match="hedge_after is not said"):
        Hedge.configure(FilterSettings({"hedges": 1}))


def test_methods_may_have_their_own(virtual):
    """One of them only; the others are left alone."""
    hedge = Hedge.configure(FilterSettings({}, {"hello": {"hedge_after": 1.0}}))
    rest = Attempts(virtual, (60, "first"), (0.5, "second"))
    assert run(virtual, hedge, rest, call()) == "second"
    other = Invocation("demo.Greeter", "other", method=IDEMPOTENT)
    rest = Attempts(virtual, (60, "first"))
    assert run(virtual, hedge, rest, other) == "first"


def test_setting_switches_it_on():
    """Outside of retry: each of its attempts may be repeated."""
    client = facade.AsyncClient("nowhere:1", filter_settings={"retries": 2, "hedge_after": 0.1})
    assert "consumer_context -> hedge -> retry" in repr(client.invoker)


def test_at_once_takes_hedges_beside_it():
    """Zero is empty, which switches no filter on; how many attempts there may be does."""
    for more, is_on in (({}, False), ({"hedges": 1}, True)):
        client = facade.AsyncClient("localhost:1", filter_settings={"hedge_after": 0.0, **more})
        assert ("hedge" in repr(client.invoker)) is is_on


def test_refusal_of_an_attempt_while_another_runs(virtual):
    """The call may have run, whatever the refusal says: the first attempt was sent."""
    refusal = LimitExceeded("no place", sent=Sent.NOT_SENT)
    rest = Attempts(virtual, (10.0, "late"), (0.0, refusal))
    with pytest.raises(LimitExceeded) as caught:
        run(virtual, hedge_of(virtual), rest, call())
    assert caught.value.sent is Sent.MAYBE_EXECUTED
    assert rest.cancelled == [0]


def test_refusal_of_the_only_attempt(virtual):
    """It says what it says."""
    rest = Attempts(virtual, (0.0, LimitExceeded("no place", sent=Sent.NOT_SENT)))
    with pytest.raises(LimitExceeded) as caught:
        run(virtual, hedge_of(virtual), rest, call())
    assert caught.value.sent is Sent.NOT_SENT
