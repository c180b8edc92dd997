"""sent=True: a oneway call that waits until it is written."""

import asyncio
import concurrent.futures

import pytest

import facade
from facade import RpcContext, Sent
from facade.service import describe
from tests.conformance.dubbo.oneway import Log, LogImpl


def hold_writes(client):
    """From now on, what this client writes stays on its way until the event is set."""
    transport = getattr(client, "_client", client)._wire.transport
    opens, released, held = transport.open, asyncio.Event(), asyncio.Event()

    async def open():
        stream = await opens()
        write, first = stream.write, True

        async def write_held(frame):
            nonlocal first
            if not first:  # that is the setup
                held.set()
                await released.wait()
            first = False
            await write(frame)

        stream.write = write_held
        return stream

    transport.open = open
    return held, released


async def calls_under_way(client, count):
    """Wait until that many are begun."""
    while len(client._wire.connector.current.calls) != count:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)


@pytest.mark.behaviour("B6.6")
@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
@pytest.mark.parametrize("how", ["method", "options", "sent", "note.sent"])
async def test_sent_waits_until_it_is_written(wire, how):
    """The call ends when the write does, and does not wait for the server."""
    impl = LogImpl()
    client = wire.connect(await wire.provide((Log, impl)))
    log = client.refer(Log)
    held, released = hold_writes(client)
    await client.ready()
    if "sent" in how:
        RpcContext.client_attachments()[how] = "true"
    calls = {"method": log.keep, "options": log.note.options(sent=True)}
    call = asyncio.ensure_future(calls.get(how, log.note)("line"))
    await held.wait()
    assert not call.done()
    released.set()
    assert await call is None
    assert await impl.calls.get() == ("keep" if how == "method" else "note", "line")


@pytest.mark.behaviour("B6.6")
@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_without_sent_it_does_not_wait(wire):
    """The call ends once it is queued; options can take ``sent`` back."""
    impl = LogImpl()
    client = wire.connect(await wire.provide((Log, impl)))
    log = client.refer(Log)
    _, released = hold_writes(client)
    await client.ready()
    assert await log.note("first") is None
    assert await log.keep.options(sent=False)("second") is None
    released.set()
    assert [await impl.calls.get(), await impl.calls.get()] == [
        ("note", "first"),
        ("keep", "second"),
    ]


@pytest.mark.behaviour("B6.6")
@pytest.mark.parametrize("wire", ["memory", "stream", "blocking"], indirect=True)
async def test_sent_fails_in_time(wire):
    """When the write takes longer than the call may: whether it may have arrived is told."""
    client = wire.connect(await wire.provide((Log, LogImpl())), timeout=0.2)
    log = client.refer(Log)
    held, _ = hold_writes(client)
    await wire.do(client.ready, 20) if wire.blocking else await client.ready(20)
    while not held.is_set():  # else its time was up before its write began
        with pytest.raises(facade.DeadlineExceeded) as on_its_way:
            await wire.call(log.keep, "first")
    assert "while it was written" in str(on_its_way.value)
    assert on_its_way.value.sent is Sent.MAYBE_EXECUTED
    with pytest.raises(facade.DeadlineExceeded, match="Sending request") as waiting:
        await wire.call(log.keep, "second")
    assert waiting.value.sent is Sent.NOT_SENT
    if wire.blocking:
        await asyncio.to_thread(client.close, 0.01)
    else:
        await client.close(0.01)


@pytest.mark.behaviour("B6.5", "B6.8")
@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_sent_fails_with_the_connection(wire):
    """It is Unavailable when the connection ends first, for what was and what was not taken."""
    client = wire.connect(await wire.provide((Log, LogImpl())))
    log = client.refer(Log)
    held, _ = hold_writes(client)
    await client.ready()
    first = asyncio.ensure_future(log.keep("first"))
    await held.wait()
    second = asyncio.ensure_future(log.keep("second"))
    await calls_under_way(client, 2)
    await client.close(0.01)
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [facade.Unavailable] * 2
    assert [outcome.sent for outcome in outcomes] == [Sent.MAYBE_EXECUTED, Sent.NOT_SENT]


@pytest.mark.behaviour("B6.6")
@pytest.mark.parametrize("wire", ["memory", "stream"], indirect=True)
async def test_sent_is_given_up(wire):
    """A caller who leaves before it is taken takes it back."""
    impl = LogImpl()
    client = wire.connect(await wire.provide((Log, impl)))
    log = client.refer(Log)
    held, released = hold_writes(client)
    await client.ready()
    first = asyncio.ensure_future(log.keep("first"))
    await held.wait()
    second = asyncio.ensure_future(log.keep("second"))
    await calls_under_way(client, 2)
    for call in (first, second):
        call.cancel()
    await asyncio.wait((first, second))
    released.set()
    await log.keep("third")
    assert [await impl.calls.get(), await impl.calls.get()] == [
        ("keep", "first"),
        ("keep", "third"),
    ]


@pytest.mark.behaviour("B6.6")
async def test_sent_on_every_wire(wire):
    """It arrives, and the future of it gives None."""
    impl = LogImpl()
    log = await wire.refer(Log, impl)
    assert await wire.call(log.keep, "one") is None
    future = await wire.do(log.keep.future, "two")
    assert isinstance(future, concurrent.futures.Future if wire.blocking else asyncio.Future)
    assert await wire.value(future) is None
    assert sorted([await impl.calls.get(), await impl.calls.get()]) == [
        ("keep", "one"),
        ("keep", "two"),
    ]


@pytest.mark.behaviour("B6.6")
def test_sent_is_for_oneway_methods():
    """A method that is answered can't be declared so."""

    class Wrong:
        @facade.method(sent=True)
        async def ask(self) -> int: ...

    with pytest.raises(TypeError, match="sent=True is for oneway"):
        describe(Wrong)
