"""What the tests of security call, and a peer that is written by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

import facade
from facade.codec import encode_plain
from facade.exchange.connection import Connection
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import pair
from facade.exchange.settings import Settings
from facade.provider.exporter import Exporter, ExportTable
from facade.provider.local import LocalInvoker
from facade.provider.pool import ThreadPool
from facade.service import describe


@facade.service("demo.Vault")
class Vault:
    async def echo(self, text: str) -> str: ...
    async def any(self, value: object) -> object: ...
    async def wait(self) -> str: ...
    async def who(self) -> str: ...
    def count(self, upto: int) -> AsyncIterator[int]: ...
    async def total(self, numbers: AsyncIterator[int]) -> int: ...
    async def tell(self, on_news: Callable[[str], None]) -> None: ...


class VaultImpl:
    """``touched`` has what was called, or read, that nobody exported."""

    def __init__(self):
        self.released = asyncio.Event()
        self.waiting = 0
        self.touched = []

    async def echo(self, text):
        return text

    async def any(self, value):
        return value

    async def wait(self):
        self.waiting += 1
        await self.released.wait()
        return "done"

    async def who(self):
        return str(facade.RpcContext.service().remote_identity)

    async def count(self, upto):
        for number in range(upto):
            yield number

    async def total(self, numbers):
        return sum([number async for number in numbers])

    async def tell(self, on_news):
        pass

    async def hidden(self):
        self.touched.append("hidden")

    async def _private(self):
        self.touched.append("_private")

    @property
    def money(self):
        self.touched.append("money")
        return 1_000_000


def setup(**facts):
    envelope = Envelope()
    envelope.setup.version = 1
    for name, value in facts.items():
        setattr(envelope.setup, name, value)
    return envelope


def invocation(id, method="echo", *arguments, service="demo.Vault", **facts):
    envelope = Envelope(id=id)
    envelope.invocation.service = service
    envelope.invocation.method = method
    envelope.invocation.msgpack = encode_plain(arguments)
    for name, value in facts.items():
        setattr(envelope.invocation, name, value)
    return envelope


def frame(*envelopes):
    return Frame(envelopes=envelopes).SerializeToString()


class Hostile:
    """The other end of a connection: sends what it likes, and reads."""

    def __init__(self, stream, connection, running):
        self.stream = stream
        self.connection = connection
        self.running = running
        self.received = []

    async def send(self, *envelopes):
        await self.stream.write(frame(*envelopes))

    async def until(self, kind, id=None):
        """The next envelope of this kind. Raises what the stream ended with."""
        while True:
            for each in self.received:
                if each.WhichOneof("kind") == kind and id in (None, each.id):
                    self.received.remove(each)
                    return each
            data = await self.stream.read()
            if data is None:
                raise EOFError("the stream ended in peace")
            self.received += Frame.FromString(data).envelopes

    async def status(self):
        """That which the stream ended with."""
        try:
            while await self.stream.read() is not None:
                pass
        except facade.RpcError as error:
            return error.status
        return facade.Status.OK


def exports(implementation):
    """As a server has them, with no filter."""
    table = ExportTable()
    service = describe(Vault)
    end = LocalInvoker(service, implementation, ThreadPool(1, 1))
    table.add(Exporter(service, (), end, None, table.remove))
    return table


@pytest.fixture
def vault():
    return VaultImpl()


@pytest.fixture
async def attack(vault):
    """Makes connections of one end, each with the other end in hand. Each must end by itself
    when its stream does, and leave no task."""
    made = []

    def make(*, opened=False, **settings):
        ours, theirs = pair()
        connection = Connection(theirs, Settings(**settings), exports(vault), opened=opened)
        running = asyncio.create_task(connection.run())
        hostile = Hostile(ours, connection, running)
        made.append(hostile)
        return hostile

    yield make
    for hostile in made:
        hostile.stream.close()
        await asyncio.wait_for(hostile.running, 20)
    vault.released.set()


@pytest.fixture
def joined(attack):
    """The same, set up."""

    async def make(**settings):
        hostile = attack(**settings)
        await hostile.send(setup())
        await hostile.until("setup")
        return hostile

    return make


@pytest.fixture
async def serving(vault):
    """Makes servers of the vault with these settings; each one's address."""
    servers = []

    async def make(**settings):
        server = facade.Server(**settings)
        server.export(Vault, vault)
        await server.start()
        servers.append(server)
        return f"127.0.0.1:{server.port}"

    yield make
    vault.released.set()
    for server in servers:
        await server.stop(grace=5)
