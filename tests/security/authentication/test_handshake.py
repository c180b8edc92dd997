"""A stream shows its credentials in its setup, and nothing is begun before."""

import grpc.aio
import pytest

import facade
from facade.exchange.transport import EXCHANGE
from facade.v1.exchange_pb2 import Frame
from tests.security.authentication.door import TOKEN, raw
from tests.security.conftest import invocation, setup


async def test_calls_behind_a_bad_setup_are_not_begun(serving, door, vault):
    """Whatever comes in the same frame, or after it."""
    async with raw(await serving(authenticate=door)) as channel:
        stream = channel.stream_stream(EXCHANGE, Frame.SerializeToString, Frame.FromString)()
        await stream.write(Frame(envelopes=[setup(), invocation(1, "wait")]))
        assert await stream.code() is grpc.StatusCode.UNAUTHENTICATED
    assert vault.waiting == 0


@pytest.mark.parametrize("first", [b"", b"\xff\xff", Frame(envelopes=[invocation(1)])], ids=repr)
async def test_a_stream_begins_with_its_setup(serving, door, first):
    """Anything else is refused, and nobody is asked about it."""
    data = first if isinstance(first, bytes) else first.SerializeToString()
    async with raw(await serving(authenticate=door)) as channel:
        stream = channel.stream_stream(EXCHANGE)()
        await stream.write(data)
        assert await stream.code() is grpc.StatusCode.UNAUTHENTICATED
    assert door.asked == []


async def test_a_call_in_the_frame_of_the_setup_is_answered(serving, door):
    """Nothing of a frame is lost while the credentials are looked at."""
    first = setup()
    first.setup.credentials["authorization"] = TOKEN.encode()
    async with raw(await serving(authenticate=door)) as channel:
        stream = channel.stream_stream(EXCHANGE, Frame.SerializeToString, Frame.FromString)()
        await stream.write(Frame(envelopes=[first, invocation(1, "who")]))
        seen = []
        while len(seen) < 2:
            seen += (await stream.read()).envelopes
        stream.cancel()
    assert seen[1].result.msgpack == b"\xa3Ann"


async def test_silence_is_refused_in_time(serving, door):
    """Who opens a stream and says nothing is sent away after handshake_timeout."""
    limits = facade.Limits(handshake_timeout=0.05)
    async with raw(await serving(authenticate=door, limits=limits)) as channel:
        stream = channel.stream_stream(EXCHANGE)()
        assert await stream.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_token_of_one_stream_is_of_no_use_on_another(serving, door):
    """A second stream on the same connection has to show it again."""
    good = setup()
    good.setup.credentials["authorization"] = TOKEN.encode()
    async with raw(await serving(authenticate=door)) as channel:
        one = channel.stream_stream(EXCHANGE, Frame.SerializeToString, Frame.FromString)()
        await one.write(Frame(envelopes=[good]))
        await one.read()
        two = channel.stream_stream(EXCHANGE, Frame.SerializeToString, Frame.FromString)()
        await two.write(Frame(envelopes=[setup()]))
        assert await two.code() is grpc.StatusCode.UNAUTHENTICATED
        one.cancel()
