"""Streams of values: what is given comes, in order and whole."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.conformance.streams.numbers import (
    Counter,
    Numbers,
    Point,
    generate,
    on_loop,
    read,
    streamed,
)


@streamed
@pytest.mark.parametrize("name", ["count", "count_later", "listed", "listed_later"])
@pytest.mark.parametrize("n", [0, 1, 5])
async def test_values_of_each_kind_of_method(wire, name, n):
    """Async generators, and such as give an iterator or a list: order is kept."""
    numbers = await wire.refer(Numbers, Counter())
    method = getattr(numbers, name)
    if wire.blocking:
        assert await read(wire, method, n) == list(range(n))
    else:
        assert [value async for value in method(n)] == list(range(n))
        assert [value async for value in await method(n)] == list(range(n))


@streamed
async def test_values_of_generator_in_a_thread(wire):
    """A plain generator runs in a thread, and its caller sees no difference."""
    numbers = await wire.refer(Numbers, Counter())
    assert await read(wire, numbers.squares, 200) == [n * n for n in range(200)]


@streamed
async def test_values_of_each_type(wire):
    """They are what the interface says, one by one."""
    numbers = await wire.refer(Numbers, Counter())
    assert await read(wire, numbers.points, 2) == [Point(0, 0), Point(1, -1)]
    assert await read(wire, numbers.parts, 3) == [b"\0", b"", b"\2"]
    assert await read(wire, numbers.pauses, 2) == [Duration(), Duration(seconds=1)]
    assert await read(wire, numbers.nothings, 3) == [None] * 3


@streamed
async def test_many_values(wire):
    """A hundred thousand, in order, through a window that is much smaller."""
    numbers = await wire.refer(Numbers, Counter())
    assert await read(wire, numbers.count, 100_000) == list(range(100_000))


@streamed
@pytest.mark.parametrize(
    "make",
    [
        lambda: [1, 2, 3],
        lambda: iter((1, 2, 3)),
        lambda: (n for n in (1, 2, 3)),
        lambda: generate(1, 2, 3),
        lambda: {1, 2, 3},
    ],
    ids=["list", "iterator", "generator", "async generator", "set"],
)
async def test_arguments_of_each_kind(wire, make):
    """Whatever can be iterated, by position and by name."""
    numbers = await wire.refer(Numbers, Counter())
    assert await wire.call(numbers.total, make()) == 6
    assert await wire.call(numbers.total, start=4, numbers=make()) == 10
    assert await wire.call(numbers.total_plain, make()) == 6


@streamed
async def test_empty_argument(wire):
    """It ends before its first value."""
    numbers = await wire.refer(Numbers, Counter())
    assert await wire.call(numbers.total, []) == 0
    assert await wire.call(numbers.total_plain, generate()) == 0


@streamed
async def test_many_values_of_an_argument(wire):
    """From a generator of either kind."""
    numbers = await wire.refer(Numbers, Counter())
    expected = sum(range(30_000))
    assert await wire.call(numbers.total, generate(*range(30_000))) == expected
    assert await wire.call(numbers.total_plain, iter(range(30_000))) == expected


@streamed
async def test_two_streamed_arguments(wire):
    """They do not get mixed up."""
    numbers = await wire.refer(Numbers, Counter())
    assert await wire.call(numbers.both, [1, 2], ["a", "b", "c"]) == ["1a", "2b"]


@streamed
async def test_types_of_arguments(wire):
    """Values of any type that can be sent."""
    numbers = await wire.refer(Numbers, Counter())
    assert await wire.call(numbers.sized, [b"abc", b"", b"d"]) == 4
    assert await wire.call(numbers.moved, [Point(1, 2), Point(3, 4)]) == Point(4, 6)


@streamed
async def test_both_directions(wire):
    """Values go and come at the same time, with either kind of method."""
    numbers = await wire.refer(Numbers, Counter())
    words = [f"word{n}" for n in range(3000)]
    expected = [word.upper() for word in words]
    assert await read(wire, numbers.upper, iter(words)) == expected
    assert await read(wire, numbers.upper_plain, iter(words)) == expected


@on_loop
async def test_conversation(wire):
    """An answer comes before the next value is given."""
    numbers = await wire.refer(Numbers, Counter())
    said = asyncio.Queue()

    async def words():
        while (word := await said.get()) is not None:
            yield word

    async with numbers.upper(words()) as answers:
        for word in ("one", "two"):
            said.put_nowait(word)
            assert await anext(answers) == word.upper()
        said.put_nowait(None)
        assert [word async for word in answers] == []
