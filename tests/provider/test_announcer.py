"""What a server says in registries, and when."""

import asyncio
import re

import pytest

import facade
from facade.provider.announcer import own_address, reached
from facade.registry import Subscription
from tests.ports import free_port


@facade.service("test.Greeter", version="1.0.0")
class Greeter:
    async def hello(self) -> str: ...

    @facade.method(timeout=3.0)
    async def wait(self) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self):
        return "hello"

    async def wait(self):
        return "waited"


@facade.service("test.Other", weight=30)
class Other(Greeter):
    pass


class OtherImpl(GreeterImpl, Other):
    pass


class Board:
    """A registry in memory, which may fail."""

    announces = True

    def __init__(self):
        self.providers = []
        self.heard = []
        self.failing = False
        self.closed = False
        self.late = False

    async def register(self, provider):
        self.late |= self.closed
        if self.failing:
            raise OSError("not there")
        self.providers.append(provider)
        self.heard.append(f"+{provider.key}")

    async def unregister(self, provider):
        self.late |= self.closed
        self.providers.remove(provider)
        self.heard.append(f"-{provider.key}")

    async def subscribe(self, key, changed, *, timeout=3.0):
        return Subscription(key, changed)

    async def close(self):
        self.closed = True


@pytest.fixture
def board():
    return Board()


async def test_each_service_is_announced_once_the_server_listens(board):
    """With what is known of it; and withdrawn first when it stops."""
    server = facade.Server(registry=board, application="shop")
    server.export(Greeter, GreeterImpl(), weight=50, warmup=2, tag="gray", parameters={"zone": 1})
    server.export(Other, OtherImpl(), group="north", timeout=2.0, zone="east")
    assert board.providers == []
    async with server:
        first, second = board.providers
        assert first.address == f"127.0.0.1:{server.port}"
        assert (first.key, first.weight, first.warmup) == ("test.Greeter:1.0.0", 50, 2)
        assert (first.tag, first.parameters["zone"]) == ("gray", "1")
        assert (first.timeouts, first.methods) == ({"wait": 3.0}, ("hello", "wait"))
        assert first.application == "shop"
        assert first.started > 1_700_000_000
        assert (second.group, second.weight, second.timeout) == ("north", 30, 2.0)
        assert second.zone == "east"
    assert board.providers == []
    assert board.closed


async def test_what_is_exported_and_unexported_later_is_told(board):
    async with facade.Server(registry=[board]) as server:
        exporter = server.export(Greeter, GreeterImpl())
        while len(board.heard) < 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
        exporter.unexport()
        while len(board.heard) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        # At once away again: whatever comes first, it is not left there.
        server.export(Greeter, GreeterImpl()).unexport()
        await asyncio.sleep(0)
    assert board.providers == []


async def test_what_another_thread_exports_is_told(board):
    """As it is without a registry, a thread may export while the server runs."""
    async with facade.Server(registry=board) as server:
        exporter = await asyncio.to_thread(server.export, Greeter, GreeterImpl())
        while len(board.heard) < 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.to_thread(exporter.unexport)
        while len(board.heard) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert board.heard == ["+test.Greeter:1.0.0", "-test.Greeter:1.0.0"]


async def test_another_process_announces():
    """What was named by its target is left to it, with the application."""
    relayed, asked = Board(), []

    def make(target, application):
        asked.append((target, application))
        return relayed

    server = facade.Server(registry="etcd://127.0.0.1:1", application="shop")
    server.export(Greeter, GreeterImpl())
    server.announcer.relay(make)
    async with server:
        assert asked == [("etcd://127.0.0.1:1", "shop")]
        assert len(relayed.providers) == 1
    assert relayed.providers == []


def test_object_is_not_left_to_another_process(board):
    """Each process would withdraw there what others still serve."""
    server = facade.Server(registry=["etcd://127.0.0.1:1", board])
    with pytest.raises(ValueError, match="name it by its target"):
        server.announcer.relay(lambda target, application: Board())


async def test_what_is_local_is_not_announced(board):
    async with facade.Server(registry=board) as server:
        server.export(Greeter, GreeterImpl(), scope="local")
    assert board.heard == []


async def test_stop_withdraws_before_calls_end(board):
    """So that nobody comes while those under way are waited for."""
    started, released = asyncio.Event(), asyncio.Event()

    class Slow(GreeterImpl):
        async def hello(self):
            started.set()
            await released.wait()
            return "late"

    server = facade.Server(registry=board)
    server.export(Greeter, Slow())
    await server.start()
    async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20.0) as client:
        call = asyncio.create_task(client.refer(Greeter).hello())
        await started.wait()
        stopping = asyncio.create_task(server.stop())
        while board.providers:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not call.done()
        released.set()
        assert await call == "late"
        await stopping


async def test_registry_that_fails_to_close(board, caplog):
    """It is logged, and the server stops all the same."""

    async def close():
        raise ValueError("no")

    board.close = close
    server = facade.Server(registry=board)
    await server.start()
    await server.stop()
    await asyncio.wait_for(server.wait(), 20)
    assert "failed to close" in caplog.text


class Hanging(Board):
    """It takes as long as it is let."""

    def __init__(self):
        super().__init__()
        self.asked = asyncio.Event()

    async def register(self, provider):
        self.asked.set()
        await asyncio.Event().wait()


async def test_block_that_is_cancelled_while_it_starts():
    """The server does not go on behind it."""
    board = Hanging()
    server = facade.Server(f"127.0.0.1:{free_port()}", registry=board)
    server.export(Greeter, GreeterImpl())

    async def block():
        async with server:
            pass

    task = asyncio.create_task(block())
    await board.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert board.closed
    async with facade.AsyncClient(f"127.0.0.1:{server.port}") as client:
        with pytest.raises(facade.Unavailable):
            await client.ready(timeout=0.1)


async def test_start_that_fails(board):
    """Nothing serves on when nobody is there to stop it."""

    def refuse(provider):
        raise RuntimeError("not like this")

    board.register = refuse
    server = facade.Server(registry=board)
    server.export(Greeter, GreeterImpl())
    with pytest.raises(RuntimeError, match="not like this"):
        await server.start()
    assert board.closed
    async with facade.AsyncClient(f"127.0.0.1:{server.port}") as client:
        with pytest.raises(facade.Unavailable):
            await client.ready(timeout=0.1)
    with pytest.raises(RuntimeError, match="was stopped"):
        await server.start()


@pytest.mark.parametrize("turns", range(5))
async def test_stop_while_it_starts(board, turns):
    """However far it has come, nothing is asked of registries after they are closed."""
    server = facade.Server(registry=board)
    server.export(Greeter, GreeterImpl())
    starting = asyncio.create_task(server.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    await server.stop()
    await asyncio.wait((starting,))
    assert board.providers == []
    assert not board.late
    if turns:
        await starting


async def test_registry_that_is_down_hurts_nobody(board, caplog):
    board.failing = True
    async with facade.Server(registry=board) as server:
        server.export(Greeter, GreeterImpl())
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client:
            assert await client.refer(Greeter).hello() == "hello"
        board.failing = False
    assert board.closed


@pytest.mark.parametrize(
    ("where", "address"),
    [
        ("127.0.0.1:0", "127.0.0.1:5"),
        ("[::1]:0", "[::1]:5"),
        ("::1", "[::1]:5"),
        ("localhost:0", "127.0.0.1:5"),
        ("shop.example:50051", "shop.example:50051"),
        ("shop.example", "shop.example:5"),
        ("ipv4:10.0.0.1:7", "10.0.0.1:7"),
        ("0.0.0.0:0", f"{own_address()}:5"),
    ],
)
def test_address_that_is_named(where, address):
    """The one that others can use."""
    assert reached(where, 5) == address


def test_server_that_listens_everywhere_names_one_address():
    assert re.fullmatch(r"(\[.+\]|\d+\.\d+\.\d+\.\d+):5", reached("[::]:0", 5))
    assert not own_address().startswith("0.")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"registry": "static:127.0.0.1:1"}, "announce providers at zookeeper"),
        ({"registry": "zokeeper://h:1"}, "did you mean 'zookeeper'"),
        ({"registry": Board(), "address": "unix:/tmp/shop"}, "announce='host:port'"),
        ({"registry": Board(), "address": "injvm"}, "announce='host:port'"),
        ({"registry": Board(), "announce": "here:99999999"}, "here:99999999"),
        ({"registry": Board(), "announce": "not here:1"}, "'not here:1' is not host:port"),
    ],
)
def test_what_cannot_be_announced_is_an_error_at_once(settings, said):
    with pytest.raises(ValueError, match=said):
        facade.Server(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"registry": Board(), "announce": 5}, "announce=5: text"),
        ({"registry": 3}, "registry=3: a target such as"),
        ({"registry": [object()]}, "a target such as"),
    ],
)
def test_what_is_no_registry_is_an_error_at_once(settings, said):
    """Nor could anything ever be announced there, or at what is no text."""
    with pytest.raises(TypeError, match=said):
        facade.Server(**settings)


def test_wrong_facts_are_errors_at_the_export(board):
    server = facade.Server(registry=board)
    with pytest.raises(ValueError, match="weight=-1"):
        server.export(Greeter, GreeterImpl(), weight=-1)
    with pytest.raises(TypeError, match="weight is int"):
        server.export(Greeter, GreeterImpl(), weight="much")
    assert server.exporters == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"weight": 2**31}, "the weight of test.Greeter:1.0.0 is more than 2147483647"),
        ({"warmup": float("nan")}, "warmup of test.Greeter:1.0.0 is no number of seconds"),
        ({"warmup": float("inf")}, "warmup of test.Greeter:1.0.0 is no number of seconds"),
    ],
)
def test_facts_that_no_registry_takes_are_errors_at_the_export(board, settings, said):
    """And not when the server starts, or never."""
    server = facade.Server(registry=board)
    with pytest.raises(ValueError, match=said):
        server.export(Greeter, GreeterImpl(), **settings)
    assert server.exporters == []
