"""Who is told of a stream's end, and once: what filters watch it with."""

import asyncio

import pytest

from facade.core import Result
from facade.core.stream import Watched, at_end, is_stream
from tests.filters.streams.ticker import HOW, Odd, call, end_with, giving, numbers, read


@pytest.mark.parametrize("how", HOW)
async def test_end_is_told_once(how):
    """However the stream ends: with a Result, or CancelledError where its reader left."""
    told = []
    result = Result(numbers(Odd() if how == "error" else None))
    at_end(result, told.append)
    assert told == []
    await end_with(result, how)
    (outcome,) = told
    if how in ("end", "error"):
        assert isinstance(outcome, Result)
        assert isinstance(outcome.exception, Odd) == (how == "error")
    else:
        assert isinstance(outcome, asyncio.CancelledError)


async def test_end_of_one_that_wants_to_exit():
    """SystemExit is its error, and not a reader who left."""
    told = []
    result = await giving(SystemExit(1)).invoke(call())
    at_end(result, told.append)
    with pytest.raises(SystemExit):
        await read(result.value)
    (outcome,) = told
    assert isinstance(outcome.exception, SystemExit)


async def test_several_are_told():
    """The innermost first, and each whatever another raises; values pass one layer."""
    told = []

    def fail(outcome):
        told.append("inner")
        raise Odd("of its own")

    result = Result(numbers())
    at_end(result, fail)
    watched = result.value
    at_end(result, lambda outcome: told.append("outer"))
    assert result.value is watched
    with pytest.raises(Odd, match="own"):
        await read(result.value)
    assert told == ["inner", "outer"]
    at_end(result, told.append)  # after its end
    assert await read(result.value) == []
    assert len(told) == 3


async def test_plain_value_has_ended():
    """It is told at once, with the result itself."""
    told = []
    result = Result(5)
    at_end(result, told.append)
    assert told == [result]


async def test_values_pass_by():
    """A filter may change or refuse each."""
    stream = Watched(numbers(), item=lambda value: value * 10)
    assert is_stream(stream)
    assert await read(stream) == [10, 20]

    def refuse(value):
        raise Odd("no")

    told = []
    stream = Watched(numbers(), item=refuse, end=told.append)
    with pytest.raises(Odd, match="no"):
        await anext(stream)
    assert isinstance(told[0].exception, Odd)


async def test_reader_that_is_cancelled_has_not_left():
    """He may come back; nothing is told until he has closed it."""
    waiting = asyncio.Queue()

    class Values:
        def __aiter__(self):
            return self

        async def __anext__(self):
            return await waiting.get()

    told = []
    stream = Watched(Values(), end=told.append)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0)
    waiting.put_nowait(1)
    assert await anext(stream) == 1
    assert told == []
    await stream.aclose()
    assert len(told) == 1
