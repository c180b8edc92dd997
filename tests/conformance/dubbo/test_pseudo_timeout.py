"""The provider's ``timeout`` filter: its "pseudo timeout". (Dubbo: TimeoutFilter)"""

import asyncio
import logging
import re
from time import monotonic

import pytest

import facade
from facade import RpcContext
from facade.filters.timeout import Timeout
from facade.testing import FakeInvoker, invocation


@facade.service("dubbo.timeout_filter.Slow")
class Slow:
    async def work(self, secret: str) -> str | None: ...

    async def fail(self) -> str | None: ...

    async def quick(self) -> str: ...


class SlowImpl(Slow):
    """Two methods take all the time that they have, as far as the filter can tell."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def work(self, secret: str) -> str | None:
        use_up(RpcContext.countdown())
        await asyncio.sleep(0)
        self.ended.set()
        return secret

    async def fail(self) -> str | None:
        use_up(RpcContext.countdown())
        raise ValueError("too late")

    async def quick(self) -> str:
        return "in time"


def use_up(countdown):
    countdown.deadline = monotonic()


def late(**outcome):
    """A call with time left when it starts and none when it ends, and what answers it."""
    call = invocation("work", "a secret", countdown=facade.TimeoutCountDown(300))

    class Late(FakeInvoker):
        async def invoke(self, invocation):
            use_up(invocation.countdown)
            return await super().invoke(invocation)

    return call, Late(**outcome)


@pytest.mark.behaviour("B3.41")
@pytest.mark.parametrize("outcome", [{"value": "a value"}, {"exception": ValueError("no")}])
async def test_late_result_is_cleared(outcome) -> None:
    """What comes after its time loses value, exception and attachments, as in 2.7.7 to 3.1.

    Ours: it is marked as expired, so that it can be told from a None.
    """
    call, invoker = late(**outcome, attachments={"receipt": "1"})
    result = await Timeout().invoke(invoker, call)
    assert (result.value, result.exception, result.attachments) == (None, None, {})
    assert result.expired


@pytest.mark.behaviour("B3.41")
async def test_late_result_is_logged(caplog) -> None:
    """One warning tells the method and how long it took. Ours: without its arguments."""
    call, invoker = late(value="a value")
    with caplog.at_level(logging.WARNING):
        await Timeout().invoke(invoker, call)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("invoke timed out. method: test.Service.work, ")
    elapsed = re.search(r"invoke elapsed (\d+) ms", record.getMessage())
    assert elapsed
    assert 300_000 <= int(elapsed[1]) < 330_000  # its time, and a little on a busy machine
    assert "a secret" not in record.getMessage()


@pytest.mark.behaviour("B3.41")
async def test_result_in_time_is_left_alone(caplog) -> None:
    """A result in time passes as it is, and so does one of a call without a limit."""
    for countdown in (facade.TimeoutCountDown(300), None):
        call = invocation("work", countdown=countdown)
        result = await Timeout().invoke(FakeInvoker("a value"), call)
        assert (result.value, result.expired) == ("a value", False)
    assert not caplog.records


@pytest.mark.behaviour("B3.41")
async def test_late_failure_is_left_alone(caplog) -> None:
    """What is raised on the way is raised, late or not: the filter has no on_error."""
    call, invoker = late(error=facade.LimitExceeded("enough"))
    with pytest.raises(facade.LimitExceeded, match="enough"):
        await Timeout().invoke(invoker, call)
    assert not caplog.records


@pytest.mark.behaviour("B3.42")
async def test_late_method_is_not_interrupted(wire) -> None:
    """The method runs to its end, and the cleared answer is sent.

    Ours: a consumer that still waits raises a timeout, where Dubbo's returns a null.
    """
    impl = SlowImpl()
    service = await wire.refer(Slow, impl)
    with pytest.raises(facade.DeadlineExceeded, match="at the provider") as raised:
        await wire.call(service.work, "x")
    assert raised.value.remote
    assert impl.ended.is_set()


@pytest.mark.behaviour("B3.42")
async def test_late_exception_does_not_reach_the_caller(wire) -> None:
    """What a method raises too late is cleared like a value."""
    service = await wire.refer(Slow, SlowImpl())
    with pytest.raises(facade.DeadlineExceeded, match="at the provider"):
        await wire.call(service.fail)
    assert await wire.call(service.quick) == "in time"


@pytest.mark.behaviour("B3.42")
async def test_nothing_is_cleared_without_the_filter(wire) -> None:
    """It is this filter that clears: without it a late value is a value like any other."""
    server = await wire.provide((Slow, SlowImpl()), filters=["default", "-timeout"])
    service = wire.connect(server).refer(Slow)
    assert await wire.call(service.work, "x") == "x"
