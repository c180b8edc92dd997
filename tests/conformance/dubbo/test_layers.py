"""What lies below a call: exchange, transport, and a client's way to its provider."""

import asyncio
import socket

import pytest

import facade
from facade import Sent
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import MemoryTransport, pair


@facade.service("dubbo.layers.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def echo(self, text: str) -> str:
        return text

    async def work(self) -> str:
        self.started.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "done"


class Counting(MemoryTransport):
    """A transport of a user's own: it notes what it opens, and what is written to it."""

    def __init__(self, server):
        super().__init__(server.exchange, server.invoke)
        self.streams = []
        self.frames = []

    async def open(self):
        stream = await super().open()
        write = stream.write

        async def noting(frame):
            self.frames.append(Frame.FromString(frame))
            await write(frame)

        stream.write = noting
        self.streams.append(stream)
        return stream


class ByHand:
    """A transport to a provider that is written by hand."""

    target = "by hand"

    def __init__(self):
        self._ends = asyncio.Queue()

    async def open(self):
        ours, theirs = pair()
        self._ends.put_nowait(theirs)
        return ours

    async def close(self, grace):
        pass

    async def accept(self):
        """The provider's end of the next stream, set up."""
        stream = await self._ends.get()
        await stream.read()
        await send(stream, setup())
        return stream


async def send(stream, *envelopes):
    await stream.write(Frame(envelopes=envelopes).SerializeToString())


def setup():
    envelope = Envelope()
    envelope.setup.version = 1
    return envelope


def answer(id, text):
    envelope = Envelope(id=id)
    envelope.result.value.string_value = text
    return envelope


@pytest.fixture
async def ends():
    """A service, the transport to it, and a client that goes by it."""
    impl = WorkerImpl()
    server = facade.Server()
    server.export(Worker, impl)
    transport = Counting(server)
    client = facade.AsyncClient("memory", transport=transport, timeout=20)
    yield impl, transport, client
    await client.close()
    await server.stop()


# Layers


@pytest.mark.behaviour("B7.20", "B7.21")
async def test_transport_can_be_replaced(ends) -> None:
    """Calls go by whatever carries frames: the exchange does not know gRPC."""
    _, transport, client = ends
    assert await client.refer(Worker).echo("hi") == "hi"
    kinds = [e.WhichOneof("kind") for frame in transport.frames for e in frame.envelopes]
    assert kinds == ["setup", "invocation"]


@pytest.mark.behaviour("B7.23")
async def test_address_that_can_not_be_bound() -> None:
    """A provider that can't listen fails at its start, and names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"cannot listen at {address}"):
            await facade.Server(address).start()


# The way to a provider


@pytest.mark.behaviour("B7.35", "B8.7")
async def test_client_connects_when_it_is_needed(ends) -> None:
    """Ours: every client is lazy. To fail at the start, where Dubbo's does, await ``ready()``."""
    _, transport, client = ends
    worker = client.refer(Worker)
    assert not transport.streams
    await worker.echo("hi")
    await worker.echo("hi")
    assert len(transport.streams) == 1
    lost = facade.AsyncClient("127.0.0.1:1", timeout=0.1)
    lost.refer(Worker)
    with pytest.raises(facade.Unavailable, match=r"no connection to 127\.0\.0\.1:1"):
        await lost.ready()
    await lost.close()


@pytest.mark.behaviour("B6.7")
async def test_call_reconnects(ends) -> None:
    """A call that finds its connection gone makes another before it is sent."""
    impl, transport, client = ends
    worker = client.refer(Worker)
    call = worker.work.future()
    await impl.started.wait()
    transport.streams[0].close()
    with pytest.raises(facade.Unavailable):
        await call
    assert await worker.echo("again") == "again"
    assert len(transport.streams) == 2


@pytest.mark.behaviour("B6.7", "B7.9")
async def test_call_of_a_closed_client(ends) -> None:
    """It fails at once, with nothing sent."""
    _, transport, client = ends
    await client.close()
    with pytest.raises(facade.Unavailable, match="closed") as raised:
        await client.refer(Worker).echo("hi")
    assert raised.value.sent is Sent.NOT_SENT
    assert not transport.streams


@pytest.mark.behaviour("B7.8", "B7.18")
async def test_lost_connection_ends_its_calls(ends) -> None:
    """Calls under way fail when it breaks, and do not wait for their timeouts."""
    impl, transport, client = ends
    call = client.refer(Worker).work.future()
    await impl.started.wait()
    transport.streams[0].close()
    with pytest.raises(facade.Unavailable, match=r"dubbo\.layers\.Worker\.work") as raised:
        await call
    assert raised.value.sent is Sent.MAYBE_EXECUTED
    await impl.cancelled.wait()


@pytest.mark.behaviour("B7.7")
async def test_cancelled_call_is_forgotten_and_told(ends) -> None:
    """Its future is done at once. Ours: the provider is told, and the method cancelled."""
    impl, _, client = ends
    call = client.refer(Worker).work.future()
    await impl.started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await impl.cancelled.wait()


@pytest.mark.behaviour("B7.43")
async def test_close_waits_for_calls(ends) -> None:
    """A client that is closed lets its calls end, and takes no new ones."""
    impl, _, client = ends
    call = client.refer(Worker).work.future()
    await impl.started.wait()
    closing = asyncio.create_task(client.close(grace=20))
    await asyncio.sleep(0)
    impl.released.set()
    await closing
    assert await call == "done"


# Answers


@pytest.fixture
async def provider():
    """A client, and the provider that it calls, by hand."""
    transport = ByHand()
    client = facade.AsyncClient("by hand", transport=transport, timeout=20)
    yield client.refer(Worker), transport
    await client.close(grace=0.01)


@pytest.mark.behaviour("B5.23", "B7.5")
async def test_answers_find_their_calls(provider) -> None:
    """Each answer goes to the call of its id, in whichever order they come."""
    worker, transport = provider
    first, second = worker.echo.future("a"), worker.echo.future("b")
    stream = await transport.accept()
    calls = []
    while len(calls) < 2:
        calls += Frame.FromString(await stream.read()).envelopes
    one, two = (call.id for call in calls)
    await send(stream, answer(two, "to b"), answer(one, "to a"))
    assert (await first, await second) == ("to a", "to b")


@pytest.mark.behaviour("B5.24")
async def test_answer_that_nobody_waits_for(provider) -> None:
    """A second answer, or one to no call, is dropped, and harms no other call."""
    worker, transport = provider
    first = worker.echo.future("a")
    stream = await transport.accept()
    (call,) = Frame.FromString(await stream.read()).envelopes
    await send(stream, answer(call.id, "once"), answer(call.id, "twice"), answer(999, "to none"))
    assert await first == "once"
    second = worker.echo.future("b")
    (call,) = Frame.FromString(await stream.read()).envelopes
    await send(stream, answer(call.id, "b"))
    assert await second == "b"


@pytest.mark.behaviour("B5.25", "B7.3")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (facade.Status.DEADLINE_EXCEEDED, facade.DeadlineExceeded),
        (facade.Status.INVALID_ARGUMENT, facade.InvalidArgument),
        (facade.Status.UNIMPLEMENTED, facade.Unimplemented),
        (facade.Status.UNAVAILABLE, facade.Unavailable),
        (facade.Status.RESOURCE_EXHAUSTED, facade.LimitExceeded),
        (facade.Status.INTERNAL, facade.RpcError),
    ],
)
async def test_status_of_an_answer_becomes_an_error(provider, status, kind) -> None:
    """What a caller would catch apart has a class of its own; all else is an RpcError."""
    worker, transport = provider
    call = worker.echo.future("a")
    stream = await transport.accept()
    (envelope,) = Frame.FromString(await stream.read()).envelopes
    refusal = Envelope(id=envelope.id)
    refusal.result.error.status = status
    refusal.result.error.message = "no"
    await send(stream, refusal)
    with pytest.raises(kind) as raised:
        await call
    assert type(raised.value) is kind
    assert (raised.value.remote, str(raised.value)) == (True, "no")
