"""Callbacks over a stream whose other end is written by hand, as another language would."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import facade
from facade.exchange.envelope import Envelope, Frame, WireInvocation, WireResult
from facade.exchange.memory import MemoryTransport

LONG = 20.0


@facade.service("exchange.Prices")
class Prices:
    async def watch(self, listener: Callable[[str, int], str]) -> None: ...


@facade.service("exchange.Prices")
class Watchable(Prices):
    @facade.method(oneway=True, sent=True)
    async def follow(self, listener: Callable[[str, int], str]) -> None: ...


class Provider:
    """Speaks envelopes: what came, and what is to go."""

    def __init__(self):
        self.received = asyncio.Queue()
        self._stream = None

    async def serve(self, stream):
        self._stream = stream
        setup = Envelope()
        setup.setup.version = 1
        await self.send(setup)
        while (frame := await stream.read()) is not None:
            for envelope in Frame.FromString(frame).envelopes:
                if envelope.WhichOneof("kind") == "drain":
                    await self.send(envelope)
                elif envelope.WhichOneof("kind") != "setup":
                    await self.received.put(envelope)
        stream.close()

    async def send(self, envelope):
        await self._stream.write(Frame(envelopes=[envelope]).SerializeToString())

    async def answer(self, id):
        envelope = Envelope(id=id)
        envelope.result.value.null_value = 0
        await self.send(envelope)

    async def call(self, id, callback, method, *arguments, oneway=False):
        """Call it back, with arguments in JSON."""
        envelope = Envelope(id=id)
        invocation = envelope.invocation
        invocation.service, invocation.method = "facade.Callback", method
        invocation.attachments["callback.service.instid"] = callback
        invocation.oneway = oneway
        invocation.value.list_value.extend(arguments)
        await self.send(envelope)
        return None if oneway else (await self.received.get()).result


async def unary(*_: Any) -> bytes:
    raise AssertionError("nothing is unary here")


@pytest.fixture
async def ends():
    """The provider, and a client that has given it a callback."""
    provider = Provider()
    transport = MemoryTransport(provider.serve, unary)
    async with facade.AsyncClient("memory", transport=transport, timeout=LONG) as client:
        watching = asyncio.create_task(client.refer(Prices).watch(lambda s, n: f"{n} {s}"))
        envelope = await provider.received.get()
        assert envelope.invocation.msgpack == b"\x91\x81\xa8callback\x01"  # [{"callback": 1}]
        await provider.answer(envelope.id)
        await watching
        yield provider, client


async def test_called_in_json(ends):
    """The number in the attachment says which; the answer is in the caller's encoding."""
    provider, _ = ends
    result = await provider.call(2, "1", "call", "ACME", 3)
    assert result.value.string_value == "3 ACME"


async def test_released(ends):
    """After as many releases as the reference came, the number is unknown."""
    provider, client = ends
    table = client._wire.connector.current.answers.callbacks
    await provider.call(2, "1", "_release", 1, oneway=True)
    result = await provider.call(4, "1", "call", "ACME", 3)
    assert result.error.status == facade.Status.UNAVAILABLE
    assert result.error.execution == 1  # not started
    assert len(table) == 0
    await provider.call(6, "1", "_release", 1, oneway=True)  # once more does no harm


@pytest.mark.parametrize("number", ["2", "one", ""])
async def test_unknown_number(ends, number):
    """It is answered, and ends nothing."""
    provider, _ = ends
    result = await provider.call(2, number, "call", "ACME", 3)
    assert result.error.status == facade.Status.UNAVAILABLE
    result = await provider.call(4, "1", "call", "ACME", "three")
    assert result.error.status == facade.Status.INVALID_ARGUMENT
    result = await provider.call(6, "1", "other")
    assert result.error.status == facade.Status.UNIMPLEMENTED


async def test_consumer_exports_nothing_else(ends):
    """An invocation of any other service is answered so."""
    provider, _ = ends
    envelope = Envelope(id=2)
    envelope.invocation.service = "exchange.Prices"
    await provider.send(envelope)
    result = (await provider.received.get()).result
    assert result.error.status == facade.Status.UNIMPLEMENTED
    assert "exports nothing" in result.error.message


async def test_reference_in_a_unary_call():
    """A provider that gets one has no stream to call back on, and says so before it starts."""

    class Never(Prices):
        async def watch(self, listener):
            raise AssertionError("it was called")

    server = facade.Server()
    server.export(Prices, Never())
    wire = WireInvocation(service="exchange.Prices", method="watch")
    wire.value.list_value.append({"callback": 1})
    result = WireResult.FromString(await server.invoke(wire.SerializeToString(), "hand", None))
    assert result.error.status == facade.Status.INVALID_ARGUMENT
    assert result.error.execution == 1
    assert "listener can't be called back: it came alone" in result.error.message
    with pytest.raises(ValueError, match="callbacks=-1"):
        facade.Server(callbacks=-1)


@pytest.mark.parametrize("method", ["watch", "follow"])
async def test_callback_of_a_call_that_was_never_written(consumer, calls_under_way, method):
    """Nobody learnt of it, and it is forgotten, as well where the call is oneway."""
    client, worker, transport = consumer()
    ready = asyncio.create_task(client.ready(20))
    await transport.accept()
    await ready
    table = client._wire.connector.current.answers.callbacks
    transport.gate.clear()
    first = worker.echo.future("a")
    await transport.held.wait()
    call = asyncio.ensure_future(getattr(client.refer(Watchable), method)(lambda s, n: ""))
    await calls_under_way(client, 2)
    assert len(table) == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(table) == 0
    transport.gate.set()
    first.cancel()
