"""Whether the peer is still there, and what is done where it is not."""

import asyncio

import pytest

import facade
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import MemoryTransport, pair

# Seconds; short for what is to pass, long for what is not.
SHORT, LONG = 0.02, 3600.0


@facade.service("heartbeat.Worker")
class Worker:
    async def blob(self, size: int) -> bytes: ...

    async def work(self) -> str: ...

    @facade.method(oneway=True)
    async def note(self) -> None: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.noted = asyncio.Event()
        self.started = asyncio.Event()

    async def blob(self, size: int) -> bytes:
        return bytes(size)

    async def work(self) -> str:
        self.started.set()
        await asyncio.Event().wait()
        return ""

    async def note(self) -> None:
        self.noted.set()


class Hand:
    """One end of a stream, for a test to play."""

    def __init__(self, stream) -> None:
        self.stream = stream
        self.envelopes: list = []

    async def send(self, *envelopes) -> None:
        await self.stream.write(Frame(envelopes=envelopes).SerializeToString())

    async def receive(self):
        while not self.envelopes:
            self.envelopes += Frame.FromString(await self.stream.read()).envelopes
        return self.envelopes.pop(0)

    async def error(self):
        """Read on to what it ended with."""
        try:
            while True:
                await self.receive()
        except facade.RpcError as error:
            return error


def setup():
    envelope = Envelope()
    envelope.setup.version = 1
    return envelope


def ping(nonce):
    envelope = Envelope()
    envelope.ping.nonce = nonce
    return envelope


def call(id, method, *, oneway=False):
    envelope = Envelope(id=id)
    envelope.invocation.service = "heartbeat.Worker"
    envelope.invocation.method = method
    envelope.invocation.oneway = oneway
    return envelope


@pytest.fixture
async def provider():
    """Makes a provider, and gives the consumer's end of a stream of it."""
    ends = []

    async def make(impl=None, **settings):
        server = facade.Server(**settings)
        server.export(Worker, impl or WorkerImpl())
        ours, theirs = pair()
        ends.append((server, ours, asyncio.create_task(server.exchange(theirs))))
        return Hand(ours)

    yield make
    for server, stream, serving in ends:
        stream.close()
        await serving
        await server.stop()


@pytest.fixture
async def consumer():
    """Makes a client; and a queue of the streams that it opens, from the provider's end."""
    clients = []

    def make(**settings):
        streams = asyncio.Queue()

        async def serve(stream):
            hand = Hand(stream)
            await hand.receive()
            await hand.send(setup())
            streams.put_nowait(hand)
            await stream._broken.wait()

        transport = MemoryTransport(serve, None)
        clients.append(facade.AsyncClient("by hand", timeout=20, transport=transport, **settings))
        return clients[-1], streams

    yield make
    for client in clients:
        await client.close(grace=0.01)


# Asking


@pytest.mark.behaviour("B7.39")
async def test_provider_asks_a_silent_consumer(provider):
    """After ``heartbeat`` seconds without a word it sends a ping; a pong is answer enough."""
    hand = await provider(heartbeat=SHORT, heartbeat_timeout=LONG)
    await hand.send(setup())
    assert (await hand.receive()).HasField("setup")
    for _ in range(2):
        asked = await hand.receive()
        assert asked.HasField("ping")
        answer = Envelope()
        answer.pong.nonce = asked.ping.nonce
        await hand.send(answer)


@pytest.mark.behaviour("B7.39")
async def test_consumer_asks_a_silent_provider(consumer):
    """The same at the other end."""
    client, streams = consumer(heartbeat=SHORT, heartbeat_timeout=LONG)
    await client.ready()
    assert (await (await streams.get()).receive()).HasField("ping")


@pytest.mark.behaviour("B7.22", "B7.39")
async def test_ping_never_reaches_the_calls(provider):
    """It is answered with its number while a call is under way, and no filter sees it."""
    seen = []

    class See(facade.Filter):
        async def invoke(self, invoker, invocation):
            seen.append(invocation.name)
            return await invoker.invoke(invocation)

    impl = WorkerImpl()
    hand = await provider(impl, filters=["default", See()])
    await hand.send(setup(), call(1, "work"))
    await impl.started.wait()
    await hand.send(ping(42))
    assert (await hand.receive()).HasField("setup")
    assert (await hand.receive()).pong.nonce == 42
    assert seen == ["work"]


@pytest.mark.behaviour("B7.39")
async def test_pong_goes_ahead_of_answers(provider):
    """A peer that asks is not kept waiting behind all that lies in the outbox for it."""
    impl = WorkerImpl()
    hand = await provider(impl)
    await hand.send(setup())
    assert (await hand.receive()).HasField("setup")
    count = 150  # of a frame each: more than a stream takes while nobody reads
    calls = [call(2 * number + 1, "blob") for number in range(count)]
    for each in calls:
        each.invocation.value.list_value.values.add(number_value=60_000)
    await hand.send(*calls)
    await hand.send(call(2 * count + 1, "note", oneway=True))
    await impl.noted.wait()
    impl.noted.clear()
    await hand.send(ping(7), call(2 * count + 3, "note", oneway=True))
    await impl.noted.wait()
    kinds = [(await hand.receive()).WhichOneof("kind") for _ in range(count + 1)]
    assert 0 < kinds.index("pong") < count / 2


@pytest.mark.behaviour("B7.39")
async def test_nothing_goes_ahead_of_setup(provider):
    """A ping in the frame of the consumer's setup is answered after our own."""
    hand = await provider()
    await hand.send(setup(), ping(7))
    assert (await hand.receive()).HasField("setup")
    assert (await hand.receive()).pong.nonce == 7


# Giving up


@pytest.mark.behaviour("B7.40")
async def test_provider_hangs_up_on_a_silent_consumer(provider):
    """One that does not answer within ``heartbeat_timeout`` is given up, and told."""
    hand = await provider(heartbeat=SHORT, heartbeat_timeout=SHORT)
    await hand.send(setup())
    error = await hand.error()
    assert error.status is facade.Status.UNAVAILABLE
    assert "silent" in error.message


@pytest.mark.behaviour("B7.40", "B7.41")
async def test_consumer_leaves_a_silent_provider(consumer):
    """Its calls fail, the connection counts as lost, and the next call makes another."""
    client, streams = consumer(heartbeat=SHORT, heartbeat_timeout=SHORT)
    pending = client.refer(Worker).work.future()
    await streams.get()
    with pytest.raises(facade.Unavailable, match="silent") as raised:
        await pending
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED
    assert not client._wire.connector.current.usable
    again = client.refer(Worker).work.future()
    await streams.get()
    again.cancel()


@pytest.mark.behaviour("B7.39", "B7.40")
@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Server])
@pytest.mark.parametrize("name", ["heartbeat", "heartbeat_timeout"])
def test_times_that_make_no_sense(end, name):
    """They are errors by name. Ours: the second counts from the question, so it may be shorter
    than the first, where Dubbo's idle timeout must be twice its heartbeat."""
    with pytest.raises(ValueError, match=name):
        end("nobody:1", **{name: 0.0})
    end("nobody:1", heartbeat=30.0, heartbeat_timeout=0.1)


# Coming back


@pytest.mark.behaviour("B7.40")
async def test_attempts_to_reconnect_are_spread(monkeypatch):
    """The pause between two is not the same for all consumers, so that they don't come at once."""
    spread = []

    def uniform(low, high):
        spread.append((low, high))
        return 0.0

    monkeypatch.setattr("random.uniform", uniform)
    server = facade.Server()
    server.export(Worker, WorkerImpl())
    transport = MemoryTransport(server.exchange, server.invoke)
    opened = transport.open

    async def fail():
        if len(spread) == 4:
            transport.open = opened
        raise facade.Unavailable("not yet")

    transport.open = fail
    async with facade.AsyncClient("memory", timeout=20.0, transport=transport) as client:
        assert await client.refer(Worker).blob(1) == b"\0"
    await server.stop()
    assert spread == [(0.8, 1.2)] * 5
