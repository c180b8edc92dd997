"""One stream, with the other end of it written by hand."""

import asyncio
import logging
from collections import deque
from types import SimpleNamespace

import grpc.aio
import pytest

import facade
from facade.codec import MethodCodec, decode_plain, encode_plain
from facade.exchange.connection import Connection, Settings
from facade.exchange.envelope import Envelope, Frame
from facade.exchange.memory import pair
from facade.exchange.transport import EXCHANGE
from facade.service import describe
from facade.testing import FakeInvoker

Status = facade.Status

# A field that no envelope has, as a kind of a later version would come: number 99, empty.
UNKNOWN_KIND = b"\x9a\x06\x00"


@facade.service("exchange.Worker")
class Worker:
    async def echo(self, text: str) -> str: ...

    async def work(self) -> str: ...


class Work:
    """What the provider exports. ``work`` goes on until it is released."""

    def __init__(self):
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.cancelled = asyncio.Event()

    def find(self, invocation):
        method = describe(Worker).methods[invocation.name]
        invoker = FakeInvoker(function=getattr(self, method.name))
        return SimpleNamespace(method=method, codec=MethodCodec(method), invoker=invoker)

    async def echo(self, invocation):
        return invocation.arguments[0]

    async def work(self, invocation):
        self.started.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "done"


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


def setup(version=1, **facts):
    envelope = Envelope()
    envelope.setup.version = version
    for name, value in facts.items():
        setattr(envelope.setup, name, value)
    return envelope


def invocation(id, method="echo", *arguments):
    envelope = Envelope(id=id)
    envelope.invocation.service = "exchange.Worker"
    envelope.invocation.method = method
    envelope.invocation.msgpack = encode_plain(arguments or (("hi",) if method == "echo" else ()))
    return envelope


def result(id, value):
    envelope = Envelope(id=id)
    envelope.result.msgpack = encode_plain(value)
    return envelope


def about(kind, id=0):
    """An empty envelope of that kind."""
    envelope = Envelope(id=id)
    getattr(envelope, kind).SetInParent()
    return envelope


def unknown(id, *, optional=False):
    envelope = Envelope(id=id, optional=optional)
    envelope.MergeFromString(UNKNOWN_KIND)
    return envelope


@pytest.fixture
async def provider():
    """Makes provider's connections, each with the consumer's end of it in hand."""
    ends = []

    def make(work=None, **settings):
        ours, theirs = pair()
        connection = Connection(theirs, Settings(**settings), work or Work(), opened=False)
        running = asyncio.create_task(connection.run())
        ends.append((connection, running))
        return connection, Hand(ours)

    yield make
    for connection, running in ends:
        connection.abort(facade.Unavailable("the test is over"))
        await running


@pytest.fixture
async def joined(provider):
    """A provider's connection that is set up: the connection, the work, the consumer's end."""

    async def make(**settings):
        work = Work()
        connection, hand = provider(work, **settings)
        await hand.send(setup())
        assert (await hand.receive()).WhichOneof("kind") == "setup"
        return connection, work, hand

    return make


class ByHand:
    """Reaches a provider that the test plays: each stream that is opened is in ``opened``."""

    target = "by hand"

    def __init__(self):
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
        await hand.send(setup(**facts))
        return hand


@pytest.fixture
async def consumer():
    """Makes clients, each with the transport that the test plays the provider of."""
    clients = []

    def make(**settings):
        transport = ByHand()
        client = facade.AsyncClient("by hand", transport=transport, **{"timeout": 20, **settings})
        clients.append(client)
        return client, transport

    yield make
    for client in clients:
        await client.close(grace=0.01)


def connection_of(client):
    return client._connector.current


async def calls_under_way(client, count):
    """Wait until that many calls are begun."""
    while len(connection_of(client).calls) != count:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0)


# Setup


async def test_setup_is_answered(provider):
    """The provider's own comes back, with what it accepts and who it is."""
    connection, hand = provider(application="shop", max_message_size=5000)
    await hand.send(setup(application="till"))
    answer = (await hand.receive()).setup
    assert (answer.version, answer.max_message_bytes) == (1, 5000)
    assert answer.application == "shop"
    assert connection.peer.application == "till"
    assert connection.usable


async def test_first_envelope_must_be_setup(provider):
    """A call before it ends the stream, and is not started."""
    work = Work()
    connection, hand = provider(work)
    await hand.send(invocation(1, "work"))
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "must be setup, not invocation" in error.message
    await connection.closed.wait()
    assert not work.started.is_set()


async def test_setup_of_another_version(provider):
    """It ends the stream with FAILED_PRECONDITION, and both versions are named."""
    _, hand = provider()
    await hand.send(setup(version=2))
    error = await hand.error()
    assert error.status is Status.FAILED_PRECONDITION
    assert "version 1" in error.message
    assert "not 2" in error.message


async def test_setup_comes_once(joined):
    """A second one ends the stream."""
    _, _, hand = await joined()
    await hand.send(setup())
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "setup comes once" in error.message


async def test_no_setup_in_time(provider):
    """A consumer that says nothing is hung up on."""
    connection, hand = provider(handshake_timeout=0.05)
    error = await hand.error()
    assert error.status is Status.UNAVAILABLE
    assert "sent no setup within 0.05 s" in error.message
    assert connection.closed.is_set()


async def test_provider_of_another_version(consumer):
    """The consumer does not use it, and says why."""
    client, transport = consumer(wait_for_ready=False)
    call = client.refer(Worker).echo.future("hi")
    await transport.accept(version=2)
    with pytest.raises(facade.Unavailable, match="version 1 of the protocol, not 2") as raised:
        await call
    assert raised.value.sent is facade.Sent.NOT_SENT


async def test_calls_of_the_same_frame_as_setup(provider):
    """A consumer need not wait for the answer before it calls."""
    _, hand = provider()
    await hand.send(setup(), invocation(1))
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"


# What is no protocol of ours


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"\x0a\xff", b"GET / HTTP/1.1\r\n\r\n"])
async def test_garbage_ends_the_stream(joined, garbage):
    """Bytes that are no frame end it with INVALID_ARGUMENT."""
    connection, _, hand = await joined()
    await hand.stream.write(garbage)
    error = await hand.error()
    assert error.status is Status.INVALID_ARGUMENT
    assert "Frame" in error.message
    await connection.closed.wait()


async def test_garbage_is_logged_once(joined, caplog):
    """The log has one line of it, which says who sent it."""
    caplog.set_level(logging.WARNING, "facade")
    _, _, hand = await joined()
    await hand.stream.write(b"\xff\xff\xff")
    await hand.error()
    (record,) = caplog.records
    assert "memory" in record.getMessage()
    assert record.exc_info is None


async def test_garbage_cancels_what_the_stream_called(joined):
    """Nobody waits for its calls any more."""
    _, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    await hand.stream.write(b"\xff\xff\xff")
    await work.cancelled.wait()


async def test_garbage_harms_no_other_stream():
    """Over gRPC: it ends with gRPC's status, and another client's calls go on."""
    work = Work()

    class Impl(Worker):
        async def echo(self, text: str) -> str:
            return text

        async def work(self) -> str:
            return await Work.work(work, None)

    server = facade.Server("127.0.0.1:0")
    server.export(Worker, Impl())
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        worker = client.refer(Worker)
        call = worker.work.future()
        await work.started.wait()
        stream = channel.stream_stream(EXCHANGE)()
        await stream.write(b"\xff\xff\xff")
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await worker.echo("hi") == "hi"
        work.released.set()
        assert await call == "done"


async def test_unknown_kind_that_is_optional(joined):
    """It is passed over, for a call and for the stream, and what follows is served."""
    _, _, hand = await joined()
    await hand.send(unknown(0, optional=True), unknown(7, optional=True), invocation(9))
    answer = await hand.receive()
    assert (answer.id, decode_plain(answer.result.msgpack)) == (9, "hi")


async def test_unknown_kind_for_a_call(joined):
    """It is answered with UNIMPLEMENTED under its id, and the stream goes on."""
    _, _, hand = await joined()
    await hand.send(unknown(7))
    answer = await hand.receive()
    assert (answer.id, answer.result.error.status) == (7, Status.UNIMPLEMENTED)
    await hand.send(invocation(9))
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"


async def test_unknown_kind_for_the_stream(joined):
    """It ends the stream with UNIMPLEMENTED."""
    _, _, hand = await joined()
    await hand.send(unknown(0))
    assert (await hand.error()).status is Status.UNIMPLEMENTED


@pytest.mark.parametrize("kind", ["item", "credit", "chunk"])
async def test_kind_that_is_not_served_yet(joined, kind):
    """It is answered with UNIMPLEMENTED, which names it."""
    _, _, hand = await joined()
    await hand.send(about(kind, id=7))
    answer = await hand.receive()
    assert (answer.id, answer.result.error.status) == (7, Status.UNIMPLEMENTED)
    assert kind in answer.result.error.message


async def test_unknown_kind_for_a_call_of_the_consumer(consumer):
    """A provider that answers with what the consumer does not know fails that call alone."""
    client, transport = consumer()
    worker = client.refer(Worker)
    first, second = worker.echo.future("a"), worker.echo.future("b")
    hand = await transport.accept()
    ids = [(await hand.receive()).id for _ in range(2)]
    await hand.send(unknown(ids[0]), result(ids[1], "b"))
    with pytest.raises(facade.Unimplemented):
        await first
    assert await second == "b"


# Ids


@pytest.mark.parametrize("id", [0, 2, 2**40])
async def test_even_id_of_the_consumer(joined, id):
    """Its ids are odd: another ends the stream."""
    _, _, hand = await joined()
    await hand.send(invocation(id))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT


@pytest.mark.parametrize("id", [3, 1])
async def test_id_that_was_used(joined, id):
    """Ids rise: one again, or a lower one, ends the stream."""
    _, _, hand = await joined()
    await hand.send(invocation(3))
    assert (await hand.receive()).id == 3
    await hand.send(invocation(id))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT


async def test_id_of_a_call_under_way(joined):
    """The same id twice in one frame ends the stream, and what the first one started."""
    _, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    await hand.send(invocation(1, "work"))
    assert (await hand.error()).status is Status.INVALID_ARGUMENT
    await work.cancelled.wait()


async def test_ids_of_the_consumer(consumer):
    """They are odd, and rise, over oneway calls too."""
    client, transport = consumer()
    worker = client.refer(Worker)
    calls = [worker.echo.future("a")]
    hand = await transport.accept()
    first = (await hand.receive()).id
    await worker.echo.oneway("b")
    second = (await hand.receive()).id
    calls.append(worker.echo.future("c"))
    third = (await hand.receive()).id
    await hand.send(result(first, "a"), result(third, "c"))
    assert await asyncio.gather(*calls) == ["a", "c"]
    assert (first, second, third) == (1, 3, 5)


async def test_result_for_an_unknown_id(consumer):
    """It is counted and dropped, and calls go on."""
    client, transport = consumer()
    call = client.refer(Worker).echo.future("hi")
    hand = await transport.accept()
    id = (await hand.receive()).id
    await hand.send(result(77, "nobody's"), result(id, "hi"), result(id, "again"))
    assert await call == "hi"
    await hand.send(about("ping"))
    assert (await hand.receive()).WhichOneof("kind") == "pong"  # so it has read them all
    assert connection_of(client).calls.late == 2


# Calls


async def test_answers_of_one_frame(joined):
    """Each call of a frame is answered under its id."""
    _, _, hand = await joined()
    await hand.send(*(invocation(id, "echo", str(id)) for id in (1, 3, 5)))
    answers = [await hand.receive() for _ in range(3)]
    assert {a.id: decode_plain(a.result.msgpack) for a in answers} == {1: "1", 3: "3", 5: "5"}


async def test_more_calls_than_the_reader_hands_out_at_once(joined):
    """A frame of very many calls is served whole."""
    _, _, hand = await joined()
    ids = range(1, 1001, 2)
    await hand.send(*(invocation(id) for id in ids))
    assert {(await hand.receive()).id for _ in ids} == set(ids)


async def test_oneway_call_is_not_answered(joined):
    """The answer that comes is that of the call after it."""
    _, _, hand = await joined()
    oneway = invocation(1)
    oneway.invocation.oneway = True
    await hand.send(oneway)
    await hand.send(invocation(3))
    assert (await hand.receive()).id == 3


async def test_cancel_of_a_running_call(joined):
    """It cancels the method, and no answer comes."""
    _, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    await hand.send(about("cancel", id=1))
    await work.cancelled.wait()
    await hand.send(invocation(3))
    assert (await hand.receive()).id == 3


async def test_cancel_of_no_call(joined):
    """It is nothing: the call may have ended meanwhile."""
    _, _, hand = await joined()
    await hand.send(invocation(1))
    assert (await hand.receive()).id == 1
    await hand.send(about("cancel", id=1), about("cancel", id=99), invocation(101))
    assert (await hand.receive()).id == 101


async def test_arguments_that_are_garbage(joined):
    """They fail that call, and not the stream."""
    _, _, hand = await joined()
    broken = invocation(1)
    broken.invocation.msgpack = b"\xc1"
    await hand.send(broken, invocation(3))
    answers = {answer.id: answer.result for answer in [await hand.receive(), await hand.receive()]}
    assert answers[1].error.status == Status.INVALID_ARGUMENT
    assert decode_plain(answers[3].msgpack) == "hi"


async def test_answer_larger_than_the_consumer_accepts(provider):
    """The limit that the consumer's setup states is kept: that call gets an error instead."""
    _, hand = provider()
    await hand.send(setup(max_message_bytes=1000))
    await hand.receive()
    await hand.send(invocation(1, "echo", "x" * 2000), invocation(3))
    answers = {answer.id: answer.result for answer in [await hand.receive(), await hand.receive()]}
    assert answers[1].error.status == Status.RESOURCE_EXHAUSTED
    assert "1000" in answers[1].error.message
    assert decode_plain(answers[3].msgpack) == "hi"


async def test_cancel_of_a_call_that_was_sent(consumer):
    """The provider is told, under its id."""
    client, transport = consumer()
    call = client.refer(Worker).work.future()
    hand = await transport.accept()
    id = (await hand.receive()).id
    call.cancel()
    envelope = await hand.receive()
    assert (envelope.WhichOneof("kind"), envelope.id) == ("cancel", id)


async def test_cancel_of_a_call_before_it_was_written(consumer):
    """Nothing of it is ever sent."""
    client, transport = consumer()
    worker = client.refer(Worker)
    ready = asyncio.create_task(client.ready(20))
    hand = await transport.accept()
    await ready
    transport.gate.clear()
    first = worker.echo.future("a")
    await transport.held.wait()
    second = worker.echo.future("b")
    await calls_under_way(client, 2)
    second.cancel()
    await calls_under_way(client, 1)
    third = worker.echo.future("c")
    await calls_under_way(client, 2)
    transport.gate.set()
    received = [await hand.receive() for _ in range(2)]
    assert [decode_plain(each.invocation.msgpack) for each in received] == [["a"], ["c"]]
    await hand.send(*(result(each.id, "answer") for each in received))
    assert await asyncio.gather(first, third) == ["answer", "answer"]


# Loss


async def test_connection_lost_with_calls_in_flight(consumer):
    """Each fails, and says whether it may have been executed."""
    client, transport = consumer(wait_for_ready=False)
    worker = client.refer(Worker)
    ready = asyncio.create_task(client.ready(20))
    hand = await transport.accept()
    await ready
    sent = worker.echo.future("sent")
    await hand.receive()
    transport.gate.clear()
    held = worker.echo.future("held")
    await transport.held.wait()
    waiting = worker.work.future()
    await calls_under_way(client, 3)
    hand.stream.close()
    errors = await asyncio.gather(sent, held, waiting, return_exceptions=True)
    assert all(isinstance(error, facade.Unavailable) for error in errors)
    assert [error.sent for error in errors] == [
        facade.Sent.MAYBE_EXECUTED,
        facade.Sent.MAYBE_EXECUTED,  # it had left the box
        facade.Sent.NOT_SENT,
    ]
    assert "exchange.Worker.echo" in str(errors[0])
    assert "exchange.Worker.work" in str(errors[2])
    transport.gate.set()


async def test_call_after_the_connection_was_lost(consumer):
    """It opens another one."""
    client, transport = consumer()
    worker = client.refer(Worker)
    lost = worker.echo.future("a")
    hand = await transport.accept()
    await hand.receive()
    hand.stream.close()
    with pytest.raises(facade.Unavailable):
        await lost
    call = worker.echo.future("b")
    hand = await transport.accept()
    await hand.send(result((await hand.receive()).id, "b"))
    assert await call == "b"


async def test_error_of_the_provider_s_end(consumer):
    """What the provider ended the stream with is what its calls tell."""
    client, transport = consumer()
    call = client.refer(Worker).echo.future("a")
    hand = await transport.accept()
    await hand.receive()
    hand.stream.close(facade.RpcError("too many envelopes", status=Status.INVALID_ARGUMENT))
    with pytest.raises(facade.Unavailable, match="too many envelopes"):
        await call


# Heartbeat


async def test_ping_is_answered(joined):
    """By a pong with its nonce."""
    _, _, hand = await joined()
    ping = about("ping")
    ping.ping.nonce = 12345
    await hand.send(ping)
    assert (await hand.receive()).pong.nonce == 12345


async def test_ping_is_answered_beside_a_running_call(joined):
    """A method that takes its time does not make its provider look dead."""
    _, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    await hand.send(about("ping"))
    assert (await hand.receive()).WhichOneof("kind") == "pong"
    work.released.set()
    assert (await hand.receive()).id == 1


async def test_silent_consumer_is_given_up(provider):
    """One that does not answer a ping is hung up on, and what it called is cancelled."""
    work = Work()
    connection, hand = provider(work, heartbeat=0.05, heartbeat_timeout=0.05)
    await hand.send(setup(), invocation(1, "work"))
    assert (await hand.receive()).WhichOneof("kind") == "setup"
    assert (await hand.receive()).WhichOneof("kind") == "ping"
    error = await hand.error()
    assert error.status is Status.UNAVAILABLE
    assert "silent" in error.message
    await work.cancelled.wait()
    assert connection.error is not None


async def test_silent_provider_is_given_up(consumer):
    """Its calls fail, long before their own timeout, and say why."""
    client, transport = consumer(heartbeat=0.05, heartbeat_timeout=0.05, timeout=1000)
    call = client.refer(Worker).work.future()
    hand = await transport.accept()
    await hand.receive()
    with pytest.raises(facade.Unavailable, match="silent") as raised:
        await call
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED


async def test_consumer_that_answers_pings_is_kept(joined):
    """One ping after the other is sent, and the connection stays."""
    connection, _, hand = await joined(heartbeat=0.02, heartbeat_timeout=1)
    for _ in range(2):
        ping = await hand.receive()
        pong = about("pong")
        pong.pong.nonce = ping.ping.nonce
        await hand.send(pong)
    await hand.send(invocation(1))
    kinds = {(await hand.receive()).WhichOneof("kind")}
    while "result" not in kinds:
        kinds.add((await hand.receive()).WhichOneof("kind"))
    assert not connection.closed.is_set()


# Drain


async def test_drain_lets_running_calls_end(joined):
    """What runs is answered; then the stream ends, and it is no error."""
    connection, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=20))
    drain = await hand.receive()
    assert drain.drain.reason == "the provider stops"
    assert not connection.usable
    await hand.send(about("drain"))
    work.released.set()
    assert (await hand.receive()).id == 1
    assert await hand.receive() is None
    await draining
    assert connection.error is None


async def test_call_that_crosses_a_drain(joined):
    """What was sent before the other end answered the drain is served."""
    connection, _, hand = await joined()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=20))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(invocation(1), about("drain"))
    assert decode_plain((await hand.receive()).result.msgpack) == "hi"
    assert await hand.receive() is None
    await draining


async def test_drain_of_an_idle_stream(joined):
    """It ends as soon as the other end agrees, however long the grace is."""
    connection, _, hand = await joined()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=3600))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(about("drain"))
    assert await hand.receive() is None
    await draining


async def test_call_beyond_the_grace(joined):
    """It is cancelled and told so: once, with the reason."""
    connection, work, hand = await joined()
    await hand.send(invocation(1, "work"))
    await work.started.wait()
    draining = asyncio.create_task(connection.drain("the provider stops", grace=0.05))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    error = (await hand.receive()).result.error
    assert error.status == Status.UNAVAILABLE
    assert "the provider stops" in error.message
    assert "0.05 s" in error.message
    assert work.cancelled.is_set()
    assert (await hand.error()).status is Status.UNAVAILABLE
    await draining


async def test_new_calls_avoid_a_stream_that_drains(consumer):
    """They go over another one, while those on it end; then the consumer ends it in peace."""
    client, transport = consumer()
    worker = client.refer(Worker)
    running = worker.work.future()
    first = await transport.accept()
    id = (await first.receive()).id
    await first.send(about("drain"))
    assert (await first.receive()).WhichOneof("kind") == "drain"
    call = worker.echo.future("b")
    second = await transport.accept()
    await second.send(result((await second.receive()).id, "b"))
    assert await call == "b"
    assert not running.done()
    await first.send(result(id, "done"))
    assert await running == "done"
    assert await first.receive() is None


async def test_both_ends_of_a_drain_end_without_error():
    """Two connections of ours: either may begin, and neither ends with an error."""
    for drains_first in (0, 1):
        ours, theirs = pair()
        consumer = Connection(ours, Settings(), Work(), opened=True)
        provider = Connection(theirs, Settings(), Work(), opened=False)
        ends = [asyncio.create_task(end.run()) for end in (consumer, provider)]
        await asyncio.gather(consumer.ready, provider.ready)
        await (consumer, provider)[drains_first].drain("time to go", grace=20)
        await asyncio.gather(*ends)
        assert (consumer.error, provider.error) == (None, None)


async def test_close_of_the_client_drains(consumer):
    """It lets its call end, then ends the stream."""
    client, transport = consumer()
    call = client.refer(Worker).work.future()
    hand = await transport.accept()
    id = (await hand.receive()).id
    closing = asyncio.create_task(client.close(grace=20))
    assert (await hand.receive()).WhichOneof("kind") == "drain"
    await hand.send(about("drain"), result(id, "done"))
    assert await call == "done"
    assert await hand.receive() is None
    hand.stream.close()
    await closing
