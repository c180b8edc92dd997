"""Streams of values: the ways to write a method that has them."""

import functools

import pytest

import facade
from tests.conformance.streams.numbers import (
    Counter,
    Numbers,
    generate,
    on_loop,
    read,
    streamed,
)


def counted(function):
    """A decorator that knows nothing of async functions."""

    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


class Otherwise(Counter):
    """Plain functions that hand on to async ones."""

    def upper(self, words):
        return super().upper(words)

    @counted
    async def total(self, numbers, start=0):
        return sum([number async for number in numbers], start)

    def first(self, numbers):
        next(numbers)
        return super().first(numbers)


@streamed
async def test_plain_method_that_hands_a_stream_on(wire):
    """Its argument can be iterated in either way, and no value is lost between the two."""
    numbers = await wire.refer(Numbers, Otherwise())
    assert await read(wire, numbers.upper, ["a", "b"]) == ["A", "B"]
    assert await wire.call(numbers.total, generate(1, 2, 3)) == 6
    assert await wire.call(numbers.first, [1, 2, 3]) == 2
    with pytest.raises(facade.InvalidArgument, match="not a int"):
        await wire.call(numbers.total, ["a"])


@pytest.mark.parametrize("wire", ["blocking"], indirect=True)
async def test_stream_of_one_call_as_the_argument_of_another(wire):
    """In plain code, also of what was begun, and by another client."""
    server = await wire.provide((Numbers, Counter()))
    first, second = (wire.connect(server).refer(Numbers) for _ in range(2))

    def chain():
        stream = first.count(100)
        assert next(stream) == 0
        return second.total(stream)

    assert await wire.do(chain) == sum(range(100))


@on_loop
async def test_stream_of_one_call_as_the_argument_of_another_here(wire):
    """And with AsyncClient."""
    numbers = await wire.refer(Numbers, Counter())
    assert await numbers.total(numbers.count(100)) == sum(range(100))
