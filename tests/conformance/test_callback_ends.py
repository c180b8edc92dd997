"""How callbacks end: let go of, withdrawn, with their stream; and how many there may be."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import facade

LONG = 20.0

streams = pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The 1 s that a call back has is short for a busy machine, and not what is tested here."""
    monkeypatch.setattr("facade.provider.callback.DEFAULT_TIMEOUT", LONG)


@facade.service("callbacks.Feed")
class Feed:
    async def once(self, listener: Callable[[int], None]) -> None: ...

    async def watch(self, listener: Callable[[int], None]) -> None: ...

    async def drop(self) -> None: ...


class FeedImpl:
    def __init__(self) -> None:
        self.listeners: list[Any] = []

    async def once(self, listener: Any) -> None:
        await listener(1)

    async def watch(self, listener: Any) -> None:
        self.listeners.append(listener)

    async def drop(self) -> None:
        self.listeners.clear()


class Seen:
    """A callback that can be told to be gone."""

    def __call__(self, number: int) -> None: ...


def table(client):
    inner = client._client if isinstance(client, facade.Client) else client
    return inner._wire.connector.current.answers.callbacks


async def until(condition):
    """Wait for the other end, which is told by no event of ours."""
    while not condition():
        gc.collect()
        await asyncio.sleep(0.005)


async def ends(wire, **settings):
    impl = FeedImpl()
    server = await wire.provide((Feed, impl), **settings)
    client = wire.connect(server)
    return impl, server, client, client.refer(Feed)


@streams
async def test_forgotten_once_the_provider_lets_go(wire):
    """What the provider did not keep, the consumer does not keep either; nobody has to say so."""
    _, _, client, feed = await ends(wire)
    seen = Seen()
    gone = weakref.ref(seen)
    await wire.call(feed.once, seen)
    await wire.call(feed.watch, seen)
    assert len(table(client)) == 1
    del seen
    await wire.call(feed.drop)
    await until(lambda: not table(client))
    await until(lambda: gone() is None)


@streams
async def test_kept_while_the_provider_keeps_it(wire):
    """What goes with one call does not take away what another one gave."""
    impl, _, client, feed = await ends(wire)
    seen, other = Seen(), Seen()
    await wire.call(feed.watch, seen)
    await wire.call(feed.once, seen)
    await wire.call(feed.once, other)
    await until(lambda: len(table(client)) == 1)
    await impl.listeners[0](2)


@streams
async def test_limit_of_the_consumer(wire):
    """One callback too many fails the call, and nothing is sent; released ones make room."""
    impl = FeedImpl()
    server = await wire.provide((Feed, impl))
    client = wire.connect(server, callbacks=1)
    feed = client.refer(Feed)
    first = Seen()
    await wire.call(feed.watch, first)
    with pytest.raises(facade.LimitExceeded, match=r"allows 1 \(AsyncClient: callbacks") as raised:
        await wire.call(feed.watch, Seen())
    assert raised.value.sent is facade.Sent.NOT_SENT
    await wire.call(feed.watch, first)  # no new one
    await wire.do(client.release, first)
    await wire.call(feed.watch, Seen())
    assert len(impl.listeners) == 3


@streams
async def test_limit_of_the_provider(wire):
    """It refuses the call, and says so; the consumer forgets the callback."""
    _, _, client, feed = await ends(wire, callbacks=1)
    await wire.call(feed.watch, Seen())
    with pytest.raises(facade.LimitExceeded, match=r"allows 1 \(Server: callbacks") as raised:
        await wire.call(feed.watch, Seen())
    assert raised.value.sent is facade.Sent.NOT_EXECUTED
    await until(lambda: len(table(client)) == 1)


@streams
async def test_call_that_is_never_sent(wire):
    """A call that fails before it is sent leaves no callback behind."""
    _, _, client, feed = await ends(wire)
    await wire.call(feed.drop)
    with pytest.raises(facade.InvalidArgument, match="positional"):
        await wire.call(feed.watch, Seen(), 1)
    assert not table(client)


@streams
async def test_withdrawn(wire):
    """After ``release`` the provider gets a clear error, and hears of the end."""
    impl, _, client, feed = await ends(wire)
    seen, ended = Seen(), []
    await wire.call(feed.watch, seen)
    listener = impl.listeners[0]
    listener.on_close(ended.append)
    assert await wire.do(client.release, seen)
    assert not await wire.do(client.release, seen)
    assert listener.available
    with pytest.raises(facade.Unavailable, match="callback 1 was withdrawn"):
        await listener(1)
    assert not listener.available
    assert ended == [listener]


@streams
async def test_stream_that_ends(wire):
    """The consumer holds nothing any more; the provider hears of it, and later calls fail."""
    impl, _, client, feed = await ends(wire)
    ended = asyncio.Event()
    await wire.call(feed.watch, Seen())
    listener, handed = impl.listeners[0], table(client)
    listener.on_close(lambda _: ended.set())
    assert listener.available
    if wire.blocking:
        await asyncio.to_thread(client.close)
    else:
        await client.close()
    await ended.wait()
    assert not listener.available
    assert "gone" in repr(listener)
    with pytest.raises(facade.Unavailable, match=r"the stream with .* ended") as raised:
        await listener(1)
    assert raised.value.sent is facade.Sent.NOT_SENT
    late = []
    listener.on_close(late.append)
    assert late == [listener]
    assert not handed


@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_idle_stream_ends_in_peace(wire):
    """Callbacks that nobody calls do not hold up a stop, at either end."""
    impl, server, client, feed = await ends(wire)
    await feed.watch(Seen())
    connection = client._wire.connector.current
    await server.stop(grace=50)
    await connection.closed.wait()
    assert connection.error is None
    assert not impl.listeners[0].available


@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_reconnect(wire):
    """On a new stream nothing is called back: who wants to hear more asks again."""
    impl, _, client, feed = await ends(wire)
    seen = Seen()
    await feed.watch(seen)
    connection = client._wire.connector.current
    connection.abort(facade.Unavailable("cut by the test"))
    await connection.closed.wait()
    await feed.watch(seen)
    await until(lambda: not impl.listeners[0].available)
    assert impl.listeners[0] != impl.listeners[1]
    await impl.listeners[1](1)


@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_end_of_a_call_back_under_way(wire):
    """A call back whose stream breaks fails; it may have run."""
    impl, _, client, feed = await ends(wire)
    started = asyncio.Event()

    async def wait(number):
        started.set()
        await asyncio.Event().wait()

    await feed.watch(wait)
    call = impl.listeners[0].options(timeout=20).future(1)
    await started.wait()
    client._wire.connector.current.abort(facade.Unavailable("cut by the test"))
    with pytest.raises(facade.Unavailable) as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED
