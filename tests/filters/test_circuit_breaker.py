import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade.core import (
    Code,
    DeadlineExceeded,
    FilterSettings,
    InvalidArgument,
    Invocation,
    LimitExceeded,
    Result,
    Sent,
    Unavailable,
)
from facade.filters.circuit_breaker import CircuitBreaker, State, Window
from facade.testing import FakeInvoker

OPEN = {"demo.Greeter.hello": State.OPEN}
HALF_OPEN = {"demo.Greeter.hello": State.HALF_OPEN}
CLOSED = {"demo.Greeter.hello": State.CLOSED}


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(minimum=4, probes=2, clock=clock)


def call(name="hello"):
    return Invocation("demo.Greeter", name, ("Ann",))


DEAD = FakeInvoker(error=Unavailable("lost"))
WELL = FakeInvoker("answer")


async def send(breaker, rest, times=1, name="hello"):
    """So many calls, whatever becomes of them."""
    for _ in range(times):
        try:
            await breaker.invoke(rest, call(name))
        except Exception as error:
            last = error
        else:
            last = None
    return last


# When it opens


@pytest.mark.parametrize("error", [Unavailable("lost"), DeadlineExceeded("late")])
async def test_opens_when_too_many_calls_fail(breaker, error):
    """Half of at least four: the next one is refused, and the provider sees nothing of it."""
    rest = FakeInvoker(error=error)
    await send(breaker, WELL, 2)
    await send(breaker, rest, 1)
    assert breaker.states() == CLOSED
    await send(breaker, rest, 1)
    assert breaker.states() == OPEN
    refusal = await send(breaker, rest)
    assert len(rest.invocations) == 2
    assert isinstance(refusal, Unavailable)
    assert (refusal.sent, refusal.code) == (Sent.NOT_SENT, Code.NO_INVOKER_AVAILABLE)
    assert "2 of 4 calls failed within 10 s; calls go again in 5.0 s" in str(refusal)


async def test_few_calls_say_nothing(breaker):
    """Three failures of three may be chance."""
    await send(breaker, DEAD, 3)
    assert breaker.states() == CLOSED


@pytest.mark.parametrize(
    "rest",
    [
        FakeInvoker(exception=ValueError("of the method")),
        FakeInvoker(exception=Unavailable("raised by the method")),
        FakeInvoker(error=LimitExceeded("full", sent=Sent.NOT_EXECUTED, remote=True)),
        FakeInvoker(error=InvalidArgument("wrong", sent=Sent.NOT_SENT)),
        FakeInvoker(error=DeadlineExceeded("none left", code=Code.TIMEOUT_TERMINATE)),
        FakeInvoker(error=KeyError("of a filter")),
        FakeInvoker(error=asyncio.CancelledError()),
    ],
)
async def test_what_is_no_failure_of_the_way_does_not_open_it(breaker, rest):
    """The provider answered, or was never asked."""
    for _ in range(20):
        with contextlib.suppress(BaseException):
            await breaker.invoke(rest, call())
    assert breaker.states() == CLOSED


async def test_calls_that_were_never_sent_do_not_thin_failures(breaker):
    """A refusal of this end is no sign that the provider is well."""
    await send(breaker, FakeInvoker(error=InvalidArgument("wrong", sent=Sent.NOT_SENT)), 100)
    await send(breaker, DEAD, 4)
    assert breaker.states() == OPEN


async def test_old_failures_are_forgotten(breaker, clock):
    """Only the last seconds count."""
    await send(breaker, DEAD, 3)
    clock.now += 11
    await send(breaker, DEAD, 3)
    assert breaker.states() == CLOSED
    await send(breaker, DEAD, 1)
    assert breaker.states() == OPEN


async def test_methods_do_not_share_one(breaker):
    """A method that fails takes nothing away from the others."""
    await send(breaker, DEAD, 4)
    assert await send(breaker, WELL, name="bye") is None
    assert breaker.states() == {**OPEN, "demo.Greeter.bye": State.CLOSED}


# How it closes


async def test_probes_close_it(breaker, clock):
    """After its time two calls go, and when both are answered, all do."""
    await send(breaker, DEAD, 4)
    clock.now += 4.9
    assert isinstance(await send(breaker, WELL), Unavailable)
    clock.now += 0.2
    assert await send(breaker, WELL) is None
    assert breaker.states() == HALF_OPEN
    assert await send(breaker, WELL) is None
    assert breaker.states() == CLOSED
    await send(breaker, DEAD, 3)
    assert breaker.states() == CLOSED, "what was before is forgotten"


async def test_failed_probe_opens_it_again(breaker, clock):
    """For the whole time once more."""
    await send(breaker, DEAD, 4)
    clock.now += 5
    await send(breaker, DEAD)
    assert breaker.states() == OPEN
    refusal = await send(breaker, WELL)
    assert "a probe failed; calls go again in 5.0 s" in str(refusal)


class Gate:
    """Holds calls until it is opened."""

    def __init__(self):
        self.open = asyncio.Event()
        self.came = 0

    async def invoke(self, invocation):
        self.came += 1
        await self.open.wait()
        return Result("answer")


async def test_only_so_many_probes_are_under_way(breaker, clock):
    """A hundred callers that wait for the half-open moment: two get through."""
    await send(breaker, DEAD, 4)
    clock.now += 5
    gate = Gate()
    tasks = [asyncio.create_task(breaker.invoke(gate, call())) for _ in range(100)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert gate.came == 2
    gate.open.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 98
    assert "2 probes are under way" in str(outcomes[-1])
    assert breaker.states() == CLOSED


async def test_cancelled_probe_gives_its_place_back(breaker, clock):
    """It said nothing: another call may try."""
    await send(breaker, DEAD, 4)
    clock.now += 5
    tasks = [asyncio.create_task(breaker.invoke(Gate(), call())) for _ in range(2)]
    await asyncio.sleep(0)
    assert isinstance(await send(breaker, WELL), Unavailable)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await send(breaker, WELL, 2) is None
    assert breaker.states() == CLOSED


async def test_late_end_of_an_old_call_says_nothing(breaker, clock):
    """A call from before the outage that ends while it is half open is no probe."""
    gate = Gate()
    old = [asyncio.create_task(breaker.invoke(gate, call())) for _ in range(5)]
    await asyncio.sleep(0)
    await send(breaker, DEAD, 4)
    clock.now += 5
    await send(breaker, WELL)
    gate.open.set()
    await asyncio.gather(*old)
    assert breaker.states() == HALF_OPEN


@given(
    st.lists(st.tuples(st.floats(0, 8), st.booleans()), max_size=100),
)
def test_window_counts_what_is_young(events):
    """All that is younger than nine tenths of it, and nothing that is older than it."""
    now = 1000.0
    window = Window(10.0, now)
    ends = []
    for seconds, failed in events:
        now += seconds
        window.add(now, failed)
        ends.append((now, failed))
        young = [f for at, f in ends if at > now - 8.999]
        not_old = [f for at, f in ends if at > now - 10.001]
        assert len(young) <= window.calls <= len(not_old)
        assert sum(young) <= window.failures <= sum(not_old)


# Configuration


async def test_setting_says_the_numbers():
    """True for those that hold, a dict for others, False for none, by method too."""
    breaker = CircuitBreaker.configure(
        FilterSettings(
            {"circuit_breaker": True},
            {"hello": {"circuit_breaker": {"minimum": 2}}, "bye": {"circuit_breaker": False}},
        )
    )
    await send(breaker, DEAD, 2)
    await send(breaker, DEAD, 30, name="bye")
    await send(breaker, DEAD, 2, name="other")
    assert breaker.states() == {**OPEN, "demo.Greeter.other": State.CLOSED}


def test_unknown_number_is_an_error_with_a_hint():
    """At the start, and not at the first call."""
    with pytest.raises(ValueError, match="no 'probe': did you mean 'probes'"):
        CircuitBreaker.configure(FilterSettings({"circuit_breaker": {"probe": 1}}))
    with pytest.raises(ValueError, match="there are: failure_share, window"):
        CircuitBreaker.configure(FilterSettings({"circuit_breaker": {"xyz": 1}}))


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"failure_share": 1.5}, ValueError),
        ({"failure_share": 0}, ValueError),
        ({"window": -1.0}, ValueError),
        ({"minimum": 0}, ValueError),
        ({"minimum": 2.5}, TypeError),
        ({"open_for": "5"}, TypeError),
        ({"probes": True}, TypeError),
    ],
)
def test_wrong_numbers_are_errors_at_once(wrong, kind):
    """The error names the one that is wrong."""
    with pytest.raises(kind, match=next(iter(wrong))):
        CircuitBreaker(**wrong)
    with pytest.raises(kind, match=next(iter(wrong))):
        CircuitBreaker.configure(FilterSettings({"circuit_breaker": wrong}))


def test_setting_switches_it_on_outside_of_retry():
    """The breaker sees what became of a call after all of its attempts."""
    client = facade.AsyncClient(
        "nowhere:1", filter_settings={"retries": 2, "circuit_breaker": True}
    )
    assert "consumer_context -> circuit_breaker -> retry" in repr(client.invoker)
