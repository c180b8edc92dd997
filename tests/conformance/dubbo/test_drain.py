"""An end that wants to leave says so first: Dubbo's read-only event, and its graceful closes."""

import asyncio
import inspect

import pytest

import facade
from facade.codec import encode_plain
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import MemoryTransport

STREAMS = pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)


@facade.service("drain.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def echo(self, text: str) -> str:
        return text

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"


@pytest.mark.behaviour("B7.16", "B7.38")
async def test_new_calls_avoid_a_connection_that_drains():
    """It takes no more, but those under way are answered on it. Unknown events are dropped."""
    streams = asyncio.Queue()

    async def serve(stream):
        streams.put_nowait(stream)
        await stream._broken.wait()

    async def accept():
        stream = await streams.get()
        await stream.read()
        envelope = Envelope()
        envelope.setup.version = 1
        await send(stream, envelope)
        return stream

    async def send(stream, *envelopes):
        await stream.write(Frame(envelopes=envelopes).SerializeToString())

    def answer(value):
        envelope = Envelope(id=1)
        envelope.result.msgpack = encode_plain(value)
        return envelope

    client = facade.AsyncClient("hand", timeout=20, transport=MemoryTransport(serve, None))
    worker = client.refer(Worker)
    first = worker.work.future()
    old = await accept()
    await old.read()  # the call
    connection = client._wire.connector.current
    assert connection.usable
    drain, unknown = Envelope(), Envelope(optional=True)
    drain.drain.reason = "the test is leaving"
    unknown.MergeFromString(b"\x9a\x06\x00")  # a kind that this version does not know
    await send(old, unknown, drain)
    while connection.usable:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    second = worker.work.future()
    new = await accept()
    await new.read()
    await send(new, answer("the second"))
    assert await second == "the second"
    await send(old, answer("the first"))
    assert await first == "the first"
    for stream in (old, new):
        stream.close()
    await client.close()


@STREAMS
@pytest.mark.behaviour("B7.42", "B8.14", "B8.16")
async def test_stop_of_a_provider(wire):
    """Its consumers are told first; calls under way end, and then the connections do."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    call = wire.start(wire.connect(server).refer(Worker).work)
    await impl.started.wait()
    (connection,) = server._streams.connections
    stopping = asyncio.create_task(server.stop(grace=3600))
    while connection.usable:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)
    assert not call.done()
    impl.released.set()
    assert await call == "done"
    await stopping
    assert not server._streams.connections


@pytest.mark.behaviour("B7.23", "B7.42")
async def test_new_connection_while_the_provider_stops():
    """It is closed at once, and its consumer knows why."""
    impl = WorkerImpl()
    server = facade.Server()
    server.export(Worker, impl)

    def client(**settings):
        transport = MemoryTransport(server.exchange, server.invoke)
        return facade.AsyncClient("memory", timeout=20.0, transport=transport, **settings)

    async with client() as first, client(wait_for_ready=False) as second:
        call = first.refer(Worker).work.future()
        await impl.started.wait()
        stopping = asyncio.create_task(server.stop(grace=3600))
        await asyncio.sleep(0)  # the stop has begun
        with pytest.raises(facade.Unavailable, match="the provider stops") as raised:
            await second.refer(Worker).echo("hi")
        assert raised.value.sent is facade.Sent.NOT_SENT
        impl.released.set()
        assert await call == "done"
        await stopping


@pytest.mark.behaviour("B8.15")
def test_how_long_a_stop_waits():
    """Ten seconds where nothing else is said."""
    assert inspect.signature(facade.Server).parameters["grace"].default == 10.0


@pytest.mark.behaviour("B7.42")
async def test_call_that_outlasts_the_stop(wire):
    """It fails when the grace is over, and the provider does not wait for it any longer."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))
    call = wire.start(wire.connect(server).refer(Worker).work)
    await impl.started.wait()
    await server.stop(grace=0.05)
    with pytest.raises(facade.Unavailable, match="the provider stops"):
        await call


@STREAMS
@pytest.mark.behaviour("B7.43")
async def test_close_of_a_consumer(wire):
    """It waits while it has pending calls; what is left after the grace fails."""
    impl = WorkerImpl()
    server = await wire.provide((Worker, impl))

    async def close(client, grace):
        await (asyncio.to_thread(client.close, grace) if wire.blocking else client.close(grace))

    hasty = wire.connect(server, connections=1)
    call = wire.start(hasty.refer(Worker).work)
    await impl.started.wait()
    await close(hasty, 0.05)
    with pytest.raises(facade.Unavailable) as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED

    impl.started.clear()
    patient = wire.connect(server, connections=1)
    call = wire.start(patient.refer(Worker).work)
    await impl.started.wait()
    closing = asyncio.ensure_future(close(patient, 3600))
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await closing
