"""What a filter's callbacks hear, in which order, and what becomes of what they raise."""

import asyncio

import pytest

from facade.core import Filter, InvalidArgument, Result, RpcError, chain
from facade.testing import FakeInvoker


class Listener(Filter):
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def on_response(self, result, invoker, invocation):
        self.log.append((self.name, "response", result))

    def on_error(self, error, invoker, invocation):
        self.log.append((self.name, "error", error))


class Refusal(Listener):
    """Raises before it calls anybody."""

    def __init__(self, name, log, error):
        super().__init__(name, log)
        self.error = error

    async def invoke(self, invoker, invocation):
        raise self.error


class Cached(Listener):
    """Answers without calling anybody."""

    async def invoke(self, invoker, invocation):
        return Result("cached")


class BadListener(Listener):
    """Its callbacks raise."""

    def __init__(self, name, log, problem):
        super().__init__(name, log)
        self.problem = problem

    def on_response(self, result, invoker, invocation):
        super().on_response(result, invoker, invocation)
        raise self.problem

    def on_error(self, error, invoker, invocation):
        super().on_error(error, invoker, invocation)
        raise self.problem


@pytest.fixture
def log():
    return []


async def test_listeners_hear_innermost_first(log, invocation):
    """Callbacks run as the call comes back: the inner filter's before the outer one's."""
    answer = Result("answer")
    invoker = chain(
        [Listener("outer", log), Listener("inner", log)], FakeInvoker(function=lambda _: answer)
    )
    assert await invoker.invoke(invocation) is answer
    assert log == [("inner", "response", answer), ("outer", "response", answer)]


async def test_exception_of_the_method_is_a_response(log, invocation):
    """What the method raised arrives in on_response, inside the result; nothing is raised."""
    failed = Result(exception=KeyError("no such order"))
    invoker = chain([Listener("a", log)], FakeInvoker(function=lambda _: failed))
    assert await invoker.invoke(invocation) is failed
    assert log == [("a", "response", failed)]


async def test_failed_call_is_an_error_for_all_listeners(log, invocation):
    """What is raised on the way arrives in on_error, innermost first, and at the caller."""
    error = RpcError("connection lost")
    invoker = chain([Listener("outer", log), Listener("inner", log)], FakeInvoker(error=error))
    with pytest.raises(RpcError) as caught:
        await invoker.invoke(invocation)
    assert caught.value is error
    assert log == [("inner", "error", error), ("outer", "error", error)]


async def test_cancelled_call_is_an_error(log, invocation):
    """A caller who is cancelled shows in on_error, and still ends as cancelled."""
    started = asyncio.Event()

    async def endless(invocation):
        started.set()
        await asyncio.Event().wait()

    invoker = chain([Listener("a", log)], FakeInvoker(function=endless))
    task = asyncio.create_task(invoker.invoke(invocation))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(name, kind, type(error)) for name, kind, error in log] == [
        ("a", "error", asyncio.CancelledError)
    ]


async def test_cancelled_call_stays_cancelled_when_on_error_raises(log, invocation, caplog):
    """A broken on_error can't make a cancelled task seem to have finished: it is logged."""
    cancelled = asyncio.CancelledError()
    problem = RuntimeError("broken listener")
    invoker = chain(
        [Listener("outer", log), BadListener("inner", log, problem)], FakeInvoker(error=cancelled)
    )
    with pytest.raises(asyncio.CancelledError):
        await invoker.invoke(invocation)
    assert log == [("inner", "error", cancelled), ("outer", "error", cancelled)]
    assert caplog.records[0].exc_info[1] is problem


async def test_raising_on_response_is_an_error_further_out(log, invocation):
    """What on_response raises reaches outer filters as on_error, and its own on_error never."""
    problem = InvalidArgument("no such customer")
    invoker = chain(
        [Listener("outer", log), BadListener("middle", log, problem), Listener("inner", log)],
        FakeInvoker("answer"),
    )
    with pytest.raises(InvalidArgument) as caught:
        await invoker.invoke(invocation)
    assert caught.value is problem
    assert [(name, kind) for name, kind, _ in log] == [
        ("inner", "response"),
        ("middle", "response"),
        ("outer", "error"),
    ]
    assert log[-1][2] is problem


async def test_raising_on_error_replaces_the_error(log, invocation):
    """What on_error raises is what the filters around it and the caller see."""
    problem = RpcError("translated")
    invoker = chain(
        [Listener("outer", log), BadListener("inner", log, problem)],
        FakeInvoker(error=RpcError("raw")),
    )
    with pytest.raises(RpcError) as caught:
        await invoker.invoke(invocation)
    assert caught.value is problem
    assert log[-1] == ("outer", "error", problem)


async def test_filter_whose_invoke_raised_hears_of_it(log, invocation):
    """A filter that refuses gets its own on_error, outer filters too, inner filters nothing."""
    error = RpcError("too many calls")
    inner = FakeInvoker("answer")
    invoker = chain(
        [Listener("outer", log), Refusal("limit", log, error), Listener("inner", log)], inner
    )
    with pytest.raises(RpcError):
        await invoker.invoke(invocation)
    assert log == [("limit", "error", error), ("outer", "error", error)]
    assert inner.invocations == []


async def test_filter_that_answers_itself_keeps_inner_ones_silent(log, invocation):
    """A filter that never called its invoker: the inner filters have seen no call at all."""
    inner = FakeInvoker("answer")
    invoker = chain([Listener("outer", log), Cached("cache", log), Listener("inner", log)], inner)
    result = await invoker.invoke(invocation)
    assert result.value == "cached"
    assert log == [("cache", "response", result), ("outer", "response", result)]
    assert inner.invocations == []


async def test_each_attempt_is_a_call_for_inner_filters(log, invocation):
    """A filter that calls twice shows as one call outside and as two inside."""

    class Twice(Filter):
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)
            return await invoker.invoke(invocation)

    invoker = chain(
        [Listener("outer", log), Twice(), Listener("inner", log)], FakeInvoker("answer")
    )
    await invoker.invoke(invocation)
    assert [name for name, _, _ in log] == ["inner", "inner", "outer"]


async def test_listener_may_change_the_result(log, invocation):
    """What an inner on_response writes into the result is what comes out."""

    class Upper(Filter):
        def on_response(self, result, invoker, invocation):
            result.value = result.value.upper()

    result = await chain([Upper()], FakeInvoker("answer")).invoke(invocation)
    assert result.value == "ANSWER"


async def test_listener_gets_what_it_called_and_with_what(invocation):
    """A callback can tell the call, and what its filter stands around."""
    told = []

    class Curious(Filter):
        def on_response(self, result, invoker, invocation):
            told.append((invoker, invocation))

    invoker = FakeInvoker()
    await chain([Curious()], invoker).invoke(invocation)
    assert told == [(invoker, invocation)]
