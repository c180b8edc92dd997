"""A service whose methods give and take streams, and how its tests call it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from google.protobuf.duration_pb2 import Duration

import facade
from facade.consumer.engine import engine

# Tasks that belong to a call.
OF_CALLS = ("facade-call", "facade-injvm", "facade-pour", "facade-thread-stream")

STREAMED = ["memory", "stream", "blocking", "injvm"]

streamed = pytest.mark.parametrize("wire", STREAMED, indirect=True)
on_loop = pytest.mark.parametrize("wire", ["memory", "stream", "injvm"], indirect=True)


@facade.error("streams.Empty")
class Empty(Exception):
    pass


@dataclass
class Point:
    x: int
    y: int


@facade.service("streams.Numbers")
class Numbers:
    # The value is a stream

    def count(self, n: int) -> AsyncIterator[int]: ...
    async def count_later(self, n: int) -> AsyncIterator[int]: ...
    def squares(self, n: int) -> Iterator[int]: ...
    def listed(self, n: int) -> Iterator[int]: ...
    async def listed_later(self, n: int) -> AsyncIterator[int]: ...
    def broken(self, n: int) -> AsyncIterator[int]: ...
    def broken_plain(self, n: int) -> Iterator[int]: ...
    def refused(self) -> AsyncIterator[int]: ...
    def endless(self) -> AsyncIterator[int]: ...
    def endless_plain(self) -> Iterator[int]: ...
    def wrong(self) -> AsyncIterator[int]: ...
    def unsendable(self) -> AsyncIterator[int]: ...
    def no_stream(self) -> AsyncIterator[int]: ...
    def points(self, n: int) -> AsyncIterator[Point]: ...
    def parts(self, n: int) -> AsyncIterator[bytes]: ...
    def pauses(self, n: int) -> AsyncIterator[Duration]: ...
    def nothings(self, n: int) -> AsyncIterator[None]: ...

    # An argument is one

    async def total(self, numbers: AsyncIterator[int], start: int = 0) -> int: ...
    def total_plain(self, numbers: Iterator[int]) -> int: ...
    async def first(self, numbers: AsyncIterator[int]) -> int: ...
    async def ignored(self, numbers: AsyncIterator[int]) -> str: ...
    async def both(self, left: AsyncIterator[int], right: AsyncIterator[str]) -> list[str]: ...
    async def sized(self, parts: AsyncIterator[bytes]) -> int: ...
    async def moved(self, points: AsyncIterator[Point]) -> Point: ...

    # Both are

    def upper(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...
    def upper_plain(self, words: Iterator[str]) -> Iterator[str]: ...

    async def plain(self, n: int) -> int: ...


class Counter(Numbers):
    def __init__(self):
        self.asked = 0
        self.read = []
        self.closed = threading.Event()

    async def count(self, n):
        for number in range(n):
            yield number

    async def count_later(self, n):
        return self.count(n)

    def squares(self, n):
        for number in range(n):
            yield number * number

    def listed(self, n):
        return list(range(n))

    async def listed_later(self, n):
        return tuple(range(n))

    async def broken(self, n):
        for number in range(n):
            yield number
        raise Empty("after", n)

    def broken_plain(self, n):
        yield from range(n)
        raise ValueError("after", n)

    async def refused(self):
        raise Empty("at once")
        yield 1

    async def endless(self):
        try:
            while True:
                yield self.asked
                self.asked += 1
        finally:
            self.closed.set()

    def endless_plain(self):
        try:
            while True:
                yield self.asked
                self.asked += 1
        finally:
            self.closed.set()

    async def wrong(self):
        yield 1
        yield "two"

    async def unsendable(self):
        yield 1
        yield object()

    async def no_stream(self):
        return 5

    async def points(self, n):
        for number in range(n):
            yield Point(number, -number)

    async def parts(self, n):
        for number in range(n):
            yield b"" if number == 1 else bytes([number])

    async def pauses(self, n):
        for number in range(n):
            yield Duration(seconds=number)

    async def nothings(self, n):
        for _ in range(n):
            yield None

    async def total(self, numbers, start=0):
        async for number in numbers:
            self.read.append(number)
            start += number
        return start

    def total_plain(self, numbers):
        return sum(numbers)

    async def first(self, numbers):
        return await anext(numbers)

    async def ignored(self, numbers):
        return "ignored"

    async def both(self, left, right):
        return [f"{number}{word}" async for number in left for word in [await anext(right)]]

    async def sized(self, parts):
        return sum([len(part) async for part in parts])

    async def moved(self, points):
        at = Point(0, 0)
        async for point in points:
            at = Point(at.x + point.x, at.y + point.y)
        return at

    async def upper(self, words):
        async for word in words:
            yield word.upper()

    def upper_plain(self, words):
        for word in words:
            yield word.upper()

    async def plain(self, n):
        return n


async def read(wire, method, *arguments, into=None, **keywords):
    """All values of a stream, in a list."""
    values = [] if into is None else into
    if wire.blocking:
        await wire.do(lambda: values.extend(method(*arguments, **keywords)))
        return values
    async for value in method(*arguments, **keywords):
        values.append(value)
    return values


async def generate(*values):
    for value in values:
        yield value


async def settled(client):
    """Wait until nothing of the client's calls is left, at either end."""
    inner = getattr(client, "_client", client)
    connection = inner._wire.connector.current
    injvm = inner._wire._injvm

    def busy():
        tasks = asyncio.all_tasks() | asyncio.all_tasks(engine().loop)
        return (
            (connection is not None and len(connection.calls))
            or (injvm is not None and injvm._calls)
            or any(task.get_name() in OF_CALLS for task in tasks)
        )

    async with asyncio.timeout(20):
        while busy():  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.001)
