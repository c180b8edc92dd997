"""Errors that name the filter which is at fault, wherever it stands."""

import asyncio
import functools
import inspect

import pytest

import facade
from facade import Result, RpcError
from facade.core import Filter, chain
from facade.core.chain import accuse
from facade.testing import FakeInvoker, connected, connected_blocking
from facade.testing import invocation as call


class Passing(Filter):
    """Reads the result, as most filters do."""

    async def invoke(self, invoker, invocation):
        result = await invoker.invoke(invocation)
        assert result.attachments is not None
        return result


class Listening(Filter):
    def on_response(self, result, invoker, invocation):
        assert result.exception is None


class Forgetful(Filter):
    """Lacks its return."""

    async def invoke(self, invoker, invocation):
        await invoker.invoke(invocation)


class Hearing(Forgetful):
    """Lacks its return, and listens."""

    async def invoke(self, invoker, invocation):
        await invoker.invoke(invocation)

    def on_response(self, result, invoker, invocation):
        assert result.exception is None


class Bare(Filter):
    """Gives the value without a Result."""

    async def invoke(self, invoker, invocation):
        return (await invoker.invoke(invocation)).value


class Unawaited(Filter):
    async def invoke(self, invoker, invocation):
        return invoker.invoke(invocation)


class Sometimes(Filter):
    """Forgets its return in the calls after the first ones."""

    needs_loop = False

    def __init__(self, good=1):
        self.good = good

    async def invoke(self, invoker, invocation):
        result = await invoker.invoke(invocation)
        self.good -= 1
        return result if self.good >= 0 else None


class Tagging(Filter):
    needs_loop = False

    async def invoke(self, invoker, invocation):
        return await invoker.invoke(invocation)


def place(filter):
    code = type(filter).invoke
    return f"{type(filter).__name__}.invoke ({__file__}:{inspect.getsourcelines(code)[1]})"


@facade.service("blame.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


@facade.service("blame.Greeter")
class Waiting:
    def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        return f"Hello {name}"


FAULTS = {
    Forgetful: "nothing instead of a Result: end it with `return result`",
    Hearing: "nothing instead of a Result: end it with `return result`",
    Bare: "a str instead of a Result: `return Result(value)`",
    Unawaited: "what must be awaited: write `return await invoker.invoke(invocation)`",
}


def around(culprit, position):
    """The culprit at a position among three others that are blameless."""
    filters = [Passing(), Listening(), Passing()]
    filters.insert(position, culprit)
    return filters


positions = pytest.mark.parametrize("position", range(4))
faults = pytest.mark.parametrize("fault", FAULTS)


@positions
@faults
async def test_consumer_names_the_filter(fault, position):
    """The first call already tells which filter gave no Result, its line, and what to write."""
    culprit = fault()
    filters = around(culprit, position)
    async with connected((Greeter, GreeterImpl()), filters=filters, timeout=20) as client:
        with pytest.raises(TypeError) as caught:
            await client.refer(Greeter).hello("Ann")
    assert str(caught.value) == f"{place(culprit)} gave {FAULTS[fault]}"


@positions
@faults
def test_blocking_consumer_names_the_filter(fault, position):
    """So does a blocking client."""
    culprit = fault()
    filters = around(culprit, position)
    with (
        connected_blocking((Greeter, GreeterImpl()), filters=filters, timeout=20) as client,
        pytest.raises(TypeError) as caught,
    ):
        client.refer(Waiting).hello("Ann")
    assert str(caught.value) == f"{place(culprit)} gave {FAULTS[fault]}"


@positions
@faults
async def test_provider_logs_the_filter(fault, position, caplog):
    """At the provider it is for the log; the consumer learns that the provider failed."""
    culprit = fault()
    filters = around(culprit, position)
    async with connected((Greeter, GreeterImpl()), server_filters=filters, timeout=20) as client:
        with pytest.raises(RpcError, match="see its log"):
            await client.refer(Greeter).hello("Ann")
    assert f"{place(culprit)} gave {FAULTS[fault]}" in caplog.text


@positions
async def test_later_fault_at_the_consumer(position):
    """A filter that was good before is found, too: the first time those that can have done it
    are named, the next time it alone."""
    culprit = Sometimes()
    filters = around(culprit, position)
    async with connected((Greeter, GreeterImpl()), filters=filters, timeout=20) as client:
        greeter = client.refer(Greeter)
        await greeter.hello("Ann")
        # What another filter stumbled over is explained in a note.
        with pytest.raises((TypeError, AttributeError)) as caught:
            await greeter.hello("Ann")
        told = "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
        assert f"{place(culprit)} gave nothing instead of a Result" in told
        with pytest.raises(TypeError) as caught:
            await greeter.hello("Ann")
    assert str(caught.value) == f"{place(culprit)} gave {FAULTS[Forgetful]}"


@positions
async def test_later_fault_at_the_provider(position, caplog):
    """The same at the provider."""
    culprit = Sometimes()
    filters = around(culprit, position)
    async with connected((Greeter, GreeterImpl()), server_filters=filters, timeout=20) as client:
        greeter = client.refer(Greeter)
        await greeter.hello("Ann")
        for _ in range(2):
            caplog.clear()
            with pytest.raises(RpcError, match="see its log"):
                await greeter.hello("Ann")
            assert f"{place(culprit)} gave nothing instead of a Result" in caplog.text


@pytest.mark.parametrize("way", ["call", "future"])
def test_later_fault_on_a_calling_thread(way):
    """A chain that runs on the threads that call is told of as well, and one of a future."""
    culprit = Sometimes()
    filters = ["-default", Tagging(), culprit, Tagging()]
    with connected_blocking((Greeter, GreeterImpl()), filters=filters, timeout=20) as client:
        hello = client.refer(Waiting).hello

        def ask():
            return hello("Ann") if way == "call" else hello.future("Ann").result()

        ask()
        for _ in range(2):
            with pytest.raises(TypeError) as caught:
                ask()
            assert str(caught.value) == f"{place(culprit)} gave {FAULTS[Forgetful]}"


async def test_later_fault_of_a_future():
    """A future of the asyncio client fails with the same error."""
    culprit = Sometimes()
    filters = ["-default", Tagging(), culprit]
    async with connected((Greeter, GreeterImpl()), filters=filters, timeout=20) as client:
        hello = client.refer(Greeter).hello
        await hello.future("Ann")
        with pytest.raises(TypeError) as caught:
            await hello.future("Ann")
    assert str(caught.value) == f"{place(culprit)} gave {FAULTS[Forgetful]}"


async def test_good_filters_are_no_longer_watched():
    """Once a filter has given a Result, a call runs through it without a check."""
    made = chain([Passing()], FakeInvoker())
    watched = made.invoke
    await made.invoke(call())
    assert made.invoke is not watched
    assert made.invoke.func == made.filter.invoke


async def test_several_suspects_are_all_named():
    """Where more than one can have done it, each is named with its place."""
    first, second = Sometimes(), Forgetful()
    error = accuse(chain([first, Passing(), second], FakeInvoker()), None)
    assert str(error).startswith(f"one of {place(first)}, {place(second)} gave nothing")


async def test_decorated_invoke_is_told_by_its_own_line():
    """A decorator that keeps ``__wrapped__`` does not hide where the code stands."""

    def decorator(function):
        @functools.wraps(function)
        async def decorated(self, invoker, invocation):
            return await function(self, invoker, invocation)

        return decorated

    class Decorated(Filter):
        @decorator
        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)

    line = inspect.unwrap(Decorated.invoke).__code__.co_firstlineno
    with pytest.raises(TypeError, match=rf"test_blame\.py:{line}\) gave nothing"):
        await chain([Decorated()], FakeInvoker()).invoke(call())


async def test_end_that_gives_no_result():
    """Without filters it is the end of the chain."""
    assert str(accuse(FakeInvoker(), 7)).startswith("FakeInvoker gave an int instead")


async def test_filter_s_own_mistake_is_left_alone():
    """An AttributeError of another origin gets no note."""

    class Mistaken(Filter):
        async def invoke(self, invoker, invocation):
            return Result(invocation.nothing)

    async with connected((Greeter, GreeterImpl()), filters=[Mistaken()], timeout=20) as client:
        with pytest.raises(AttributeError) as caught:
            await client.refer(Greeter).hello("Ann")
    assert not hasattr(caught.value, "__notes__")


# Cancellation


class Swallowing(Filter):
    """Answers a call that was cancelled."""

    async def invoke(self, invoker, invocation):
        try:
            return await invoker.invoke(invocation)
        except BaseException:
            return Result("never mind")


class Endless(Greeter):
    def __init__(self):
        self.started = asyncio.Event()

    async def hello(self, name: str) -> str:
        self.started.set()
        await asyncio.Event().wait()
        return ""


class Stubborn(Endless):
    """A method that goes on when it is cancelled."""

    async def hello(self, name: str) -> str:
        try:
            return await super().hello(name)
        except asyncio.CancelledError:
            return "here I am"


async def cancel_a_call(implementation, filters, unary):
    """Call over the memory transport, leave, and let the provider end the call."""
    async with connected(
        (Greeter, implementation), server_filters=filters, timeout=20, unary=unary
    ) as client:
        waiting = asyncio.create_task(client.refer(Greeter).hello("Ann"))
        await implementation.started.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    # The server has stopped, so the call has ended.


@pytest.mark.parametrize("unary", [False, True], ids=["stream", "unary"])
@pytest.mark.parametrize("position", range(4))
async def test_filter_that_swallows_cancellation(position, unary, caplog):
    """A filter that answers a cancelled call is warned of by its name, file and line."""
    culprit = Swallowing()
    filters = [Listening(), Listening(), Listening()]
    filters.insert(position, culprit)
    await cancel_a_call(Endless(), filters, unary)
    assert f"answered all the same: {place(culprit)} swallowed CancelledError" in caplog.text
    assert "-> swallowing ->" in caplog.text


async def test_method_that_swallows_cancellation(caplog):
    """Where the method was not interrupted, it is a suspect, too."""
    await cancel_a_call(Stubborn(), [Tagging()], False)
    assert f"its method, or {place(Tagging())} swallowed CancelledError" in caplog.text
    caplog.clear()
    await cancel_a_call(Stubborn(), ["-default"], False)
    assert "answered all the same: its method swallowed CancelledError" in caplog.text


@pytest.mark.parametrize("unary", [False, True], ids=["stream", "unary"])
async def test_no_warning_where_cancellation_passes(unary, caplog):
    """A cancelled call that ends as one is nobody's fault."""
    await cancel_a_call(Endless(), [Passing(), Listening()], unary)
    assert "swallowed" not in caplog.text
