"""Requests, answers, and what becomes of them when the connection is lost."""

import asyncio
import logging

import pytest

import facade
from facade.codec import encode_plain
from facade.core import RpcContext
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import MemoryTransport, pair

Sent, Status = facade.Sent, facade.Status


@facade.service("exchange.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...

    async def fail(self, kind: str) -> str: ...


class WorkerImpl(Worker):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def echo(self, text: str) -> str:
        return text

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"

    async def fail(self, kind: str) -> str:
        RpcContext.response_attachments()["seen"] = "yes"
        if kind == "own":
            raise KeyError("no such thing")
        raise facade.RpcError("not for you", code=facade.Code.FORBIDDEN)


class ByHand:
    """The provider's end of each stream that a client opens, for a test to play."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue = asyncio.Queue()
        self.envelopes: list = []

    async def serve(self, stream) -> None:
        self.streams.put_nowait(stream)
        await stream._broken.wait()

    async def accept(self):
        """The next stream, set up."""
        stream = await self.streams.get()
        assert (await self.receive(stream)).HasField("setup")
        answer = Envelope()
        answer.setup.version = 1
        await self.send(stream, answer)
        return stream

    async def send(self, stream, *envelopes) -> None:
        await stream.write(Frame(envelopes=envelopes).SerializeToString())

    async def receive(self, stream):
        while not self.envelopes:
            self.envelopes += Frame.FromString(await stream.read()).envelopes
        return self.envelopes.pop(0)


@pytest.fixture
async def hand():
    """A provider by hand, and a client of it."""
    provider = ByHand()
    transport = MemoryTransport(provider.serve, None)
    client = facade.AsyncClient("by hand", timeout=20.0, transport=transport)
    yield provider, client
    await client.close(grace=0.01)


def value(id, content):
    envelope = Envelope(id=id)
    envelope.result.msgpack = encode_plain(content)
    return envelope


# Ids and answers


@pytest.mark.behaviour("B7.1", "B7.12")
async def test_ids_of_requests(hand):
    """Each has one of its own, and answers in any order find their calls.

    Ours: odd numbers from 1 for each connection, where Dubbo counts for the process.
    """
    provider, client = hand
    calls = [client.refer(Worker).echo.future(text) for text in "abc"]
    stream = await provider.accept()
    sent = [await provider.receive(stream) for _ in calls]
    assert [envelope.id for envelope in sent] == [1, 3, 5]
    assert not any(envelope.invocation.oneway for envelope in sent)
    await provider.send(stream, *(value(id, str(id)) for id in (5, 1, 3)))
    assert await asyncio.gather(*calls) == ["1", "3", "5"]


@pytest.mark.behaviour("B7.2", "B7.3", "B7.15")
async def test_code_of_a_failure_comes_back(wire):
    """Code and status are those of the provider.

    Ours: Dubbo's consumer makes NETWORK of all, and tries again.
    """

    class Refuse(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise facade.RpcError(
                "not you", code=facade.Code.FORBIDDEN, status=Status.PERMISSION_DENIED
            )

    server = await wire.provide((Worker, WorkerImpl()), filters=["default", Refuse()])
    with pytest.raises(facade.RpcError, match="not you") as raised:
        await wire.call(wire.connect(server).refer(Worker).echo, "hi")
    assert raised.value.code is facade.Code.FORBIDDEN
    assert raised.value.status is Status.PERMISSION_DENIED
    assert raised.value.remote


@pytest.mark.behaviour("B7.4")
async def test_exception_of_the_method_is_an_answer(wire):
    """It travels as a result, beside its attachments, and is raised as itself."""
    worker = await wire.refer(Worker, WorkerImpl())
    with pytest.raises(KeyError, match="no such thing"):
        await wire.call(worker.fail, "own")
    assert await wire.do(lambda: dict(RpcContext.response_attachments())) == {"seen": "yes"}


@pytest.mark.behaviour("B7.6", "B7.19")
async def test_call_knows_whether_it_was_sent(hand):
    """It is stamped when it goes to the wire, and kept until it is answered."""
    provider, client = hand
    call = client.refer(Worker).echo.future("hi")
    stream = await provider.accept()
    await provider.receive(stream)
    (pending,) = client._wire.connector.current.calls.pending()
    assert pending.started <= pending.sent_at
    assert pending.sent is Sent.MAYBE_EXECUTED
    await provider.send(stream, value(1, "hi"))
    assert await call == "hi"
    assert client._wire.connector.current.calls.pending() == []


@pytest.mark.behaviour("B7.7")
async def test_provider_learns_that_a_call_was_given_up(hand):
    """It ends as cancelled, nothing is kept, and the provider is told. (Dubbo tells nobody.)"""
    provider, client = hand
    call = client.refer(Worker).echo.future("hi")
    stream = await provider.accept()
    await provider.receive(stream)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    envelope = await provider.receive(stream)
    assert (envelope.id, envelope.WhichOneof("kind")) == (1, "cancel")
    assert not client._wire.connector.current.calls


@pytest.mark.behaviour("B7.10", "B7.11")
async def test_callbacks_of_a_future(wire):
    """Any number may be added, before and after the end; none replaces another, or the chain's."""
    impl = WorkerImpl()
    worker = await wire.refer(Worker, impl)
    called = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def note(future):
        loop.call_soon_threadsafe(called.put_nowait, future.result())

    future = await wire.do(lambda: worker.work.future())
    for _ in range(2):
        future.add_done_callback(note)
    impl.released.set()
    assert await wire.value(future) == "done"
    future.add_done_callback(note)
    assert [await called.get() for _ in range(3)] == ["done"] * 3


# What is lost


@pytest.mark.behaviour("B7.8", "B7.18")
async def test_calls_fail_when_the_connection_is_lost(hand):
    """All that are pending do, at once, whatever time they have; and may have been executed."""
    provider, client = hand
    calls = [client.refer(Worker).echo.options(timeout=3600).future(text) for text in "abc"]
    stream = await provider.accept()
    for _ in calls:
        await provider.receive(stream)
    stream.close(facade.Unavailable("cut by the test"))
    for call in calls:
        with pytest.raises(facade.Unavailable, match=r"exchange\.Worker\.echo.*cut by") as raised:
            await call
        assert raised.value.sent is Sent.MAYBE_EXECUTED


@pytest.mark.behaviour("B6.8")
async def test_write_that_fails_ends_the_calls(hand):
    """They need not wait for their time: what could not be written fails them."""
    provider, client = hand
    worker = client.refer(Worker)
    first = worker.echo.future("hi")
    stream = await provider.accept()
    await provider.receive(stream)

    async def broken(frame):
        raise facade.Unavailable("the wire is cut")

    # The writer has the stream's own method at hand; what that puts into is what breaks.
    stream.peer._outgoing.put = broken
    second = worker.echo.future("hi")
    for call in (first, second):
        with pytest.raises(facade.Unavailable, match="the wire is cut"):
            await call


@pytest.mark.behaviour("B7.9")
async def test_nothing_is_sent_on_a_closed_connection(hand):
    """It fails at once and was not sent, oneway calls too; nothing is kept of it."""
    provider, client = hand
    call = client.refer(Worker).echo.future("hi")
    stream = await provider.accept()
    await provider.receive(stream)
    connection = client._wire.connector.current
    stream.close(facade.Unavailable("cut by the test"))
    with pytest.raises(facade.Unavailable):
        await call
    assert not connection.usable
    invocation = facade.Invocation("exchange.Worker", "echo")
    waiter = asyncio.get_running_loop().create_future()
    for send in (
        lambda: connection.calls.begin(invocation, ("msgpack", b"\x90"), waiter),
        lambda: connection.calls.tell(invocation, ("msgpack", b"\x90")),
    ):
        with pytest.raises(facade.Unavailable, match=r"nothing can be sent.*cut by") as raised:
            send()
        assert raised.value.sent is Sent.NOT_SENT
    assert not connection.calls


@pytest.mark.behaviour("B7.14")
async def test_answer_for_a_consumer_that_is_gone(caplog):
    """It harms nobody: the provider goes on."""
    caplog.set_level(logging.ERROR)
    impl = WorkerImpl()
    server = facade.Server()
    server.export(Worker, impl)
    ours, theirs = pair()
    serving = asyncio.create_task(server.exchange(theirs))
    envelope, call = Envelope(), Envelope(id=1)
    envelope.setup.version = 1
    call.invocation.service, call.invocation.method = "exchange.Worker", "work"
    await ours.write(Frame(envelopes=[envelope, call]).SerializeToString())
    await impl.started.wait()
    ours.close()
    impl.released.set()
    await serving
    transport = MemoryTransport(server.exchange, server.invoke)
    async with facade.AsyncClient("memory", timeout=20.0, transport=transport) as client:
        assert await client.refer(Worker).echo("hi") == "hi"
    await server.stop()
    assert not caplog.records


# What is broken


@pytest.mark.behaviour("B7.13", "B7.17")
async def test_request_that_cannot_be_decoded_is_answered(wire):
    """Its caller is told what is wrong with it, and the next call works."""
    server = await wire.provide((Worker, WorkerImpl()))
    worker = wire.connect(server).generic("exchange.Worker")
    with pytest.raises(facade.InvalidArgument, match="echo") as raised:
        await wire.call(worker.invoke, "echo", {"not": "text"})
    assert raised.value.remote
    assert raised.value.status is Status.INVALID_ARGUMENT
    assert await wire.call(worker.invoke, "echo", "hi") == "hi"


@pytest.mark.behaviour("B7.14")
async def test_filter_that_fails_is_answered(wire):
    """As an error without traceback: that is for the provider's log."""

    class Broken(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise ZeroDivisionError("a secret")

    server = await wire.provide((Worker, WorkerImpl()), filters=["default", Broken()])
    with pytest.raises(facade.RpcError, match="see its log") as raised:
        await wire.call(wire.connect(server).refer(Worker).echo, "hi")
    assert raised.value.status is Status.INTERNAL
    assert "secret" not in str(raised.value)


@pytest.mark.behaviour("B7.12")
async def test_answer_that_nobody_waits_for(hand):
    """It is dropped and counted; the connection lives."""
    provider, client = hand
    call = client.refer(Worker).echo.future("hi")
    stream = await provider.accept()
    await provider.receive(stream)
    await provider.send(stream, value(77, "whose?"), value(1, "hi"))
    assert await call == "hi"
    assert client._wire.connector.current.calls.late == 1


# What is sent


@pytest.mark.parametrize("given", ["context", "options"])
async def test_names_of_attachments_are_text(wire, given):
    """One of bytes is refused before anything is sent: protobuf would make text of it."""
    worker = await wire.refer(Worker, WorkerImpl())
    echo = worker.echo
    if given == "context":
        await wire.do(lambda: RpcContext.client_attachments().update({b"k": "v"}))
    else:
        echo = echo.options(attachments={b"k": "v"})
    with pytest.raises(facade.InvalidArgument, match=r"attachment b'k'.*names are str") as raised:
        await wire.call(echo, "hi")
    assert raised.value.sent is Sent.NOT_SENT
