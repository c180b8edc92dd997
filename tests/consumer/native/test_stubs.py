"""Generated stubs on AsyncClient: all four kinds of calls, as grpc.aio's, through filters."""

import asyncio
import gc

import grpc
import grpc.aio
import pytest

import facade
from facade import AsyncClient, Filter, RpcContext
from tests.greeter.greeter_pb2 import Hello
from tests.greeter.greeter_pb2_grpc import GreeterStub


@pytest.fixture
async def client(target):
    async with AsyncClient(target) as client:
        yield client


@pytest.fixture
def stub(client):
    return GreeterStub(client.channel())


def hellos(*names):
    return [Hello(name=name) for name in names]


async def test_one_request_and_one_answer(stub):
    """A unary call is awaited for its answer, and tells its status and metadata."""
    call = stub.SayHello(Hello(name="Ann"))
    assert isinstance(call, grpc.aio.UnaryUnaryCall)
    assert (await call).text == "Hello Ann"
    assert (await call).text == "Hello Ann"  # as often as one likes
    assert await call.code() is grpc.StatusCode.OK
    assert await call.details() == ""
    assert dict(tuple(await call.trailing_metadata()))["place"] == "here"
    assert call.done()
    assert not call.cancel()


async def test_many_answers(stub):
    """A stream of answers is iterated over, or read up to EOF."""
    call = stub.SayHellos(Hello(name="Ann", count=3))
    assert [answer.text async for answer in call] == ["Ann 0", "Ann 1", "Ann 2"]
    assert dict(tuple(await call.initial_metadata()))["first"] == "1"
    assert dict(tuple(await call.trailing_metadata()))["last"] == "2"
    assert await call.code() is grpc.StatusCode.OK
    call = stub.SayHellos(Hello(name="Bob", count=1))
    assert (await call.read()).text == "Bob 0"
    assert await call.read() is grpc.aio.EOF
    assert await call.read() is grpc.aio.EOF


async def test_many_requests(stub):
    """Requests come from an iterator of either kind, or are written."""

    async def several():
        for request in hellos("Ann", "Bob"):
            yield request

    assert (await stub.SayHelloToAll(several())).text == "Ann, Bob"
    assert (await stub.SayHelloToAll(hellos("Ann", "Bob"))).text == "Ann, Bob"
    call = stub.SayHelloToAll()
    await call.wait_for_connection()
    for request in hellos("Ann", "Bob"):
        await call.write(request)
    await call.done_writing()
    assert (await call).text == "Ann, Bob"
    with pytest.raises(asyncio.InvalidStateError):
        await call.write(Hello(name="Cy"))


async def test_both_ways(stub):
    """What is written is answered at once."""
    call = stub.Chat()
    for name in ("Ann", "Bob"):
        await call.write(Hello(name=name))
        assert (await call.read()).text == name
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert [a.text async for a in stub.Chat(hellos("Ann", "Bob"))] == ["Ann", "Bob"]
    call = stub.Chat(hellos("Ann"))
    with pytest.raises(grpc.aio.UsageError):
        await call.write(Hello())
    assert [a.text async for a in call] == ["Ann"]


async def test_code_that_is_older(client):
    """Stubs that pass their path and codecs alone, or by position, work too."""
    channel = client.channel()
    assert await channel.unary_unary("/tests.greeter.Greeter/SayHello")(b"")
    call = channel.unary_unary("/tests.greeter.Greeter/SayHello", Hello.SerializeToString, None)
    assert b"Ann" in await call(Hello(name="Ann"))


class Seen(Filter):
    """Keeps what it sees, and makes streams of it upper case."""

    def __init__(self):
        self.invocations = []
        self.errors = []

    async def invoke(self, invoker, invocation):
        self.invocations.append(invocation)
        method = invocation.method
        if method.streamed:
            invocation.arguments = (self._shout(invocation.arguments[0], "name"),)
        result = await invoker.invoke(invocation)
        if method.yields:
            result.value = self._shout(result.value, "text")
        return result

    async def _shout(self, items, field):
        try:
            async for item in items:
                yield type(item)(**{field: getattr(item, field) + "!"})
        except BaseException as error:
            self.errors.append(type(error))
            raise


async def test_filters_see_each_call(client):
    """A filter sees service, method, and the request; streams it may wrap, on either side."""
    seen = Seen()
    channel = client.channel(filters=[seen])
    assert repr(channel.invoker).startswith("consumer_context -> seen -> StubInvoker(")
    stub = GreeterStub(channel)
    await stub.SayHello(Hello(name="Ann"))
    (invocation,) = seen.invocations
    assert (invocation.service, invocation.name) == ("tests.greeter.Greeter", "SayHello")
    assert invocation.arguments == (Hello(name="Ann"),)
    assert not invocation.method.streaming
    assert (await stub.SayHelloToAll(hellos("Ann", "Bob"))).text == "Ann!, Bob!"
    assert [a.text async for a in stub.Chat(hellos("Ann"))] == ["Ann!!"]
    assert invocation.service_key == "tests.greeter.Greeter"


async def test_settings_of_a_channel(client):
    """Settings switch filters on, as for refer; unknown ones are refused."""
    assert "active_limit" in repr(client.channel(actives=3).invoker)
    with pytest.raises(ValueError, match="no filter has a setting 'active'"):
        client.channel(active=3)


async def test_a_filter_that_answers(client, servicer):
    """An answer of a filter needs no provider, and has a status and metadata all the same."""

    class Answers(Filter):
        async def invoke(self, invoker, invocation):
            return facade.Result("cached", attachments={"from": "cache"})

    call = GreeterStub(client.channel(filters=[Answers()])).SayHello(Hello())
    assert await call == "cached"
    assert await call.code() is grpc.StatusCode.OK
    assert dict(tuple(await call.trailing_metadata())) == {"from": "cache"}
    assert len(await call.initial_metadata()) == 0
    assert servicer.metadata == {}


async def test_metadata_are_attachments(stub, servicer):
    """What is given and what is in the context travels; what came back is in the context."""
    RpcContext.client_attachments()["user"] = "Zoë"
    RpcContext.client_attachments()["key"] = b"\0\xff"
    await stub.SayHello(Hello(), metadata=(("trace", "a"), ("trace", "b"), ("id-bin", b"\1")))
    assert servicer.metadata["trace"] == ["a", "b"]
    assert servicer.metadata["id-bin"] == [b"\1"]
    assert servicer.metadata["user-bin"] == ["Zoë".encode()]
    assert servicer.metadata["key-bin"] == [b"\0\xff"]
    assert RpcContext.response_attachments() == {"place": "here", "mark-bin": b"\0\1"}
    [answer async for answer in stub.SayHellos(Hello(count=1))]
    assert RpcContext.response_attachments() == {"first": "1", "last": "2"}
    await stub.SayHello(Hello())
    assert "trace" not in servicer.metadata


async def test_timeouts(client, stub, servicer):
    """A unary call has the client's time; streams have none unless it is said."""
    await stub.SayHello(Hello())
    assert 0 < servicer.remaining < 2  # gRPC rounds up
    await stub.SayHello(Hello(), timeout=20)
    assert 10 < servicer.remaining < 21
    [_ async for _ in stub.SayHellos(Hello())]
    assert servicer.remaining is None or servicer.remaining > 1e6
    [_ async for _ in stub.SayHellos(Hello(), timeout=20)]
    assert servicer.remaining < 21
    RpcContext.client_attachments()["timeout"] = "30000"
    [_ async for _ in stub.SayHellos(Hello())]
    assert 20 < servicer.remaining < 31


async def test_outside_of_the_countdown(target, servicer):
    """Where the client takes no part in the countdown, only it knows how long it waits."""
    async with AsyncClient(target, countdown=False, timeout=0.05) as client:
        stub = GreeterStub(client.channel())
        with pytest.raises(facade.DeadlineExceeded):
            await stub.SayHello(Hello(name="slow"))
        assert servicer.remaining is None or servicer.remaining > 1e6
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await drain(stub.SayHellos(Hello(name="endless"), timeout=0.05))
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_done_callbacks(stub):
    """They are told of the call, once, also after its end."""
    call, told = stub.SayHello(Hello()), asyncio.Queue()
    call.add_done_callback(told.put_nowait)
    assert await told.get() is call
    call.add_done_callback(told.put_nowait)
    assert await told.get() is call
    call = stub.SayHellos(Hello(count=2))
    call.add_done_callback(told.put_nowait)
    assert len([_ async for _ in call]) == 2
    assert await told.get() is call
    assert call.time_remaining() is None


# Ends before the end


async def test_a_call_is_cancelled(stub, servicer):
    """Its cancel() reaches the provider, and whoever waits."""
    call = stub.SayHello(Hello(name="slow"))
    await servicer.started.wait()
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await servicer.ended.wait()
    assert call.cancelled()
    assert await call.code() is grpc.StatusCode.CANCELLED


@pytest.mark.parametrize(
    "start",
    [
        lambda stub: stub.SayHello(Hello(name="slow")),
        lambda stub: drain(stub.SayHellos(Hello(name="endless"))),
        lambda stub: drain(stub.Chat(endless())),
    ],
)
async def test_the_caller_is_cancelled(stub, servicer, start):
    """A cancelled task takes its call with it, at the provider too."""

    async def wait():
        await start(stub)

    task = asyncio.create_task(wait())
    await servicer.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await servicer.ended.wait()


async def drain(call):
    async for _ in call:
        pass


async def endless():
    yield Hello(name="Ann")
    await asyncio.Event().wait()


async def test_an_early_break(client, servicer):
    """Leaving a loop early, and letting go of the call, cancels it; filters' wraps learn it."""
    seen = Seen()
    stub = GreeterStub(client.channel(filters=[seen]))
    async for _ in stub.SayHellos(Hello(name="endless", count=1)):
        break
    await servicer.ended.wait()
    assert seen.errors == [GeneratorExit]


async def test_requests_are_let_go_of(stub, servicer):
    """When the call ends first, the iterator of its requests is ended too."""
    closed = asyncio.Event()

    async def requests():
        try:
            yield Hello(name="refused")
            await asyncio.Event().wait()
        finally:
            closed.set()

    with pytest.raises(facade.RpcError, match="not you"):
        await stub.SayHelloToAll(requests())
    await closed.wait()


@pytest.mark.parametrize("close", [True, False])
async def test_requests_are_let_go_of_at_an_end_of_ours(target, close):
    """Where the client closes, or its own clock says that the time is up."""
    taken, closed = asyncio.Event(), asyncio.Event()

    async def requests():
        try:
            yield Hello(name="Ann")
            taken.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    client = AsyncClient(target, countdown=False)
    stub = GreeterStub(client.channel())
    await stub.SayHello(Hello(name="Ann"))  # it is connected
    call = stub.SayHelloToAll(requests(), timeout=20 if close else 1)
    waiting = asyncio.ensure_future(call)
    await taken.wait()
    if close:
        await client.close(grace=0)
    with pytest.raises(facade.Unavailable if close else facade.DeadlineExceeded):
        await waiting
    await closed.wait()
    await client.close(grace=0)


async def test_requests_that_fail(stub, servicer):
    """What the iterator of requests raises is the cause of the call's error."""

    async def requests():
        yield Hello(name="Ann")
        raise KeyError("lost")

    for call in (stub.SayHelloToAll(requests()), drain(stub.Chat(requests()))):
        with pytest.raises(grpc.RpcError, match="raised KeyError") as caught:
            await call
        assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(facade.InvalidArgument, match="a str can't be sent"):
        await stub.SayHelloToAll(["Ann"])


async def test_a_write_is_told_of_the_end(stub):
    """Who writes to a call that has failed gets its error."""
    call = stub.SayHelloToAll()
    await call.write(Hello(name="refused"))

    async def write_on():
        while True:
            await call.write(Hello(name="Ann"))

    with pytest.raises(facade.RpcError, match="not you"):
        await write_on()
    assert await call.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_client_closes(target, servicer):
    """Calls under way end with an error, and new ones are refused."""
    client = AsyncClient(target)
    stub = GreeterStub(client.channel())
    call = stub.SayHello(Hello(name="slow"), timeout=60)
    answers = stub.SayHellos(Hello(name="endless"))
    await servicer.started.wait()
    await answers.initial_metadata()
    await client.close(0)
    with pytest.raises(facade.Unavailable):
        await call
    with pytest.raises(facade.Unavailable):
        await answers.read()
    with pytest.raises(facade.Unavailable, match="closed") as caught:
        await stub.SayHello(Hello())
    assert caught.value.sent is facade.Sent.NOT_SENT


async def test_nothing_is_left(client, servicer):
    """After calls that ended in every way, no task of ours is left."""
    stub = GreeterStub(client.channel())
    await stub.SayHello(Hello())
    before = len(asyncio.all_tasks())
    await stub.SayHelloToAll(hellos("a"))
    await drain(stub.Chat(hellos("a")))
    async for _ in stub.SayHellos(Hello(name="endless", count=1)):
        break
    with pytest.raises(facade.RpcError):
        await drain(stub.SayHellos(Hello(name="broken")))
    await servicer.ended.wait()
    while len(asyncio.all_tasks()) > before:
        gc.collect()
        await asyncio.sleep(0)


async def test_the_channel_is_the_clients(client, stub):
    """To close the channel changes nothing; it tells of the connection."""
    async with client.channel() as channel:
        await channel.channel_ready()
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        assert isinstance(channel, grpc.aio.Channel)
    await stub.SayHello(Hello())


async def test_where_there_is_no_grpc():
    """A client that reaches servers of its process refuses, and says what to do."""
    async with AsyncClient("injvm") as client:
        with pytest.raises(ValueError, match="not reached by gRPC"):
            client.channel()
