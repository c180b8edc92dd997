"""The server's life, and what it exports."""

import asyncio
import socket

import pytest

import facade


@facade.service("server.Greeter", version="1.0")
class Greeter:
    async def hello(self, name: str, *, loud: bool = False) -> str: ...

    async def wait(self) -> str: ...


class GreeterImpl(Greeter):
    """``wait`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def hello(self, name: str, *, loud: bool = False) -> str:
        return f"Hello {name}"

    async def wait(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"


def make(impl: GreeterImpl | None = None, **settings) -> facade.Server:
    server = facade.Server("127.0.0.1:0", **settings)
    server.export(Greeter, impl or GreeterImpl())
    return server


async def serve(impl: GreeterImpl | None = None, **settings) -> facade.Server:
    server = make(impl, **settings)
    await server.start()
    return server


def connect(server: facade.Server, **settings) -> facade.AsyncClient:
    return facade.AsyncClient(f"127.0.0.1:{server.port}", **{"timeout": 30, **settings})


# Listening


async def test_port_of_its_own_choice():
    """With port 0 it takes a free one and tells which."""
    async with make() as first, make() as second:
        assert first.port
        assert second.port
        assert first.port != second.port


async def test_port_in_use():
    """An OSError names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = facade.Server(address)
        with pytest.raises(OSError, match=address):
            await server.start()
        await server.stop()


async def test_port_of_another_server():
    """Two servers do not share one port."""
    async with make() as server:
        second = facade.Server(f"127.0.0.1:{server.port}")
        with pytest.raises(OSError, match=str(server.port)):
            await second.start()
        await second.stop()


async def test_address_that_is_none():
    """What can't be listened at is told as an OSError, too."""
    server = facade.Server("no such host!:1")
    with pytest.raises(OSError, match="no such host!:1"):
        await server.start()
    await server.stop()


async def test_context_manager_stops_it():
    """After the block nobody is served."""
    async with make() as server, connect(server) as client:
        assert await client.refer(Greeter).hello("Ann") == "Hello Ann"
    async with connect(server, wait_for_ready=False) as client:
        with pytest.raises(facade.Unavailable):
            await client.refer(Greeter).hello("Ann")


# Stopping


async def test_stop_lets_running_calls_end():
    """Each gets its answer, and the server stops after the last."""
    impl = GreeterImpl()
    server = await serve(impl)
    async with connect(server) as client:
        calls = [client.refer(Greeter).wait.future() for _ in range(3)]
        await impl.started.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        impl.released.set()
        assert await asyncio.gather(*calls) == ["done"] * 3
        await stopping


async def test_stop_when_idle_does_not_wait_out_its_grace():
    """Streams that are open, but idle, are ended at once."""
    server = await serve(grace=3600)
    async with connect(server) as one, connect(server) as other:
        assert await one.refer(Greeter).hello("Ann") == "Hello Ann"
        assert await other.refer(Greeter).hello("Bob") == "Hello Bob"
        await server.stop()  # or the test would run into its own timeout


async def test_stop_when_nobody_ever_came():
    """There is nothing to wait for."""
    server = await serve(grace=3600)
    await server.stop()


async def test_stop_of_a_server_that_was_never_started():
    """It is nothing."""
    server = facade.Server()
    await server.stop()
    await server.wait()


async def test_stop_twice():
    """The second one waits for the first, and both come to the same end."""
    impl = GreeterImpl()
    server = await serve(impl)
    async with connect(server) as client:
        call = client.refer(Greeter).wait.future()
        await impl.started.wait()
        stops = [asyncio.create_task(server.stop()) for _ in range(2)]
        await asyncio.sleep(0)
        impl.released.set()
        assert await call == "done"
        await asyncio.gather(*stops)
    await server.stop()


async def test_wait_returns_once_it_is_stopped():
    """Not before."""
    server = await serve()
    waiting = asyncio.create_task(server.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    await server.stop()
    await waiting


async def test_call_that_outlasts_the_grace():
    """It is cancelled, and its caller is told why."""
    cancelled = asyncio.Event()

    class Stubborn(GreeterImpl):
        async def wait(self) -> str:
            try:
                return await super().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    impl = Stubborn()
    server = await serve(impl)
    async with connect(server) as client:
        call = client.refer(Greeter).wait.future()
        await impl.started.wait()
        await server.stop(grace=0.05)
        with pytest.raises(facade.Unavailable, match=r"had not ended after 0\.05 s"):
            await call
        await cancelled.wait()


async def test_stop_closes_what_clients_use():
    """A client learns of it at once, without a call, and a new call finds nobody."""
    server = await serve()
    async with connect(server, wait_for_ready=False) as client:
        greeter = client.refer(Greeter)
        assert await greeter.hello("Ann") == "Hello Ann"
        await server.stop()
        with pytest.raises(facade.Unavailable) as raised:
            await greeter.hello("Ann")
        assert raised.value.sent is facade.Sent.NOT_SENT


# Exporting


def test_export_gives_an_exporter():
    """It prints as what is exported, and by which chain."""
    server = facade.Server(filters=["-timeout", "-exception"])
    exporter = server.export(Greeter, GreeterImpl(), group="blue")
    assert server.exporters == [exporter]
    assert repr(exporter) == (
        "<Exporter of blue/server.Greeter:1.0: context -> LocalInvoker('blue/server.Greeter:1.0')>"
    )
    assert "blue/server.Greeter:1.0" in repr(server)


def test_unexport_twice():
    """The second time is nothing."""
    server = facade.Server()
    exporter = server.export(Greeter, GreeterImpl())
    exporter.unexport()
    exporter.unexport()
    assert server.exporters == []


def test_unexport_does_not_touch_what_came_after_it():
    """An old exporter can't take away the implementation that has its place now."""
    server = facade.Server()
    old = server.export(Greeter, GreeterImpl())
    old.unexport()
    new = server.export(Greeter, GreeterImpl())
    old.unexport()
    assert server.exporters == [new]


def test_export_of_the_same_key_twice():
    """It is refused, names the key, and says what to do."""
    server = facade.Server()
    server.export(Greeter, GreeterImpl())
    with pytest.raises(ValueError, match=r"server\.Greeter:1\.0 is exported already"):
        server.export(Greeter, GreeterImpl())
    server.export(Greeter, GreeterImpl(), version="2.0")
    server.export(Greeter, GreeterImpl(), group="blue")
    assert len(server.exporters) == 3


def test_export_of_a_class():
    """An object is wanted: the error says how to make one."""
    with pytest.raises(TypeError, match=r"GreeterImpl\(\.\.\.\), not the class"):
        facade.Server().export(Greeter, GreeterImpl)


def test_export_of_a_class_without_a_method():
    """The error names the class and the method."""

    class Silent:
        async def hello(self, name: str, *, loud: bool = False) -> str:
            return name

    with pytest.raises(TypeError, match=r"Silent does not implement server\.Greeter\.wait"):
        facade.Server().export(Greeter, Silent())


def test_export_of_a_class_that_inherits_a_stub():
    """What the interface itself has is no implementation."""

    class Silent(Greeter):
        async def wait(self) -> str:
            return "done"

    with pytest.raises(TypeError, match=r"Silent does not implement server\.Greeter\.hello"):
        facade.Server().export(Greeter, Silent())


@pytest.mark.parametrize("wrong", ["fewer", "more", "renamed keyword"])
def test_export_of_a_method_with_another_signature(wrong):
    """It can't be called as the interface says: the error names it."""

    class Wrong(GreeterImpl):
        if wrong == "fewer":

            async def hello(self) -> str:  # type: ignore[override]
                return ""

        elif wrong == "more":

            async def hello(self, name: str, title: str, *, loud: bool = False) -> str:  # type: ignore[override]
                return ""

        else:

            async def hello(self, name: str, *, noisy: bool = False) -> str:  # type: ignore[override]
                return ""

    with pytest.raises(TypeError, match=r"Wrong\.hello can't be called as server\.Greeter\.hello"):
        facade.Server().export(Greeter, Wrong())


def test_export_of_an_attribute_that_is_no_method():
    """A value of that name is not an implementation."""

    class Wrong(GreeterImpl):
        wait = "a value"  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"does not implement server\.Greeter\.wait"):
        facade.Server().export(Greeter, Wrong())


def test_failed_export_leaves_nothing():
    """After an error the key is free."""
    server = facade.Server()
    with pytest.raises(TypeError):
        server.export(Greeter, object())
    assert server.exporters == []
    server.export(Greeter, GreeterImpl())


def test_export_of_the_interface_s_own_object():
    """A class may be interface and implementation in one."""

    @facade.service("server.Own")
    class Own:
        async def hello(self) -> str:
            return "Hello"

    server = facade.Server()
    server.export(Own, Own())
    assert [exporter.service.key for exporter in server.exporters] == ["server.Own"]


# Settings


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
def test_port_that_is_none(port):
    """gRPC would listen at another one."""
    with pytest.raises(ValueError, match="a port is a number from 0 to 65535"):
        facade.Server(f"127.0.0.1:{port}")
    facade.Server("127.0.0.1:65535")
    facade.Server(f"unix:/tmp/facade:{port}")
    facade.Server(f"injvm:{port}")


def test_unknown_filter():
    """A wrong name is told when the server is made."""
    with pytest.raises(ValueError, match="did you mean 'timeout'"):
        facade.Server(filters=["timeuot"])


@pytest.mark.parametrize("settings", [{"threads": 0}, {"queue": -1}, {"heartbeat": 0}])
def test_setting_that_makes_no_sense(settings):
    """It is told when the server is made."""
    with pytest.raises(ValueError, match="|".join(settings)):
        facade.Server(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"application": 3},
        {"heartbeat": None},
        {"heartbeat_timeout": None},
        {"limits": 1000},
        {"max_message_size": 1.5},
        {"max_message_size": 0},
        {"max_message_size": 2**31 - 1},
        {"socket_mode": "600"},
        {"grace": "10"},
        {"grace": -1},
        {"grace": None},
    ],
    ids=str,
)
def test_setting_of_another_kind(settings):
    """Neither is this left to the first call, or to the stop."""
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(settings))}="):
        facade.Server(**settings)


async def test_grace_that_makes_no_sense():
    """It is an error, and the server goes on."""
    async with facade.Server() as server:
        with pytest.raises(ValueError, match="grace='x': seconds"):
            await server.stop("x")
        async with connect(server) as client:
            await client.ready()


def test_timeout_of_an_export_that_makes_no_sense():
    """It is told when the service is exported."""
    with pytest.raises(ValueError, match="timeout of the export"):
        facade.Server().export(Greeter, GreeterImpl(), timeout=0)
