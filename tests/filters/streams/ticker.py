"""Calls of methods that have streams, and the ways in which a stream ends."""

import asyncio
import gc

import pytest

from facade.core import Method, Parameter
from facade.testing import FakeInvoker, invocation

COUNT = Method("demo.Ticker", "count", (Parameter("n", int),), int, yields=True, idempotent=True)
TOTAL = Method(
    "demo.Ticker",
    "total",
    (Parameter("numbers", int),),
    int,
    streamed=("numbers",),
    idempotent=True,
)

HOW = ["end", "error", "close", "let go"]


class Odd(Exception):
    pass


async def numbers(error=None):
    yield 1
    yield 2
    if error is not None:
        raise error


def call(method=COUNT, *arguments):
    made = invocation(method.name, *arguments, service=method.service)
    made.method = method
    return made


def giving(error=None):
    return FakeInvoker(function=lambda _: numbers(error))


async def read(stream):
    return [value async for value in stream]


async def end_with(result, how):
    """Let its stream end in this way; after that nobody has it."""
    stream, result.value = result.value, None
    if how == "end":
        assert await read(stream) == [1, 2]
    elif how == "error":
        with pytest.raises(Odd):
            await read(stream)
    elif how == "close":
        assert await anext(stream) == 1
        await stream.aclose()
    else:
        assert await anext(stream) == 1
    del stream
    gc.collect()
    await asyncio.sleep(0)


async def stream_that_ends(filter, how, made=None):
    """Give its stream by the filter, with what is seen before its end; then end it."""
    error = Odd("broke") if how == "error" else None
    result = await filter.invoke(giving(error), made or call())
    yield
    await end_with(result, how)
