"""Streams of values, over each wire that has them."""

import asyncio
import functools
import gc
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from google.protobuf.duration_pb2 import Duration

import facade
from facade import RpcContext
from facade.consumer.engine import engine
from facade.core.stream import Watched, at_end, is_stream
from facade.exchange.items import WINDOW_ITEMS
from facade.exchange.threads import AHEAD

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


# What is given


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


# Errors


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


# Leaving early


@streamed
@pytest.mark.parametrize("name", ["endless", "endless_plain"])
async def test_leaving_closes_the_generator(wire, name):
    """Its ``finally`` runs, and nothing is left of the call."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    method = getattr(client.refer(Numbers), name)

    def leave():
        for value in method():
            if value == 3:
                break

    if wire.blocking:
        await wire.do(leave)
    else:
        async for value in method():
            if value == 3:
                break
    gc.collect()
    await settled(client)
    assert await asyncio.to_thread(counter.closed.wait, 20)


@streamed
async def test_closing(wire):
    """By hand, or by leaving a block: once is enough, and reading on is the end."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    if wire.blocking:

        def use():
            with numbers.endless() as stream:
                assert next(stream) == 0
            stream.close()
            return list(stream)

        assert await wire.do(use) == []
    else:
        async with numbers.endless() as stream:
            assert await anext(stream) == 0
        await stream.aclose()
        assert [value async for value in stream] == []
    await settled(client)
    assert await asyncio.to_thread(counter.closed.wait, 20)


@on_loop
async def test_cancelled_reader_may_come_back(wire):
    """Waiting for a value with a limit loses none."""
    numbers = await wire.refer(Numbers, Counter())
    said = asyncio.Queue()

    async def words():
        while True:
            yield await said.get()

    async with numbers.upper(words()) as answers:
        await answers
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(answers), 0)
        said.put_nowait("late")
        assert await anext(answers) == "LATE"


@on_loop
async def test_cancelled_caller(wire):
    """Who is cancelled while his argument is sent ends the call, and his generator."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    started, closed = asyncio.Event(), asyncio.Event()

    async def words():
        try:
            while True:
                yield 1
                started.set()
                await asyncio.sleep(0)
        finally:
            closed.set()

    call = asyncio.create_task(client.refer(Numbers).total(words()))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await closed.wait()
    await settled(client)


@on_loop
async def test_stream_that_nobody_awaits(wire):
    """It warns as a coroutine does, and nothing was sent."""
    numbers = await wire.refer(Numbers, Counter())
    stream = numbers.count(3)
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        del stream


@streamed
async def test_method_that_does_not_read(wire):
    """Its answer ends the call; the caller's generator is closed."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    closed = threading.Event()

    def words():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    assert await wire.call(numbers.ignored, generate(1)) == "ignored"
    assert await wire.call(numbers.first, words()) == 1
    assert await asyncio.to_thread(closed.wait, 20)
    await settled(client)


# Flow


@streamed
@pytest.mark.parametrize("name", ["endless", "endless_plain"])
async def test_slow_reader_holds_up_nobody(wire, name):
    """What he does not read is not even asked for, beyond the window; others are answered."""
    counter = Counter()
    numbers = await wire.refer(Numbers, counter)
    method = getattr(numbers, name)
    if wire.blocking:
        stream = await wire.do(method)
        assert await wire.do(next, stream) == 0
    else:
        stream = await method()
        assert await anext(stream) == 0
    for n in range(50):
        assert await wire.call(numbers.plain, n) == n
    assert counter.asked <= 2 * WINDOW_ITEMS + AHEAD
    if wire.blocking:
        await wire.do(stream.close)
    else:
        await stream.aclose()


@streamed
async def test_slow_method_holds_up_nobody(wire):
    """A caller's generator is asked for no more than is read, and a window."""
    asked = []

    @facade.service("streams.Slow")
    class Slow:
        async def take(self, numbers: AsyncIterator[int]) -> int: ...
        async def plain(self) -> int: ...

    class Reader(Slow):
        def __init__(self):
            self.go_on = asyncio.Event()

        async def take(self, numbers):
            first = await anext(numbers)
            await self.go_on.wait()
            return first

        async def plain(self):
            return 1

    def numbers():
        while True:
            asked.append(1)
            yield 7

    reader = Reader()
    slow = await wire.refer(Slow, reader)
    call = wire.start(slow.take, numbers())
    for _ in range(50):
        assert await wire.call(slow.plain) == 1
    reader.go_on.set()
    assert await call == 7
    assert len(asked) <= WINDOW_ITEMS + 2 * AHEAD


@on_loop
async def test_many_streams_at_once(wire):
    """A thousand on one connection, each with its own values."""
    numbers = await wire.refer(Numbers, Counter())

    async def one(n):
        return [value async for value in numbers.upper(generate(*(f"a{n}.{k}" for k in range(5))))]

    all_values = await asyncio.gather(*(one(n) for n in range(1000)))
    assert all_values == [[f"A{n}.{k}" for k in range(5)] for n in range(1000)]


@on_loop
async def test_taken_back_before_it_is_sent(wire):
    """A call that is cancelled while it waits to be written takes its credit with it."""
    numbers = await wire.refer(Numbers, Counter())
    for _ in range(20):
        calls = [asyncio.ensure_future(numbers.total(generate(1, 2))) for _ in range(10)]
        streams = [numbers.count.future(3) for _ in range(10)]
        await asyncio.sleep(0)
        for call in (*calls[::2], *streams[::2]):
            call.cancel()
        await asyncio.gather(*calls, *streams, return_exceptions=True)
    assert await numbers.plain(1) == 1


# How it is called


@streamed
async def test_future_and_options(wire):
    """Of a stream, a future is of the stream; options hold for it."""
    numbers = await wire.refer(Numbers, Counter())
    if wire.blocking:
        future = await wire.do(numbers.count.future, 3)
        stream = await wire.value(future)
        assert await wire.do(list, stream) == [0, 1, 2]
    else:
        stream = await numbers.count.future(3)
        assert [value async for value in stream] == [0, 1, 2]
    again = numbers.count.options(attachments={"a": "b"})
    assert await read(wire, again, 2) == [0, 1]
    future = await wire.do(numbers.total.future, [1, 2])
    assert await wire.value(future) == 3


@streamed
async def test_oneway_call(wire):
    """Nobody would say how much to send."""
    numbers = await wire.refer(Numbers, Counter())
    with pytest.raises(facade.InvalidArgument, match="a oneway call has nobody to send them for"):
        await wire.call(numbers.total.oneway, [1])


@streamed
async def test_group_and_version(wire):
    """They choose the provider, as for any call."""
    server = await wire.provide()
    server.export(Numbers, Counter(), group="one", version="2")
    client = wire.connect(server)
    assert await read(wire, client.refer(Numbers, group="one", version="2").count, 2) == [0, 1]
    with pytest.raises(facade.Unimplemented, match=r"one/streams\.Numbers:2"):
        await read(wire, client.refer(Numbers).count, 2)


@streamed
async def test_two_clients(wire):
    """Each has its own streams."""
    server = await wire.provide((Numbers, Counter()))
    first, second = (wire.connect(server).refer(Numbers) for _ in range(2))
    assert await read(wire, first.count, 2) == await read(wire, second.count, 2) == [0, 1]


@pytest.mark.parametrize("wire", ["unary"], indirect=True)
async def test_wire_without_streams(wire):
    """The error says what to use, and that nothing was sent. Other methods are called."""
    numbers = await wire.refer(Numbers, Counter())
    for call in (numbers.total([1]), numbers.count(3)):
        with pytest.raises(facade.Unimplemented, match="sends each call alone") as caught:
            await call
        assert caught.value.sent is facade.Sent.NOT_SENT
    assert await numbers.plain(1) == 1


async def test_stream_in_a_call_that_came_alone():
    """A plain unary gRPC call of such a method is told to come over a stream."""
    server = facade.Server("127.0.0.1:0")
    server.export(Numbers, Counter())
    async with server, facade.AsyncClient(f"127.0.0.1:{server.port}", unary=True) as client:
        with pytest.raises(facade.Unimplemented, match="came alone") as caught:
            await client.generic("streams.Numbers").invoke("count", 3)
        assert caught.value.sent is facade.Sent.NOT_EXECUTED


@on_loop
async def test_call_within_a_call(wire):
    """``$invoke`` can't carry a stream, and says so."""
    server = await wire.provide((Numbers, Counter()))
    generic = wire.connect(server).generic("streams.Numbers")
    with pytest.raises(facade.InvalidArgument, match=r"has streams, which \$invoke can't carry"):
        await generic.invoke("$invoke", "count", None, [3])


# What surrounds it


@facade.service("streams.Surroundings")
class Surroundings:
    def notes(self) -> AsyncIterator[str]: ...
    def notes_plain(self) -> Iterator[str]: ...
    def inner(self) -> AsyncIterator[str]: ...
    def asks(self) -> AsyncIterator[str]: ...
    async def left(self) -> bool: ...


class Surrounded(Surroundings):
    remote = None

    async def notes(self):
        yield str(RpcContext.server_attachments()["who"])
        await asyncio.sleep(0)
        yield RpcContext.service().method
        RpcContext.response_attachments()["sum"] = "2"

    def notes_plain(self):
        for _ in range(AHEAD + 3):  # more than one thread's turn
            yield str(RpcContext.server_attachments()["who"])
        RpcContext.response_attachments()["sum"] = RpcContext.service().method

    async def inner(self):
        who = RpcContext.server_attachments().get("who", "nobody")
        RpcContext.response_attachments()["deep"] = "yes"
        countdown = RpcContext.countdown()
        yield f"{who} {countdown is not None}"

    async def asks(self):
        async for note in self.remote.inner():
            yield note
        yield str(await self.remote.left())

    async def left(self):
        return RpcContext.countdown() is not None


@streamed
async def test_attachments_there_and_back(wire):
    """Those that the generator sets while it runs are there when its stream has ended."""
    remote = await wire.refer(Surroundings, Surrounded())

    def use(method):
        values = list(method.options(attachments={"who": "Ann"})())
        return values, dict(RpcContext.response_attachments())

    async def use_later(method):
        values = [value async for value in method.options(attachments={"who": "Ann"})()]
        return values, dict(RpcContext.response_attachments())

    run = (lambda method: wire.do(use, method)) if wire.blocking else use_later
    assert await run(remote.notes) == (["Ann", "notes"], {"sum": "2"})
    values, attachments = await run(remote.notes_plain)
    assert values == ["Ann"] * (AHEAD + 3)
    assert attachments == {"sum": "notes_plain"}


@on_loop
async def test_calls_that_a_generator_makes(wire):
    """They inherit the time left and the attachments, also after its first value; what comes
    back with them goes on to the caller."""
    surrounded = Surrounded()
    server = await wire.provide((Surroundings, surrounded))
    surrounded.remote = wire.hop(server).refer(Surroundings)
    asks = wire.connect(server).refer(Surroundings).asks
    called = asks.options(timeout=20, attachments={"who": "Ann"})
    assert [note async for note in called()] == ["Ann True", "True"]
    assert RpcContext.response_attachments() == {"deep": "yes"}
    assert [note async for note in asks()] == ["nobody False", "True"]


# Time


@facade.service("streams.Timed", timeout=0.05)
class Timed:
    def slow(self) -> AsyncIterator[int]: ...

    @facade.method(timeout=0.05)
    def short(self) -> AsyncIterator[int]: ...

    def waits(self, numbers: AsyncIterator[int]) -> AsyncIterator[int]: ...


class TimedImpl(Timed):
    def __init__(self):
        self.ended = asyncio.Event()

    async def slow(self):
        yield 1
        await asyncio.sleep(0.1)
        yield 2

    async def short(self):
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def waits(self, numbers):
        try:
            async for number in numbers:
                yield number
        finally:
            self.ended.set()


@streamed
async def test_no_limit_by_default(wire):
    """A stream may last: neither the client's timeout nor that of the interface ends it."""
    timed = await wire.refer(Timed, TimedImpl(), timeout=0.05)
    assert await read(wire, timed.slow) == [1, 2]


@streamed
async def test_limit_of_the_method_and_of_the_call(wire):
    """It holds for the whole stream, and ends it at both ends; what came before is read."""
    for choose in (lambda timed: timed.short, lambda timed: timed.short.options(timeout=0.06)):
        impl = TimedImpl()
        server = await wire.provide((Timed, impl))
        client = wire.connect(server)
        got = []
        with pytest.raises(facade.DeadlineExceeded):
            await read(wire, choose(client.refer(Timed)), into=got)
        assert got == [1]
        await impl.ended.wait()
        await settled(client)


@on_loop
async def test_limit_while_an_argument_is_sent(wire):
    """It ends the caller's generator, too."""
    impl = TimedImpl()
    timed = await wire.refer(Timed, impl)
    closed = asyncio.Event()

    async def numbers():
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(facade.DeadlineExceeded):
        async for _ in timed.waits.options(timeout=0.05)(numbers()):
            pass
    await closed.wait()
    await impl.ended.wait()


@facade.service("streams.Outer")
class Outer:
    @facade.method(timeout=0.1)
    async def outer(self) -> str: ...


@on_loop
async def test_countdown_that_runs_caps_a_stream(wire):
    """A stream within a call that has a limit has what is left of that."""

    class OuterImpl(Outer):
        async def outer(self):
            try:
                async for _ in remote.waits(generate_for_ever()):
                    pass
            except facade.DeadlineExceeded:
                ended.set()
                raise

    async def generate_for_ever():
        yield 1
        await asyncio.Event().wait()

    impl, ended = TimedImpl(), asyncio.Event()
    server = await wire.provide((Timed, impl), (Outer, OuterImpl()))
    hop, client = wire.hop(server), wire.connect(server)
    remote = hop.refer(Timed)
    await hop.ready(20)
    await wire.call(client.ready, 20)
    with pytest.raises(facade.DeadlineExceeded):
        await client.refer(Outer).outer()
    await ended.wait()
    await impl.ended.wait()


# The end of it all


@pytest.mark.parametrize("wire", ["stream", "blocking", "injvm"], indirect=True)
async def test_provider_that_stops(wire):
    """A stream that does not end within the grace gets one clear error, after what came."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    numbers = client.refer(Numbers)
    never = asyncio.Event()

    async def words():
        yield "a"
        await never.wait()

    if wire.blocking:
        stream = await wire.do(numbers.upper, words())
        assert await wire.do(next, stream) == "A"
    else:
        stream = await numbers.upper(words())
        assert await anext(stream) == "A"
    await server.stop(0.05)
    with pytest.raises(facade.Unavailable, match="had not ended after"):
        await read(wire, lambda: stream)


@pytest.mark.parametrize("wire", ["stream"], indirect=True)
async def test_stop_waits_for_a_stream(wire):
    """One that ends within the grace ends as it would."""
    go_on = asyncio.Event()

    @facade.service("streams.Patient")
    class Patient:
        def values(self) -> AsyncIterator[int]: ...

    class PatientImpl(Patient):
        async def values(self):
            yield 1
            await go_on.wait()
            yield 2

    server = await wire.provide((Patient, PatientImpl()))
    stream = await wire.connect(server).refer(Patient).values()
    assert await anext(stream) == 1
    stopping = asyncio.create_task(server.stop(20))
    await asyncio.sleep(0)
    go_on.set()
    assert await anext(stream) == 2
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await stopping


EXIT = """
import threading, facade
from collections.abc import Iterator
@facade.service("exit.Ticker")
class Ticker:
    def tick(self) -> Iterator[int]: ...
    def total(self, numbers: Iterator[int]) -> int: ...
class TickerImpl(Ticker):
    async def tick(self):
        while True:
            yield 1
    async def total(self, numbers):
        async for number in numbers:
            pass
def serve():
    import asyncio
    async def run():
        async with facade.Server("127.0.0.1:0") as server:
            server.export(Ticker, TickerImpl())
            ports.put(server.port)
            await server.wait()
    asyncio.run(run())
import queue
ports = queue.Queue()
threading.Thread(target=serve, daemon=True).start()
client = facade.Client(f"127.0.0.1:{ports.get()}")
ticker = client.refer(Ticker)
stream = ticker.tick()
print(next(stream))
blocked = queue.Queue()
future = ticker.total.future(iter(blocked.get, None))
blocked.put(1)
"""


# An older grpcio says so where two loops of a process share its queue, and one finds it empty.
EMPTY_QUEUE = re.compile(
    r"Exception in callback PollerCompletionQueue\._handle_events.*?^BlockingIOError: [^\n]*\n",
    re.DOTALL | re.MULTILINE,
)


def test_interpreter_that_ends_with_an_open_stream():
    """It ends, at once and without a word."""
    ended = subprocess.run(  # our own program
        [sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, check=False
    )
    said = EMPTY_QUEUE.sub("", ended.stderr)
    assert (ended.stdout, said, ended.returncode) == ("1\n", "", 0)


# Within the process, between loops


async def test_two_loops_of_one_process():
    """A provider in one loop, and its caller in that of another thread."""
    counter = Counter()
    server = facade.Server("injvm:two-loops")
    server.export(Numbers, counter)

    def call():
        with facade.Client("injvm:two-loops") as client:
            numbers = client.refer(Numbers)
            with numbers.endless() as stream:
                first = [next(stream), next(stream)]
            words = list(numbers.upper(f"a{n}" for n in range(3000)))
            with pytest.raises(Empty):
                list(numbers.broken(2))
            return first, words[-1], numbers.total_plain(iter(range(3000)))

    async with server:
        assert await asyncio.to_thread(call) == ([0, 1], "A2999", sum(range(3000)))
        assert await asyncio.to_thread(counter.closed.wait, 20)


# Implementations that are written in other ways


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


# Without an interface


@streamed
async def test_stream_without_an_interface(wire):
    """Plain values, there and back; the description says what is a stream."""
    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server, timeout=5)
    generic = client.generic("streams.Numbers")
    assert await read(wire, generic.stream, "count", 3) == [0, 1, 2]
    assert await read(wire, generic.stream, "count", n=2) == [0, 1]
    assert await read(wire, generic.stream, "points", 2) == [{"x": 0, "y": 0}, {"x": 1, "y": -1}]
    assert await read(wire, generic.stream, "parts", 2) == [b"\0", b""]
    assert await read(wire, generic.stream, "upper", iter(["a", "b"])) == ["A", "B"]
    with pytest.raises(Empty):
        await read(wire, generic.stream, "broken", 2)
    described = (await wire.call(client.describe)).services[0].methods
    assert described["count"].returns == "AsyncIterator[int]"
    assert described["upper"].parameters[0].type == "AsyncIterator[str]"


@streamed
async def test_interfaces_that_differ(wire):
    """Where one end has a stream and the other has none, the call fails, and no other."""

    @facade.service("streams.Numbers")
    class Otherwise:
        async def count(self, n: int) -> list[int]: ...
        def plain(self, n: int) -> AsyncIterator[int]: ...
        async def total(self, numbers: None) -> int: ...

    server = await wire.provide((Numbers, Counter()))
    client = wire.connect(server)
    otherwise, numbers = client.refer(Otherwise), client.refer(Numbers)
    with pytest.raises(facade.RpcError, match="stream"):
        await wire.call(otherwise.count, 3)
    with pytest.raises(facade.InvalidArgument, match="gives a plain value, and no stream"):
        await read(wire, otherwise.plain, 3)
    with pytest.raises(facade.RpcError, match="stream"):
        await wire.call(otherwise.total, None)
    assert await wire.call(numbers.plain, 1) == 1


# Filters


class Tenfold(facade.Filter):
    """Wraps the stream of the result, and says when it has ended."""

    def __init__(self):
        self.outcomes = []

    async def invoke(self, invoker, invocation):
        if invocation.name == "total":
            (numbers,) = invocation.arguments
            if is_stream(numbers):
                invocation.arguments = (Watched(numbers, item=lambda n: n * 10),)
        result = await invoker.invoke(invocation)
        if is_stream(result.value):
            result.value = Watched(result.value, item=lambda n: n * 10)
        at_end(result, self.outcomes.append)
        return result


@streamed
async def test_filters_at_both_ends(wire):
    """Each may put another stream in the place of the one, and learns of its end."""
    here, there = Tenfold(), Tenfold()
    server = await wire.provide((Numbers, Counter()), filters=["default", there])
    client = wire.connect(server, filters=["default", here])
    numbers = client.refer(Numbers)
    assert await read(wire, numbers.count, 3) == [0, 100, 200]
    assert await wire.call(numbers.total, [1, 2]) == 30  # a list is no stream yet
    with pytest.raises(Empty):
        await read(wire, numbers.broken, 1)
    for filter in (here, there):
        assert [outcome.exception is None for outcome in filter.outcomes] == [True, True, False]


@streamed
async def test_client_that_closes(wire):
    """Its streams end with an error, and so do the generators of its provider."""
    counter = Counter()
    server = await wire.provide((Numbers, counter))
    client = wire.connect(server)
    method = client.refer(Numbers).endless
    if wire.blocking:
        stream = await wire.do(method)
        assert await wire.do(next, stream) == 0
        await asyncio.to_thread(client.close, 0.01)
    else:
        stream = await method()
        assert await anext(stream) == 0
        await client.close(0.01)
    with pytest.raises(facade.Unavailable):
        await read(wire, lambda: stream)
    assert await asyncio.to_thread(counter.closed.wait, 20)
