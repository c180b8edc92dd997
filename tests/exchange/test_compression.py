"""Messages that are packed on their way."""

import asyncio
import contextlib
import json

import grpc
import grpc.aio
import pytest

import facade
from facade.v1 import exchange_pb2

# Text as JSON has it: much of it again and again.
ROWS = [{"id": i, "name": f"customer {i}", "city": "Oslo", "open": True} for i in range(16_000)]
TEXT = json.dumps(ROWS)


@facade.service("packed.Store")
class Store:
    async def take(self, text: str) -> int: ...

    async def give(self, size: int) -> str: ...


class StoreImpl(Store):
    async def take(self, text: str) -> int:
        return len(text)

    async def give(self, size: int) -> str:
        return TEXT[:size]


class Counter:
    """Passes bytes on, and counts them in each direction."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.there = self.back = 0

    async def __aenter__(self) -> "Counter":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.target = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    async def _accept(self, reader, writer) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._behind)
        self._writers += [writer, ours]
        self._tasks += [
            asyncio.create_task(self._pass(reader, ours, "there")),
            asyncio.create_task(self._pass(theirs, writer, "back")),
        ]

    async def _pass(self, reader, writer, way: str) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                setattr(self, way, getattr(self, way) + len(data))
                writer.write(data)
                await writer.drain()
        writer.close()


def make(**settings) -> facade.Server:
    server = facade.Server("127.0.0.1:0", **settings)
    server.export(Store, StoreImpl())
    return server


async def traffic(unary: bool, client: str | None, server: str | None) -> tuple[int, int]:
    """How many bytes 1 MB of text takes, there and back."""
    async with make(compression=server) as provider, Counter(provider.port) as counter:
        async with facade.AsyncClient(
            counter.target, unary=unary, compression=client, timeout=30.0
        ) as consumer:
            store = consumer.refer(Store)
            assert await store.take(TEXT) == len(TEXT)
            assert await store.give(len(TEXT)) == TEXT
        return counter.there, counter.back


@pytest.mark.parametrize("unary", [False, True])
@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_fewer_bytes_travel(unary, name):
    """Each end packs what it sends, and reads what the other has packed or not."""
    assert len(TEXT) > 1_000_000
    there, back = await traffic(unary, name, name)
    assert there < len(TEXT) / 5
    assert back < len(TEXT) / 5
    there, back = await traffic(unary, name, None)
    assert there < len(TEXT) / 5
    assert back > len(TEXT)


async def test_clients_share_what_they_pack_alike():
    """Another compression is another connection."""
    came = []

    async def note(peer: facade.Peer) -> None:
        came.append(peer)

    async with make(on_connect=note) as server:
        clients = [
            facade.AsyncClient(f"127.0.0.1:{server.port}", compression=name, timeout=30.0)
            for name in ("gzip", "gzip", None)
        ]
        for client in clients:
            assert await client.refer(Store).take("abc") == 3
        assert len(came) == 2
        for client in clients:
            await client.close()


# What unpacks to more than may be


@pytest.fixture
async def small():
    """A server that takes 64 KiB, and a call of a peer that packs whatever it is given."""
    server = make(max_message_size=64 * 1024)
    await server.start()
    target = f"127.0.0.1:{server.port}"
    channel = grpc.aio.insecure_channel(target, compression=grpc.Compression.Gzip)
    neighbour = facade.AsyncClient(target, timeout=30.0)
    assert await neighbour.refer(Store).take("abc") == 3
    yield channel, neighbour.refer(Store)
    await channel.close()
    await neighbour.close()
    await server.stop()


BOMB = bytes(4 * 1024 * 1024)  # packed it is 4 KiB


async def test_unary_call_that_unpacks_to_too_much(small):
    """It is refused by its size unpacked, and others go on."""
    channel, store = small
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await channel.unary_unary("/facade.v1.Facade/Invoke")(BOMB)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await store.take("abc") == 3


async def test_stream_that_unpacks_to_too_much(small):
    """It ends, and no other does."""
    channel, store = small
    call = channel.stream_stream("/facade.v1.Facade/Exchange")()
    setup = exchange_pb2.Envelope()
    setup.setup.version = 1
    await call.write(exchange_pb2.Frame(envelopes=[setup]).SerializeToString())
    await call.read()
    await call.write(BOMB)
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await store.take("abc") == 3
