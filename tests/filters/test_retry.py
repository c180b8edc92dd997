import asyncio
import math

import pytest

import facade
from facade.core import (
    Code,
    DeadlineExceeded,
    FilterSettings,
    Invocation,
    LimitExceeded,
    Method,
    Result,
    RpcContext,
    Sent,
    TimeoutCountDown,
    Unavailable,
)
from facade.filters.retry import Retry
from facade.testing import FakeInvoker, connected

IDEMPOTENT = Method("demo.Greeter", "hello", (), str, idempotent=True)
HARMFUL = Method("demo.Greeter", "hello", (), str)


def call(method=HARMFUL, timeout=None):
    made = Invocation("demo.Greeter", "hello", ("Ann",), method=method, timeout=timeout)
    if timeout is not None:
        made.countdown = TimeoutCountDown(timeout)
    return made


def not_sent():
    return Unavailable("no connection", sent=Sent.NOT_SENT)


def maybe():
    return Unavailable("lost", sent=Sent.MAYBE_EXECUTED)


def script(*outcomes):
    """A rest of the chain that gives these in turn."""
    left = list(outcomes)

    def next_one(invocation):
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return FakeInvoker(function=next_one)


def generous(**settings):
    """A filter whose budget is no matter."""
    retry = Retry(**{"retry_backoff": 0.0, "retry_budget": 1.0, **settings})
    for _ in range(10):
        retry.budget.answered()
    return retry


# What is repeated


@pytest.mark.parametrize("sent", [Sent.NOT_SENT, Sent.NOT_EXECUTED])
async def test_what_did_not_run_is_repeated(sent):
    """Any method may be called again that did not run."""
    rest = script(Unavailable("no", sent=sent), "answer")
    assert (await generous().invoke(rest, call())).value == "answer"
    assert len(rest.invocations) == 2


@pytest.mark.parametrize("error", [maybe(), DeadlineExceeded("late")])
async def test_what_may_have_run_is_repeated_if_it_is_idempotent(error):
    """The second attempt's answer is taken."""
    rest = script(error, "answer")
    assert (await generous().invoke(rest, call(IDEMPOTENT))).value == "answer"


@pytest.mark.parametrize("method", [HARMFUL, None])
async def test_what_may_have_run_is_not_repeated_else(method):
    """Neither a method that says nothing, nor a generic call, of which nothing is known."""
    error = maybe()
    rest = script(error)
    with pytest.raises(Unavailable) as caught:
        await generous().invoke(rest, call(method))
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        DeadlineExceeded("no time", code=Code.TIMEOUT_TERMINATE, sent=Sent.NOT_SENT),
        LimitExceeded("too large", sent=Sent.NOT_SENT),
        KeyError("of a filter"),
    ],
)
async def test_what_would_fail_again_is_not_repeated(error):
    """It would only take time."""
    rest = script(error)
    with pytest.raises(type(error)):
        await generous().invoke(rest, call(IDEMPOTENT))


async def test_exception_of_the_method_is_an_answer():
    """The provider works: even an Unavailable that its method raised goes to the caller."""
    rest = script(Result(exception=not_sent()))
    result = await generous().invoke(rest, call(IDEMPOTENT))
    assert isinstance(result.exception, Unavailable)


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_attempts_are_counted(retries):
    """``retries`` are those after the first; the last error is raised."""
    errors = [not_sent() for _ in range(5)]
    rest = script(*errors)
    with pytest.raises(Unavailable) as caught:
        await generous(retries=retries).invoke(rest, call())
    assert len(rest.invocations) == retries + 1
    assert caught.value is errors[retries]


async def test_last_error_does_not_hide_that_it_may_have_run():
    """That the last attempt was not sent says nothing of the first."""
    rest = script(maybe(), not_sent())
    with pytest.raises(Unavailable) as caught:
        await generous(retries=1).invoke(rest, call(IDEMPOTENT))
    assert caught.value.sent is Sent.MAYBE_EXECUTED


# What an attempt finds


async def test_attempts_have_numbers():
    """From the second one, for filters further in and those of the provider."""
    seen = []

    def look(invocation):
        seen.append(
            (invocation.attributes.get("call.attempt"), invocation.attachments.get("call.attempt"))
        )
        raise not_sent()

    with pytest.raises(Unavailable):
        await generous().invoke(FakeInvoker(function=look), call())
    assert seen == [(None, None), (2, "2"), (3, "3")]


def test_attempts_share_the_time_of_the_call(virtual):
    """Each one finds what is left, and afterwards the call is as it was."""
    seen = []

    async def look(invocation):
        seen.append((invocation.timeout, invocation.countdown.remaining))
        await asyncio.sleep(1)
        raise not_sent()

    invocation = call(timeout=10)
    countdown = invocation.countdown
    with pytest.raises(Unavailable):
        virtual.run_until_complete(generous().invoke(FakeInvoker(function=look), invocation))
    assert seen == [(10, 10), (9, 9), (8, 8)]
    assert (invocation.timeout, invocation.countdown) == (10, countdown)


def test_no_attempt_starts_without_time(virtual):
    """When the time is over, the error that there is is raised."""

    async def late(invocation):
        await asyncio.sleep(2)
        raise DeadlineExceeded("late")

    rest = FakeInvoker(function=late)
    with pytest.raises(DeadlineExceeded):
        virtual.run_until_complete(generous().invoke(rest, call(IDEMPOTENT, timeout=2)))
    assert len(rest.invocations) == 1


def test_attempts_may_be_limited(virtual):
    """With attempt_timeout there is time for another; the last one has all that is left."""
    seen = []

    async def slow(invocation):
        seen.append(invocation.countdown.remaining)
        await asyncio.sleep(invocation.countdown.remaining)
        raise DeadlineExceeded("late")

    rest = FakeInvoker(function=slow)
    retry = generous(attempt_timeout=2.0)
    with pytest.raises(DeadlineExceeded):
        virtual.run_until_complete(retry.invoke(rest, call(IDEMPOTENT, timeout=10)))
    assert seen == [2, 2, 6]


def test_only_idempotent_attempts_are_limited(virtual):
    """Others can't be repeated after a timeout: cutting them short would only harm."""
    rest = FakeInvoker(function=lambda invocation: invocation.timeout)
    retry = generous(attempt_timeout=2.0)
    result = virtual.run_until_complete(retry.invoke(rest, call(HARMFUL, timeout=10)))
    assert result.value == 10


@pytest.mark.behaviour("B1.20", "B1.21")
async def test_what_a_filter_sets_for_an_attempt_goes_with_it():
    """An attempt sends what the context holds when it is made, over what one before sent."""
    came = []

    @facade.service("demo.Greeter")
    class Greeter:
        async def hello(self) -> str: ...

    class Impl(Greeter):
        async def hello(self):
            return "hello"

    class Refuse(facade.Filter):
        async def invoke(self, invoker, invocation):
            came.append(
                (invocation.attachments["mark"], invocation.attachments.get("call.attempt"))
            )
            if len(came) == 1:
                raise facade.Unavailable("not now", sent=Sent.NOT_EXECUTED)
            return await invoker.invoke(invocation)

    class Mark(facade.Filter):
        async def invoke(self, invoker, invocation):
            RpcContext.client_attachments()["mark"] = f"attempt {len(came) + 1}"
            return await invoker.invoke(invocation)

    filters = [Retry(retry_backoff=0.0), Mark()]
    async with connected(
        (Greeter, Impl()), filters=filters, server_filters=[Refuse()], timeout=10
    ) as client:
        assert await client.refer(Greeter).hello() == "hello"
    assert came == [("attempt 1", None), ("attempt 2", "2")]


# How it is configured


async def test_each_method_may_have_its_own():
    """What a method says goes before what is said for all."""
    retry = Retry.configure(
        FilterSettings({"retries": 1, "retry_backoff": 0.0}, {"hello": {"retries": 0}})
    )
    rest = script(not_sent(), "answer", not_sent())
    other = Invocation("demo.Greeter", "other")
    assert (await retry.invoke(rest, other)).value == "answer"
    with pytest.raises(Unavailable):
        await retry.invoke(rest, call())
    assert len(rest.invocations) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"retry_backoff": -0.1},
        {"retry_backoff_max": -1.0},
        {"attempt_timeout": 0.0},
        {"retry_budget": -0.1},
        {"retry_budget": math.nan},
    ],
)
def test_wrong_numbers_are_errors_at_once(wrong):
    """As an object and by setting alike; the error names the setting."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Retry(**wrong)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Retry.configure(FilterSettings(wrong))


def test_setting_switches_it_on():
    """Without the keyword it is not in the chain."""
    assert "retry" not in repr(facade.AsyncClient("nowhere:1").invoker)
    client = facade.AsyncClient("nowhere:1", filter_settings={"retries": 2})
    assert "consumer_context -> retry" in repr(client.invoker)
