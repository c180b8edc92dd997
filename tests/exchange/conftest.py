"""One stream, with the other end of it written by hand."""

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest

import facade
from facade.codec import MethodCodec, encode_plain
from facade.exchange.connection import Connection, Settings
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import pair
from facade.service import describe
from facade.testing import FakeInvoker

# A field that no envelope has, as a kind of a later version would come: number 99, empty.
UNKNOWN_KIND = b"\x9a\x06\x00"


# What is sent


class Envelopes:
    """Makes envelopes of each kind, as an end of the stream would."""

    def setup(self, version=1, **facts):
        return Envelope(setup={"version": version, **facts})

    def invocation(self, id, method="echo", *arguments):
        if method == "echo":
            arguments = arguments or ("hi",)
        envelope = Envelope(id=id)
        envelope.invocation.service = "exchange.Worker"
        envelope.invocation.method = method
        envelope.invocation.msgpack = encode_plain(arguments)
        return envelope

    def result(self, id, value):
        envelope = Envelope(id=id)
        envelope.result.msgpack = encode_plain(value)
        return envelope

    def empty(self, kind, id=0):
        """One of that kind in which nothing else is set."""
        envelope = Envelope(id=id)
        getattr(envelope, kind).SetInParent()
        return envelope

    def unknown(self, id, *, optional=False):
        envelope = Envelope(id=id, optional=optional)
        envelope.MergeFromString(UNKNOWN_KIND)
        return envelope


class Hand:
    """One end of a stream, for a test to read and write."""

    def __init__(self, stream):
        self.stream = stream
        self._received = deque()

    async def send(self, *envelopes):
        """All of them in one frame."""
        await self.stream.write(Frame(envelopes=envelopes).SerializeToString())

    async def receive(self):
        """The next envelope; None at the end. Raises what the stream ended with."""
        while not self._received:
            frame = await self.stream.read()
            if frame is None:
                return None
            self._received += Frame.FromString(frame).envelopes
        return self._received.popleft()

    async def error(self):
        """Read on to what the stream ended with."""
        try:
            while await self.receive() is not None:
                pass
        except facade.RpcError as error:
            return error
        return None


@pytest.fixture
def envelope():
    return Envelopes()


# The provider's end


@facade.service("exchange.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...


class Work(Worker):
    """What the provider exports. ``work`` goes on until it is released."""

    def __init__(self):
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.cancelled = asyncio.Event()

    def find(self, invocation):
        method = describe(Worker).methods[invocation.name]
        function = getattr(self, method.name)
        invoker = FakeInvoker(function=lambda invocation: function(*invocation.arguments))
        return SimpleNamespace(
            special=False, method=method, codec=MethodCodec(method), invoker=invoker
        )

    async def echo(self, text):
        return text

    async def work(self):
        self.started.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "done"


@pytest.fixture
def work():
    return Work()


@pytest.fixture
async def provider(work):
    """Makes provider's connections, each with the consumer's end of it in hand."""
    ends = []

    def make(**settings):
        ours, theirs = pair()
        connection = Connection(theirs, Settings(**settings), work, opened=False)
        running = asyncio.create_task(connection.run())
        ends.append((connection, running))
        return connection, Hand(ours)

    yield make
    for connection, running in ends:
        connection.abort(facade.Unavailable("the test is over"))
        await running


@pytest.fixture
async def joined(provider, envelope):
    """Makes provider's connections that are set up, likewise."""

    async def make(**settings):
        connection, hand = provider(**settings)
        await hand.send(envelope.setup())
        assert (await hand.receive()).WhichOneof("kind") == "setup"
        return connection, hand

    return make


# The consumer's end


class ByHand:
    """Reaches a provider that the test plays: each stream that is opened is in ``opened``."""

    target = "by hand"

    def __init__(self, setup):
        self.setup = setup
        self.opened = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = asyncio.Event()

    async def open(self):
        ours, theirs = pair()
        write = ours.write

        async def write_through_gate(frame):
            if not self.gate.is_set():
                self.held.set()
                await self.gate.wait()
            await write(frame)

        ours.write = write_through_gate
        self.opened.put_nowait(Hand(theirs))
        return ours

    async def close(self, grace):
        pass

    async def accept(self, **facts):
        """The next stream, once it is set up."""
        hand = await self.opened.get()
        assert (await hand.receive()).WhichOneof("kind") == "setup"
        await hand.send(self.setup(**facts))
        return hand


@pytest.fixture
async def consumer(envelope):
    """Makes clients, each with the service that it calls and the transport of the test."""
    clients = []

    def make(**settings):
        transport = ByHand(envelope.setup)
        client = facade.AsyncClient("by hand", transport=transport, **{"timeout": 20, **settings})
        clients.append(client)
        return client, client.refer(Worker), transport

    yield make
    for client in clients:
        await client.close(grace=0.01)


@pytest.fixture
def calls_under_way():
    """Waits until that many calls of the client are begun."""

    async def wait(client, count):
        while len(client._wire.connector.current.calls) != count:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0)

    return wait
