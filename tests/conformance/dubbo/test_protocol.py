"""Export, unexport, refer and destroy: the life of a service at both ends."""

import asyncio

import pytest

import facade
from facade.core.method import service_key


@facade.service("protocol.Greeter", version="1.0")
class Greeter:
    async def hello(self) -> str: ...

    async def work(self) -> str: ...


class GreeterImpl(Greeter):
    """``work`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def hello(self) -> str:
        return "Hello"

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"


# Keys


@pytest.mark.behaviour("B8.2", "B8.3")
@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("demo.Greeter", "", ""), "demo.Greeter"),
        (("demo.Greeter", "blue", ""), "blue/demo.Greeter"),
        (("demo.Greeter", "", "1.0"), "demo.Greeter:1.0"),
        (("demo.Greeter", "blue", "0.0.0"), "blue/demo.Greeter:0.0.0"),
    ],
)
def test_service_key(parts, key):
    """[group/]name[:version]. Our decisions: no port, as each server has a table of its own; and
    "0.0.0" is a version like any other."""
    assert service_key(*parts) == key


@pytest.mark.behaviour("B1.1", "B8.3")
def test_invocation_names_its_service():
    """By the same key under which it is exported."""
    invocation = facade.Invocation("demo.Greeter", "hello", group="blue", version="1.0")
    assert invocation.service_key == "blue/demo.Greeter:1.0"
    exporter = facade.Server().export(Greeter, GreeterImpl(), group="blue")
    assert exporter.service.key == "blue/protocol.Greeter:1.0"


# Export


@pytest.mark.behaviour("B8.4")
def test_export_of_the_same_key():
    """Our decision: an error, where Dubbo replaces what was there without a word."""
    server = facade.Server()
    first = server.export(Greeter, GreeterImpl())
    with pytest.raises(ValueError, match=r"protocol\.Greeter:1\.0 is exported already"):
        server.export(Greeter, GreeterImpl())
    assert server.exporters == [first]


@pytest.mark.behaviour("B8.4")
async def test_many_services_at_one_address(wire):
    """One server carries all, and those that come when it runs already."""
    server = await wire.provide((Greeter, GreeterImpl()))
    server.export(Greeter, GreeterImpl(), version="2.0")
    client = wire.connect(server)
    for version in ("1.0", "2.0"):
        assert await wire.call(client.refer(Greeter, version=version).hello) == "Hello"


@pytest.mark.behaviour("B8.4")
async def test_address_that_is_taken():
    """The start fails and names the address."""
    async with facade.Server("127.0.0.1:0") as server:
        second = facade.Server(f"127.0.0.1:{server.port}")
        with pytest.raises(OSError, match=f"127.0.0.1:{server.port}"):
            await second.start()


@pytest.mark.behaviour("B8.6")
async def test_unexport(wire):
    """It counts once, and what took the place meanwhile stays; the server goes on."""
    server = await wire.provide()
    old = server.export(Greeter, GreeterImpl())
    old.unexport()
    server.export(Greeter, GreeterImpl())
    old.unexport()
    assert await wire.call(wire.connect(server).refer(Greeter).hello) == "Hello"


@pytest.mark.behaviour("B8.6")
async def test_unexport_lets_calls_end(wire):
    """A call that is under way gets its answer, though the service is gone."""
    impl = GreeterImpl()
    server = await wire.provide((Greeter, impl))
    call = wire.start(wire.connect(server).refer(Greeter).work)
    await impl.started.wait()
    server.exporters[0].unexport()
    impl.released.set()
    assert await call == "done"


@pytest.mark.behaviour("B8.8")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary", "blocking"], indirect=True)
async def test_service_that_is_not_exported(wire):
    """The error tells what there is, and that group or version may be the matter."""
    server = await wire.provide((Greeter, GreeterImpl()))
    client = wire.connect(server)
    with pytest.raises(facade.Unimplemented) as raised:
        await wire.call(client.refer(Greeter, version="2.0", group="blue").hello)
    assert str(raised.value) == (
        "protocol.Greeter is not exported with group 'blue' and version '2.0'; "
        "it is exported as: protocol.Greeter:1.0"
    )
    assert raised.value.sent is facade.Sent.NOT_EXECUTED


@pytest.mark.behaviour("B8.9")
async def test_method_knows_who_calls(wire):
    """The address of the caller is in the context."""

    class Curious(GreeterImpl):
        async def hello(self) -> str:
            return facade.RpcContext.service().remote_address

    greeter = await wire.refer(Greeter, Curious())
    assert await wire.call(greeter.hello)


# The end


@pytest.mark.behaviour("B8.10")
async def test_export_after_the_stop():
    """Our RuntimeError is Dubbo's IllegalStateException: there is nothing to export at."""
    server = facade.Server()
    await server.stop()
    with pytest.raises(RuntimeError, match="Greeter: this server has stopped: make another"):
        server.export(Greeter, GreeterImpl())


@pytest.mark.behaviour("B8.10")
async def test_start_twice():
    """A server runs once."""
    async with facade.Server() as server:
        with pytest.raises(RuntimeError, match="started already"):
            await server.start()
    with pytest.raises(RuntimeError, match="was stopped"):
        await server.start()


@pytest.mark.behaviour("B8.10")
async def test_refer_after_the_close(wire):
    """A closed client refers to nothing; the error is that of its calls."""
    client = wire.connect(await wire.provide((Greeter, GreeterImpl())))
    await (asyncio.to_thread(client.close) if wire.blocking else client.close())
    with pytest.raises(facade.Unavailable, match=r"protocol\.Greeter:1\.0: the client is closed"):
        client.refer(Greeter)
    with pytest.raises(facade.Unavailable, match="the client is closed"):
        client.generic("protocol.Greeter")


@pytest.mark.behaviour("B8.14", "B8.16")
async def test_stop_ends_calls_before_it_takes_services_away(wire):
    """No new calls; those under way end; then everything is unexported."""
    events = []

    class Note(facade.ExporterListener):
        def unexported(self, exporter):
            events.append(f"{exporter.service.key} unexported")

    class Noting(GreeterImpl):
        async def work(self) -> str:
            answer = await super().work()
            events.append("call ended")
            return answer

    impl = Noting()
    server = await wire.provide((Greeter, impl), listeners=[Note()])
    call = wire.start(wire.connect(server).refer(Greeter).work)
    await impl.started.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await stopping
    assert events == ["call ended", "protocol.Greeter:1.0 unexported"]
    assert server.exporters == []


@pytest.mark.behaviour("B8.15")
async def test_stop_waits_no_longer_than_its_grace(wire):
    """10 s unless it is told otherwise; a call that has not ended by then is told so."""
    impl = GreeterImpl()
    server = await wire.provide((Greeter, impl), grace=0.05)
    call = wire.start(wire.connect(server).refer(Greeter).work)
    await impl.started.wait()
    await server.stop()
    with pytest.raises(facade.Unavailable, match="the provider stops"):
        await call


@pytest.mark.behaviour("B8.14")
async def test_closing_one_client_leaves_the_others(wire):
    """What ends one end is nothing to another."""
    server = await wire.provide((Greeter, GreeterImpl()))
    first, second = wire.connect(server), wire.connect(server)
    for client in (first, second):
        assert await wire.call(client.refer(Greeter).hello) == "Hello"
    await (asyncio.to_thread(first.close) if wire.blocking else first.close())
    assert await wire.call(second.refer(Greeter).hello) == "Hello"
