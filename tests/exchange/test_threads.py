"""Streams between an event loop and threads."""

import asyncio
import threading

import pytest

from facade.exchange.threads import AHEAD, FromThread, InThread, in_thread


async def read(stream):
    return [value async for value in stream]


async def generate(n, error=None):
    for number in range(n):
        yield number
    if error is not None:
        raise error


# From a thread


@pytest.mark.parametrize("n", [0, 1, AHEAD // 2, AHEAD - 1, AHEAD, AHEAD + 1, 1000])
async def test_values_of_an_iterator(n):
    """All of them, in order, however many turns of a thread it takes."""
    assert await read(FromThread(iter(range(n)), in_thread)) == list(range(n))


async def test_iterator_is_asked_for_no_more_than_some_ahead():
    """Its thread is given back when so many lie there."""
    asked = []

    def numbers():
        while True:
            asked.append(1)
            yield 1

    done = asyncio.Event()

    async def run(function):
        await in_thread(function)
        done.set()

    stream = FromThread(numbers(), run)
    await anext(stream)
    await done.wait()
    assert len(asked) <= AHEAD + 1
    await stream.aclose()


async def test_error_comes_after_the_values_before_it():
    """And once."""

    def numbers():
        yield 1
        raise KeyError("broke")

    stream = FromThread(numbers(), in_thread)
    assert await anext(stream) == 1
    with pytest.raises(KeyError, match="broke"):
        await anext(stream)
    assert await read(stream) == []


async def test_no_thread_to_be_had():
    """Whoever reads is told why."""

    async def run(function):
        raise RuntimeError("all threads are taken")

    with pytest.raises(RuntimeError, match="all threads are taken"):
        await read(FromThread(iter([1]), run))


@pytest.mark.parametrize("begun", [True, False])
async def test_closing_runs_the_generator_s_end(begun):
    """In a thread, as all of its code; of one that has not begun there is none to run."""
    closed = threading.Event()

    def numbers():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = FromThread(numbers(), in_thread)
    if begun:
        await anext(stream)
    await stream.aclose()
    if begun:
        assert await asyncio.to_thread(closed.wait, 20)
    assert not closed.is_set() or begun


@pytest.mark.parametrize("closed", [True, False])
def test_loop_that_ends_while_its_thread_is_at_a_value(closed):
    """The iterator is ended by that thread, and no second one is begun in its context."""
    at_it, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    begun = []

    def numbers():
        try:
            at_it.set()
            yield go_on.wait(20)
        finally:
            ended.set()

    async def run(function):
        begun.append(function)
        await in_thread(function)

    async def main():
        stream = FromThread(numbers(), run)
        reader = asyncio.create_task(anext(stream))
        await asyncio.to_thread(at_it.wait, 20)
        if closed:
            await stream.aclose()
        return stream, reader

    stream, reader = asyncio.run(main())
    go_on.set()
    assert ended.wait(20)
    assert len(begun) == 1
    assert reader.cancelled()
    assert stream.at_hand == 1


async def test_an_iterator_that_raises_an_end_of_another_kind():
    """StopAsyncIteration is an error of it: who reads would take the rest for nothing."""

    def numbers():
        yield 1
        raise StopAsyncIteration

    stream = FromThread(numbers(), in_thread)
    assert await anext(stream) == 1
    with pytest.raises(RuntimeError, match="raised StopAsyncIteration"):
        await anext(stream)


# In a thread


@pytest.mark.parametrize("n", [0, 1, AHEAD, 300])
async def test_values_of_the_loop_s_stream(n):
    """For a plain loop in a thread."""
    stream = InThread(generate(n), asyncio.get_running_loop())
    assert await asyncio.to_thread(list, stream) == list(range(n))
    assert await asyncio.to_thread(list, stream) == []


async def test_error_of_the_loop_s_stream():
    """It is raised in the thread, after what came before it."""
    stream = InThread(generate(2, KeyError("broke")), asyncio.get_running_loop())
    got = []
    with pytest.raises(KeyError, match="broke"):
        await asyncio.to_thread(got.extend, stream)
    assert got == [0, 1]


async def test_waiting_for_one_s_own_loop():
    """It would wait for ever: an error says what to write."""
    stream = InThread(generate(1), asyncio.get_running_loop())
    with pytest.raises(RuntimeError, match="use `async for`"):
        next(stream)
    assert await read(stream) == [0]


async def test_either_way_of_reading():
    """What a thread began, the loop goes on with; of an error as of values."""
    stream = InThread(generate(3, KeyError("broke")), asyncio.get_running_loop())
    assert await asyncio.to_thread(next, stream) == 0
    got = []

    async def read_on():
        async for value in stream:
            got.append(value)

    with pytest.raises(KeyError, match="broke"):
        await read_on()
    assert got == [1, 2]
    await stream.aclose()
    assert await read(stream) == []


async def test_stream_of_another_loop():
    """It is refused, where it would wait for what never comes."""
    stream = InThread(generate(1), asyncio.get_running_loop())
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, read(stream))


def test_loop_that_is_closed():
    """Whoever reads on has an error, and does not wait."""
    loop = asyncio.new_event_loop()
    stream = InThread(generate(1), loop)
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        next(stream)


# Errors that look like none


class Findings(Exception):
    """A list of what is wrong, and there was no place for any of it."""

    def __len__(self):
        return 0


async def test_error_that_is_empty():
    """It is raised as any other, and is not taken for the end of the values."""

    def numbers():
        yield 1
        raise Findings

    stream = FromThread(numbers(), in_thread)
    assert await anext(stream) == 1
    with pytest.raises(Findings):
        await anext(stream)
    loop = asyncio.get_running_loop()
    with pytest.raises(Findings):
        await asyncio.to_thread(list, InThread(generate(1, Findings()), loop))
    with pytest.raises(Findings):
        await read(InThread(generate(1, Findings()), loop))
