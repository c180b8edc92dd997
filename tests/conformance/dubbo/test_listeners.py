"""Who is told of services that come and go. (Dubbo: ExporterListener, InvokerListener)"""

import asyncio

import pytest

import facade


@facade.service("listeners.Greeter", version="1.0")
class Greeter:
    async def hello(self) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self) -> str:
        return "Hello"


class Exports(facade.ExporterListener):
    def __init__(self, name, log, error=None):
        self.name, self.log, self.error = name, log, error

    def exported(self, exporter):
        self.log.append((self.name, "exported", exporter.service.key))
        self.fail()

    def unexported(self, exporter):
        self.log.append((self.name, "unexported", exporter.service.key))
        self.fail()

    def fail(self):
        if self.error is not None:
            raise self.error


class Refers(facade.InvokerListener):
    def __init__(self, name, log, error=None):
        self.name, self.log, self.error = name, log, error

    def referred(self, reference):
        self.log.append((self.name, "referred", reference.key))
        self.fail()

    def destroyed(self, reference):
        self.log.append((self.name, "destroyed", reference.key))
        self.fail()

    def fail(self):
        if self.error is not None:
            raise self.error


KEY = "listeners.Greeter:1.0"


async def close(wire, client):
    await (asyncio.to_thread(client.close) if wire.blocking else client.close())


# At the provider


@pytest.mark.behaviour("B8.12")
def test_exporter_listeners_are_told():
    """After the export and after the unexport, each once, in the order of the list."""
    log = []
    server = facade.Server(listeners=[Exports("a", log), Exports("b", log)])
    exporter = server.export(Greeter, GreeterImpl())
    assert log == [("a", "exported", KEY), ("b", "exported", KEY)]
    log.clear()
    exporter.unexport()
    exporter.unexport()
    assert log == [("a", "unexported", KEY), ("b", "unexported", KEY)]


@pytest.mark.behaviour("B8.12")
def test_exporter_listener_that_fails_at_the_export(caplog):
    """All are told, all errors are logged, the last is raised. Our decision: the export is taken
    back, where in Dubbo it stays and nobody holds its exporter."""
    log = []
    first, last = ValueError("first"), ValueError("last")
    server = facade.Server(
        listeners=[Exports("a", log, first), Exports("b", log, last), Exports("c", log)]
    )
    with pytest.raises(ValueError, match="last"):
        server.export(Greeter, GreeterImpl())
    assert [entry[:2] for entry in log] == [
        *((name, "exported") for name in "abc"),
        *((name, "unexported") for name in "abc"),
    ]
    assert {str(r.exc_info[1]) for r in caplog.records} == {"first", "last"}
    assert server.exporters == []


@pytest.mark.behaviour("B8.12")
def test_exporter_listener_that_fails_at_the_unexport(caplog):
    """All are told, the service is gone, and the last error is raised."""
    log = []
    failing = Exports("a", log)
    server = facade.Server(listeners=[failing, Exports("b", log)])
    exporter = server.export(Greeter, GreeterImpl())
    failing.error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        exporter.unexport()
    assert log[-1] == ("b", "unexported", KEY)
    assert server.exporters == []
    assert len(caplog.records) == 1


@pytest.mark.behaviour("B8.14")
async def test_stop_tells_exporter_listeners(caplog):
    """Each service is unexported; what listeners raise then is logged, and the stop goes on."""
    log = []
    failing = Exports("a", log)
    server = facade.Server(listeners=[failing])
    server.export(Greeter, GreeterImpl())
    server.export(Greeter, GreeterImpl(), version="2.0")
    log.clear()
    failing.error = ValueError("no")
    await server.stop()
    assert log == [("a", "unexported", KEY), ("a", "unexported", "listeners.Greeter:2.0")]
    assert len(caplog.records) == 2


# At the consumer


@pytest.mark.behaviour("B8.12", "B8.1")
async def test_invoker_listeners_are_told(wire):
    """When a service is first referred to, and when the client is closed. Our decision: once for
    each key, as all proxies of a client share one chain."""
    log = []
    server = await wire.provide((Greeter, GreeterImpl()))
    client = wire.connect(server, listeners=[Refers("a", log), Refers("b", log)])
    first, again = client.refer(Greeter), client.refer(Greeter)
    assert first is not again
    client.generic("listeners.Greeter", group="blue")
    assert log == [
        ("a", "referred", KEY),
        ("b", "referred", KEY),
        ("a", "referred", "blue/listeners.Greeter"),
        ("b", "referred", "blue/listeners.Greeter"),
    ]
    log.clear()
    assert await wire.call(first.hello) == "Hello"
    await close(wire, client)
    await close(wire, client)
    assert sorted(log) == [
        (name, "destroyed", key) for name in "ab" for key in ("blue/listeners.Greeter", KEY)
    ]


@pytest.mark.behaviour("B8.12")
async def test_invoker_listener_that_fails(wire, caplog):
    """It is logged, and nobody else is the wiser: others are told, calls are made. (2.7)"""
    log = []
    server = await wire.provide((Greeter, GreeterImpl()))
    listeners = [Refers("a", log, ValueError("no")), Refers("b", log)]
    client = wire.connect(server, listeners=listeners)
    assert await wire.call(client.refer(Greeter).hello) == "Hello"
    await close(wire, client)
    assert [entry[:2] for entry in log] == [
        ("a", "referred"),
        ("b", "referred"),
        ("a", "destroyed"),
        ("b", "destroyed"),
    ]
    failures = [r for r in caplog.records if r.name == "facade.core.listener"]
    assert len(failures) == 2


async def test_reference_tells_where_it_leads():
    """It prints as key, target and chain."""
    seen = []

    class See(facade.InvokerListener):
        def referred(self, reference):
            seen.append(reference)

    async with facade.AsyncClient("injvm", listeners=[See()]) as client:
        client.refer(Greeter)
    assert repr(seen[0]) == (
        "<Reference to listeners.Greeter:1.0 at 'injvm': consumer_context -> InjvmInvoker('injvm')>"
    )


# What is none


@pytest.mark.parametrize(
    ("listener", "text"),
    [
        (Exports, r"Exports is a class: give an object, Exports\(\)"),
        (Refers("a", []), "derive its class from facade.ExporterListener"),
    ],
)
def test_what_is_no_listener_is_refused(listener, text):
    """It is told when the end is made."""
    with pytest.raises(TypeError, match=text):
        facade.Server(listeners=[listener])


def test_listener_that_would_have_to_be_awaited_is_refused():
    """Nobody awaits a listener."""

    class Slow(facade.InvokerListener):
        async def referred(self, reference):
            pass

    with pytest.raises(TypeError, match=r"Slow\.referred must be a plain `def`"):
        facade.AsyncClient("injvm", listeners=[Slow()])
