"""Large envelopes on a stream: they come in chunks, and others pass them by."""

import asyncio

import pytest

import facade
from facade import Status
from facade.codec import decode_plain
from facade.exchange.assembly import AT_ONCE
from facade.exchange.bulk import FIRST, LARGE
from facade.exchange.envelope import Envelope

SIZE = 8 * 1024 * 1024


@facade.service("chunks.Store")
class Store:
    async def echo(self, data: bytes) -> bytes: ...

    async def small(self, text: str) -> str: ...

    @facade.method(oneway=True)
    async def put(self, data: bytes) -> None: ...


class StoreImpl(Store):
    def __init__(self):
        self.got = asyncio.Queue()

    async def echo(self, data):
        return data

    async def small(self, text):
        return text

    async def put(self, data):
        self.got.put_nowait(len(data))


@pytest.fixture
async def store():
    """A provider and a client that take 32 MiB, over gRPC."""
    impl = StoreImpl()
    settings = {"max_message_size": 32 * 1024 * 1024}
    server = facade.Server("127.0.0.1:0", **settings)
    server.export(Store, impl)
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=30, **settings) as client,
    ):
        await client.ready(30)
        yield client.refer(Store), impl


async def test_large_values(store):
    """They arrive whole in both directions, several at a time, and oneway too."""
    remote, impl = store
    values = [bytes([n]) * (SIZE + n) for n in range(4)]
    assert await asyncio.gather(*map(remote.echo, values)) == values
    await remote.put(values[0])
    assert await impl.got.get() == SIZE


async def test_small_calls_pass_large_ones(store):
    """While large values are under way, small calls are answered."""
    remote, _ = store
    large = [asyncio.ensure_future(remote.echo(b"x" * 3 * SIZE)) for _ in range(3)]
    answered = 0
    while not all(call.done() for call in large):
        assert await remote.small("hi") == "hi"
        answered += not all(call.done() for call in large)
    assert answered > 10
    assert {len(await call) for call in large} == {3 * SIZE}


async def test_cancelled_in_the_middle(store):
    """Nothing is left of a large call that was given up, and the connection goes on."""
    remote, _ = store
    call = asyncio.ensure_future(remote.echo(b"x" * 3 * SIZE))
    for _ in range(5):
        await remote.small("hi")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await remote.echo(b"y" * SIZE) == b"y" * SIZE


async def test_small_timeout_of_a_large_call(store):
    """It times out as others do, and the connection goes on."""
    remote, _ = store
    with pytest.raises(facade.DeadlineExceeded):
        await remote.echo.options(timeout=0.005)(b"x" * 3 * SIZE)
    assert await remote.small("hi") == "hi"


async def test_many_large_values_at_once():
    """More than an end keeps of unfinished ones: the rest go whole, and the stream goes on."""
    size = 2 * LARGE
    server = facade.Server("127.0.0.1:0", max_message_size=size)
    server.export(Store, StoreImpl())
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=30, max_message_size=size) as client,
    ):
        values = [bytes([n]) * (size - 1000) for n in range(3 * AT_ONCE)]
        assert await asyncio.gather(*map(client.refer(Store).echo, values)) == values


# With the other end written by hand


def parts(envelope, size):
    """The chunks of an envelope."""
    data = envelope.SerializeToString()
    for start in range(0, len(data), size):
        part = Envelope(id=envelope.id)
        part.chunk.data = data[start : start + size]
        if not start:
            part.chunk.total_bytes = len(data)
        part.chunk.last = start + size >= len(data)
        yield part


def pong(ping):
    answer = Envelope()
    answer.pong.nonce = ping.nonce
    return answer


async def test_invocation_in_chunks(joined, envelope):
    """It is served when it is whole; what came between its chunks is served meanwhile."""
    _, hand = await joined()
    first, *rest = parts(envelope.invocation(1, "echo", "x" * 1000), 100)
    await hand.send(first, envelope.invocation(3))
    assert (await hand.receive()).id == 3
    await hand.send(*rest)
    answer = await hand.receive()
    assert (answer.id, decode_plain(answer.result.msgpack)) == (1, "x" * 1000)


async def test_invocation_in_chunks_that_crosses_a_drain(joined, envelope):
    """One that has begun before the drain is served, and the stream ends in peace."""
    connection, hand = await joined()
    first, *rest = parts(envelope.invocation(1, "echo", "x" * 1000), 400)
    await hand.send(first, envelope.empty("drain"))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(*rest)
    assert (await hand.receive()).id == 1
    assert await hand.receive() is None
    assert connection.error is None


async def test_cancel_between_chunks(joined, envelope):
    """What came is forgotten, and what still comes is passed over."""
    _, hand = await joined()
    first, second, *_ = parts(envelope.invocation(1, "echo", "x" * 1000), 300)
    await hand.send(first, envelope.empty("cancel", id=1), second, envelope.invocation(3))
    assert (await hand.receive()).id == 3


async def test_id_that_was_used(joined, envelope):
    """A call in chunks has a new id, as any other."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1))
    await hand.receive()
    await hand.send(next(parts(envelope.invocation(1, "echo", "x" * 1000), 300)))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT


async def test_more_than_this_end_takes(joined, envelope):
    """It is refused when it is announced, by the end of the stream, with the limit's name."""
    _, hand = await joined(max_message_size=10_000)
    first = next(parts(envelope.invocation(1, "echo", "x" * 20_000), 300))
    await hand.send(first)
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "max_message_size" in error.message


async def test_peer_that_takes_no_chunks(joined, envelope):
    """It is sent large envelopes whole."""
    _, hand = await joined()
    await hand.send(envelope.invocation(1, "echo", "x" * 2 * LARGE))
    assert len(decode_plain((await hand.receive()).result.msgpack)) == 2 * LARGE


async def test_peer_that_takes_chunks(provider, envelope):
    """It gets the first chunk where the answer would have stood, and the next one on its pong."""
    _, hand = provider()
    setup = envelope.setup()
    setup.setup.features.append("chunks")
    await hand.send(setup)
    assert "chunks" in (await hand.receive()).setup.features
    await hand.send(envelope.invocation(1, "echo", "x" * 2 * LARGE))
    data = b""
    last = False
    while not last:
        came = await hand.receive()
        if came.WhichOneof("kind") == "ping":
            await hand.send(pong(came.ping))
            continue
        assert came.id == 1
        assert data or (len(came.chunk.data), came.chunk.total_bytes > 2 * LARGE) == (FIRST, True)
        data += came.chunk.data
        last = came.chunk.last
    assert len(decode_plain(Envelope.FromString(data).result.msgpack)) == 2 * LARGE


async def test_cancel_in_the_middle_of_an_answer(provider, envelope):
    """Its rest is not sent, and a stream that both ends leave is over with it."""
    connection, hand = provider()
    text = "x" * 4 * LARGE
    await hand.send(envelope.setup(features=["chunks"]), envelope.invocation(1, "echo", text))
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    assert (await hand.receive()).chunk.total_bytes > len(text)
    draining = asyncio.create_task(connection.drain("the provider stops", grace=3600))
    while (await hand.receive()).WhichOneof("kind") != "drain":
        pass
    await hand.send(envelope.empty("drain"), envelope.empty("cancel", id=1))
    assert await hand.error() is None
    await draining


@pytest.mark.parametrize("begun", [True, False])
async def test_caller_who_leaves_in_the_middle_of_an_answer(consumer, envelope, begun):
    """Nothing is kept of it, be it that its first chunk had come or was on its way."""
    client, worker, transport = consumer()
    call = worker.echo.future("hi")
    hand = await transport.accept(features=["chunks"])
    await hand.receive()
    first, second, *_ = parts(envelope.result(1, "x" * 1000), 300)
    ping = envelope.empty("ping")
    connection = client._wire.connector.current
    if begun:
        await hand.send(first, ping)
        assert (await hand.receive()).WhichOneof("kind") == "pong"
        assert len(connection._assembly) == 1
    call.cancel()
    assert (await hand.receive()).WhichOneof("kind") == "cancel"
    await hand.send(*([] if begun else [first]), second, ping)
    assert (await hand.receive()).WhichOneof("kind") == "pong"
    assert len(connection._assembly) == 0


async def test_answer_in_chunks_that_is_late(consumer, envelope):
    """A stream that both ends leave is over with its last chunk."""
    client, worker, transport = consumer()
    ready = asyncio.create_task(client.ready(20))
    hand = await transport.accept(features=["chunks"])
    await ready
    call = worker.echo.options(timeout=2).future("hi")
    await hand.receive()
    first, *rest = parts(envelope.result(1, "x" * 1000), 300)
    await hand.send(first)
    with pytest.raises(facade.DeadlineExceeded):
        await call
    await hand.send(envelope.empty("drain"))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(*rest)
    assert await hand.receive() is None
