"""Generated stubs on AsyncClient: all four kinds of calls, as grpc.aio's."""

import asyncio

import grpc
import grpc.aio
import pytest

from facade import AsyncClient
from tests.consumer.native.stubs.greetings import hellos
from tests.greeter.greeter_pb2 import Hello


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
