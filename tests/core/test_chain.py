"""Filters in their order around an invoker, and what is refused as one."""

import asyncio
import inspect

import pytest

from facade.core import Filter, Invocation, chain
from facade.testing import FakeInvoker


class Around(Filter):
    """Notes when it runs."""

    def __init__(self, name, log):
        self.name = name
        self.log = log

    async def invoke(self, invoker, invocation):
        self.log.append(f"{self.name} before")
        result = await invoker.invoke(invocation)
        self.log.append(f"{self.name} after")
        return result


class Listener(Filter):
    def on_response(self, result, invoker, invocation):
        pass


@pytest.fixture
def log():
    return []


@pytest.fixture
def invoker(log):
    """Notes when it is called, and answers."""

    def answer(invocation):
        log.append("invoker")
        return "answer"

    return FakeInvoker(function=answer)


# Order


async def test_first_filter_is_outermost(log, invoker, invocation):
    """The first filter of the list runs first and ends last."""
    outermost = chain([Around("outer", log), Around("inner", log)], invoker)
    result = await outermost.invoke(invocation)
    assert result.value == "answer"
    assert log == ["outer before", "inner before", "invoker", "inner after", "outer after"]


def test_no_filters_give_the_invoker_itself(invoker):
    """A chain of nothing costs nothing: it is the invoker."""
    assert chain([], invoker) is invoker


def test_repr_is_flat(log, invoker):
    """A chain reads as its filters and its invoker, outermost first, joined by arrows."""

    class AccessLog(Listener):
        pass

    assert repr(chain([Around("", log), AccessLog()], invoker)) == (
        "around -> access_log -> FakeInvoker"
    )


def test_chain_of_chains_is_flat_and_in_order(log, invoker):
    """A chain is an invoker, so a chain around it reads as one."""
    inner = chain([Around("inner", log)], invoker)
    outer = chain([Listener()], inner)
    assert repr(outer) == "listener -> around -> FakeInvoker"


async def test_invoke_and_listeners_of_one_filter_all_run(log, invoker, invocation):
    """A filter may both run around the call and listen to how it ended."""

    class Both(Around):
        def on_response(self, result, invoker, invocation):
            log.append("response")

    await chain([Both("both", log)], invoker).invoke(invocation)
    assert log == ["both before", "invoker", "both after", "response"]


async def test_one_chain_serves_calls_at_once(log):
    """Calls of one chain that overlap keep their own invocations and results."""

    async def echo(invocation):
        await asyncio.sleep(0)
        return invocation.arguments[0]

    invoker = chain([Around("a", log), Listener()], FakeInvoker(function=echo))
    results = await asyncio.gather(
        *(invoker.invoke(Invocation("s", "m", (number,))) for number in range(10))
    )
    assert [result.value for result in results] == list(range(10))


# Refusals


class Nothing(Filter):
    pass


class PlainInvoke(Filter):
    def invoke(self, invoker, invocation):
        return invoker.invoke(invocation)


class AsyncResponse(Filter):
    async def on_response(self, result, invoker, invocation):
        pass


class AsyncError(Filter):
    async def on_error(self, error, invoker, invocation):
        pass


def line_of(function):
    return inspect.getsourcelines(function)[1]


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        (Nothing, "Nothing is a class: give an object, Nothing(...)"),
        ("timeout", "'timeout' is no filter: derive its class from facade.Filter"),
        (None, "None is no filter: derive its class from facade.Filter"),
        (
            Nothing(),
            "Nothing does nothing: write its invoke(self, invoker, invocation), "
            "on_response or on_error",
        ),
        (
            PlainInvoke(),
            f"PlainInvoke.invoke ({__file__}:{line_of(PlainInvoke.invoke)}) must be `async def`",
        ),
        (
            AsyncResponse(),
            f"AsyncResponse.on_response ({__file__}:{line_of(AsyncResponse.on_response)}) "
            "must be a plain `def`: nobody awaits it",
        ),
        (
            AsyncError(),
            f"AsyncError.on_error ({__file__}:{line_of(AsyncError.on_error)}) "
            "must be a plain `def`: nobody awaits it",
        ),
    ],
    ids=[
        "class",
        "name",
        "none",
        "empty",
        "plain invoke",
        "async on_response",
        "async on_error",
    ],
)
def test_what_is_no_filter_is_refused(filter, text):
    """A chain refuses at once what would fail in every call, and says what to do."""
    with pytest.raises(TypeError) as caught:
        chain([filter], FakeInvoker())
    assert str(caught.value) == text
