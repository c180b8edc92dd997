"""Streams of values: each error reaches who reads, or who gives."""

import asyncio

import pytest

import facade
from tests.conformance.streams.numbers import Counter, Empty, Numbers, read, streamed


@streamed
async def test_error_in_the_middle(wire):
    """What came before it is read, and a declared exception is itself."""
    numbers = await wire.refer(Numbers, Counter())
    got = []
    with pytest.raises(Empty) as caught:
        await read(wire, numbers.broken, 3, into=got)
    assert caught.value.args == ("after", 3)
    with pytest.raises(ValueError, match="after"):
        await read(wire, numbers.broken_plain, 3, into=got)
    assert got == [0, 1, 2, 0, 1, 2]


@streamed
async def test_error_at_once(wire):
    """Before the first value, too."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(Empty, match="at once"):
        await read(wire, numbers.refused)


@streamed
async def test_method_that_gives_no_stream(wire):
    """The error says so."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(TypeError, match="no_stream gave int, and its interface says a stream"):
        await read(wire, numbers.no_stream)


@streamed
async def test_values_of_a_wrong_type(wire):
    """One that is not what the interface says is an error of its reader; one that can't be
    sent is one of the provider. The connection goes on."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(facade.RpcError, match="not a int"):
        await read(wire, numbers.wrong)
    with pytest.raises(facade.RpcError, match="can't be encoded"):
        await read(wire, numbers.unsendable)
    assert await wire.call(numbers.plain, 1) == 1


@streamed
async def test_argument_of_a_wrong_type(wire):
    """It is named, whichever end finds it out; and what is no stream is refused at once."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(facade.InvalidArgument, match="a value of 'numbers' is not a int"):
        await wire.call(numbers.total, ["one"])
    with pytest.raises(facade.InvalidArgument, match="a value of 'numbers' can't be sent"):
        await wire.call(numbers.total, [1, object()])
    for bad in (5, "text", {"a": 1}):
        with pytest.raises(facade.InvalidArgument, match="'numbers': expected an iterator"):
            await wire.call(numbers.total, bad)
    with pytest.raises(facade.InvalidArgument, match="'numbers'"):
        await wire.call(numbers.total)


@streamed
async def test_error_of_the_caller_s_iterator(wire):
    """The call fails with it, and the provider's method is told."""
    counter = Counter()
    numbers = await wire.refer(Numbers, counter)

    def broken():
        yield 1
        raise KeyError("mine")

    async def broken_later():
        yield 1
        raise KeyError("mine")

    for make in (broken, broken_later):
        with pytest.raises(KeyError, match="mine"):
            await wire.call(numbers.total, make())
    with pytest.raises(KeyError, match="mine"):
        await read(wire, numbers.upper, broken_later())
    assert await wire.call(numbers.plain, 1) == 1


@streamed
async def test_caller_s_iterator_whose_own_work_was_cancelled(wire):
    """The call fails, where it would wait for ever: no time limits it."""
    numbers = await wire.refer(Numbers, Counter())

    async def broken():
        yield 1
        raise asyncio.CancelledError

    for _ in range(2):
        with pytest.raises(facade.RpcError, match="ended with CancelledError") as caught:
            await wire.call(numbers.total, broken())
        assert caught.value.status is facade.Status.CANCELLED
    with pytest.raises(facade.RpcError, match="ended with CancelledError"):
        await read(wire, numbers.upper, broken())
    assert await wire.call(numbers.plain, 1) == 1
