import asyncio

import pytest

from facade.core import DeadlineExceeded, Method, Result, Sent, Status, TimeoutCountDown
from facade.filters.timeout import Timeout

CANCELS = Method("demo.Greeter", "hello", (), str, cancel_on_timeout=True)


class Countdown(TimeoutCountDown):
    """Runs out when it is told, while a timer for what remains goes off soon."""

    expired = False
    remaining = 0.001


class Endless:
    """Never answers, and tells when it is started and when it is cancelled."""

    def __init__(self, cancelled=lambda: None):
        self.started = asyncio.Event()
        self.cancelled = cancelled

    async def invoke(self, invocation):
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled()


@pytest.fixture
def countdown(invocation):
    invocation.countdown = countdown = Countdown(2)
    return countdown


@pytest.fixture
def run_out(countdown):
    """Let the time be up."""
    return lambda *_: setattr(countdown, "expired", True)


# In time


@pytest.mark.usefixtures("countdown")
async def test_call_in_time_is_left_alone(invoker, invocation):
    """A result that comes in time goes back as it is."""
    assert await Timeout().invoke(invoker, invocation) is invoker.result
    assert (invoker.result.value, invoker.result.expired) == ("answer", False)


async def test_call_without_a_limit_is_left_alone(invoker, invocation):
    """Where the caller stated no limit, nothing is ever late."""
    assert await Timeout().invoke(invoker, invocation) is invoker.result
    assert not invoker.result.expired


# Late


@pytest.mark.parametrize("outcome", [Result("answer"), Result(exception=KeyError("name"))])
async def test_late_result_is_cleared_and_marked(invoker, invocation, run_out, outcome):
    """Value, exception and attachments are forgotten, and the mark tells that they were."""
    outcome.attachments = {"cost": "5"}
    invoker.result = outcome
    invoker.before = run_out
    result = await Timeout().invoke(invoker, invocation)
    assert result.expired
    assert (result.value, result.exception, result.attachments) == (None, None, {})


async def test_late_call_is_logged_without_its_arguments(invoker, invocation, run_out, caplog):
    """The log names the method, the time it had and who called; never what was given."""
    invocation.remote_address = "ipv4:10.0.0.1:4000"
    invoker.before = run_out
    await Timeout().invoke(invoker, invocation)
    message = caplog.records[0].getMessage()
    assert message.startswith("invoke timed out. method: demo.Greeter.hello, ")
    assert "timeout 2000 ms" in message
    assert "ipv4:10.0.0.1:4000" in message
    assert "Ann" not in message


async def test_call_that_is_late_on_arrival_is_not_started(invoker, invocation, run_out):
    """Work that nobody waits for is refused, and the caller learns that it did not run."""
    run_out()
    with pytest.raises(DeadlineExceeded, match="hello was not started") as caught:
        await Timeout().invoke(invoker, invocation)
    assert invoker.invocations == []
    assert caught.value.sent is Sent.NOT_EXECUTED
    assert caught.value.status is Status.DEADLINE_EXCEEDED


# What goes on after the time


async def test_method_goes_on_after_its_time(invoker, invocation, countdown):
    """A method is left to finish, as in Dubbo, however long its time is over."""
    ended = []

    class Slow:
        async def invoke(self, invocation):
            countdown.expired = True
            for _ in range(3):
                await asyncio.sleep(countdown.remaining)
            ended.append(True)
            return Result("answer")

    assert (await Timeout().invoke(Slow(), invocation)).expired
    assert ended == [True]


async def test_method_is_cancelled_when_it_says_so(invocation, run_out):
    """With cancel_on_timeout the method ends with its time, and the result is marked."""
    invocation.method = CANCELS
    cancelled = []

    def note():
        run_out()
        cancelled.append(True)

    result = await Timeout().invoke(Endless(note), invocation)
    assert cancelled == [True]
    assert result.expired


@pytest.mark.usefixtures("countdown")
async def test_cancelled_method_is_late_whatever_the_clock_says(invocation):
    """The timer that cancels may go off a little early: what it cut is still no answer."""
    invocation.method = CANCELS
    result = await Timeout().invoke(Endless(), invocation)
    assert result.expired


async def test_method_that_cancels_may_end_in_time(invoker, invocation, countdown):
    """cancel_on_timeout changes nothing for a call that is in time."""
    invocation.method = CANCELS
    countdown.remaining = 600
    assert await Timeout().invoke(invoker, invocation) is invoker.result
    assert not invoker.result.expired


@pytest.mark.usefixtures("countdown")
@pytest.mark.parametrize("method", [None, CANCELS])
@pytest.mark.parametrize("error", [TimeoutError("of a filter"), RuntimeError("a filter failed")])
async def test_what_is_raised_goes_on(invoker, invocation, countdown, method, error):
    """An error of an inner filter is not taken for the call's own time, not even a timeout."""
    invocation.method = method
    countdown.remaining = 600
    invoker.error = error
    with pytest.raises(type(error)) as caught:
        await Timeout().invoke(invoker, invocation)
    assert caught.value is error


async def test_cancelled_caller_is_no_timeout(invocation, countdown):
    """Who is cancelled from outside ends as cancelled, though the method could be cut."""
    invocation.method = CANCELS
    countdown.remaining = 600
    cancelled = []
    endless = Endless(lambda: cancelled.append(True))
    task = asyncio.create_task(Timeout().invoke(endless, invocation))
    await endless.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled == [True]
