"""Sizes at a limit, and beyond all bounds."""

import asyncio
import contextlib
import time

import grpc.aio
import msgspec
import pytest

import facade
from facade import Sent, Status
from facade.exchange.transport import EXCHANGE, INVOKE
from facade.v1.exchange_pb2 import Frame
from facade.v1.invocation_pb2 import Result
from tests.security.conftest import Vault, VaultImpl, frame, invocation, setup

LIMIT = 10_000


@pytest.fixture
async def address():
    server = facade.Server(max_message_size=LIMIT)
    server.export(Vault, VaultImpl())
    async with server:
        yield f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(("more", "fits"), [(-1, True), (0, True), (1, False)])
async def test_an_envelope_at_the_limit(address, more, fits):
    """The last byte that fits goes; one more fails that call alone, and says which limit."""
    async with facade.AsyncClient(address, countdown=False, timeout=20) as client:
        vault = client.refer(Vault)
        await client.ready()
        empty = invocation(1, "any", "x" * LIMIT)
        text = "x" * (2 * LIMIT + more - len(empty.SerializeToString()))
        assert len(invocation(1, "any", text).SerializeToString()) == LIMIT + more
        if fits:  # the answer is shorter, as it names no method
            assert await vault.any(text) == text
        else:
            with pytest.raises(facade.LimitExceeded, match=str(LIMIT)) as caught:
                await vault.any(text)
            assert caught.value.sent is Sent.NOT_SENT
        assert await vault.echo("after") == "after"


@pytest.mark.parametrize("path", [EXCHANGE, INVOKE])
async def test_a_message_beyond_all_limits(address, path):
    """Who ignores the limit is cut off by gRPC before it is read; others go on."""
    options = [("grpc.max_send_message_length", -1)]
    async with (
        grpc.aio.insecure_channel(address, options=options) as channel,
        facade.AsyncClient(address, timeout=20) as client,
    ):
        assert await client.refer(Vault).echo("a") == "a"
        data = b"\x00" * 20_000_000
        if path == EXCHANGE:
            call = channel.stream_stream(path)()
            await call.write(frame(setup()))
            await call.read()
            with contextlib.suppress(grpc.aio.BaseError, asyncio.InvalidStateError):
                await call.write(data)
        else:
            call = channel.unary_unary(path)(data, timeout=20)
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await client.refer(Vault).echo("b") == "b"


async def test_a_decompression_bomb(address):
    """A message that unpacks to more than the limit is refused, however small it came."""
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(
        address, options=options, compression=grpc.Compression.Gzip
    ) as channel:
        call = channel.unary_unary(INVOKE)(b"\x00" * 50_000_000, timeout=30)
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_million_empty_envelopes(joined):
    """Those that may be passed over are, with turns for others between; then it goes on."""
    hostile = await joined()
    await hostile.stream.write(b"\x0a\x02\x10\x01" * 1_000_000)
    turns = 0
    waiting = asyncio.ensure_future(hostile.until("pong"))
    await hostile.stream.write(b"\x0a\x04\x52\x02\x08\x07")
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1000
    assert (await waiting).pong.nonce == 7


async def test_a_million_envelopes_of_no_kind(joined):
    """The first one that may not be passed over ends the stream."""
    hostile = await joined()
    await hostile.stream.write(b"\x0a\x00" * 1_000_000)
    assert await hostile.status() is Status.UNIMPLEMENTED


async def test_pings_whose_answers_nobody_reads(joined):
    """What waits for a peer that does not read is bounded: he is read no more until he does."""
    limits = facade.Limits(max_waiting_bytes=100_000)
    hostile = await joined(limits=limits)
    pings = b"\x0a\x04\x52\x02\x08\x07" * 1000
    sending = asyncio.ensure_future(flood(hostile, pings, 100))
    outbox = hostile.connection._outbox
    while not sending.done() and outbox._size() <= 100_000:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert outbox._size() < 300_000
    assert not sending.done()
    read = 0
    while read < 100_000:
        read += len(Frame.FromString(await hostile.stream.read()).envelopes)
    await sending


async def flood(hostile, data, times):
    for _ in range(times):
        await hostile.stream.write(data)


# Nesting


def nested_value(depth):
    data = b""
    for _ in range(depth):  # a list of one: Value.list_value = 6, ListValue.values = 1
        data = field(6, field(1, data))
    return data


def field(number, data):
    size, head = len(data), bytearray([number << 3 | 2])
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*head, size]) + data


@pytest.mark.parametrize("depth", [30, 10_000])
@pytest.mark.parametrize("encoding", ["msgpack", "value"])
async def test_nesting(joined, depth, encoding):
    """Deeper than anybody means: INVALID_ARGUMENT, for the call, or for a frame that protobuf does
    not read. No stack overflows."""
    hostile = await joined()
    if encoding == "msgpack":
        call = invocation(1, "any")
        call.invocation.msgpack = b"\x91" * depth + b"\xc0"
        data = frame(call)
    else:
        head = invocation(1, "any")
        head.invocation.ClearField("msgpack")
        inner = head.invocation.SerializeToString() + field(10, nested_value(depth))
        data = field(1, b"\x08\x01" + field(4, inner))
    await hostile.stream.write(data)
    if depth < 100:
        assert not (await hostile.until("result", 1)).result.HasField("error")
    elif encoding == "msgpack":
        error = (await hostile.until("result", 1)).result.error
        assert error.status == Status.INVALID_ARGUMENT
    else:
        assert await hostile.status() is Status.INVALID_ARGUMENT


# Attachments


def with_attachments(id, count, value="v"):
    call = invocation(id, "echo", "x")
    for number in range(count):
        call.invocation.attachments[f"a{number}"] = value
    return call


@pytest.mark.parametrize(("count", "fits"), [(9, True), (10, True), (11, False), (100_000, False)])
async def test_number_of_attachments(joined, count, fits):
    """One too many fails that call, and names the limit."""
    hostile = await joined(limits=facade.Limits(max_attachments=10))
    await hostile.send(with_attachments(1, count))
    result = (await hostile.until("result", 1)).result
    if fits:
        assert result.msgpack
    else:
        assert result.error.status == Status.RESOURCE_EXHAUSTED
        assert "max_attachments is 10" in result.error.message
        assert "demo.Vault.echo" in result.error.message


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
@pytest.mark.parametrize("letter", ["v", "\u00e9", b"\xff"])
async def test_bytes_of_attachments(joined, size, fits, letter):
    """Names and values count, in bytes of UTF-8."""
    hostile = await joined(limits=facade.Limits(max_attachment_bytes=100))
    call = invocation(1, "echo", "x")
    if isinstance(letter, bytes):
        call.invocation.binary_attachments["n"] = letter * (size - 1)
    else:
        length = len(letter.encode())
        name = "n" * (1 + (size - 1) % length)
        call.invocation.attachments[name] = letter * ((size - len(name)) // length)
    await hostile.send(call)
    result = (await hostile.until("result", 1)).result
    assert bool(result.msgpack) == fits
    assert fits or "max_attachment_bytes is 100" in result.error.message


@pytest.mark.parametrize("how", [{}, {"unary": True}], ids=str)
async def test_attachments_of_an_answer(how):
    """A consumer takes no more either."""

    class Generous(VaultImpl):
        async def echo(self, text):
            facade.RpcContext.response_attachments().update({str(n): "x" for n in range(20)})
            return text

    server = facade.Server()
    server.export(Vault, Generous())
    limits = facade.Limits(max_attachments=10)
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", limits=limits, timeout=20, **how) as client,
    ):
        with pytest.raises(facade.LimitExceeded, match="max_attachments is 10") as caught:
            await client.refer(Vault).echo("x")
        assert caught.value.sent is Sent.MAYBE_EXECUTED


async def test_attachments_of_a_unary_call():
    """Invoke has the same limits as a stream."""
    server = facade.Server(limits=facade.Limits(max_attachments=10))
    server.export(Vault, VaultImpl())
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = with_attachments(1, 11).invocation.SerializeToString()
        answer = Result.FromString(await channel.unary_unary(INVOKE)(request, timeout=20))
    assert "max_attachments is 10" in answer.error.message


def test_long_arguments_are_cheap_to_refuse():
    """A length that lies about what follows allocates nothing."""
    started = time.process_time()
    for lie in (b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"):
        with pytest.raises(msgspec.DecodeError):
            msgspec.msgpack.decode(lie)
    assert time.process_time() - started < 1
