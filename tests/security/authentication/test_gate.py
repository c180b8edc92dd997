"""Who has not shown who he is may do nothing, and learns nothing."""

import asyncio

import grpc.aio
import pytest

import facade
from facade import Code, Sent, Status
from facade.exchange.transport import DESCRIBE, INVOKE
from facade.v1.invocation_pb2 import Invocation
from tests.security.authentication.door import TOKEN, client, raw
from tests.security.conftest import Vault

METADATA = (("authorization", TOKEN),)


@pytest.mark.parametrize("how", [{}, {"unary": True}, {"native": True}], ids=str)
async def test_who_shows_his_credentials_is_let_in(serving, door, how):
    """On each way to a method, and the method finds who it is."""
    async with client(await serving(authenticate=door), **how) as consumer:
        assert await consumer.refer(Vault).who() == "Ann"
    peer, shown = door.asked[0]
    assert shown["authorization"] == TOKEN.encode()
    assert peer.remote_address.startswith("ipv4:127.0.0.1")


@pytest.mark.parametrize("how", [{}, {"unary": True}, {"native": True}], ids=str)
@pytest.mark.parametrize(
    "shown", [None, {"authorization": "Bearer x"}, {"other": b"\xff"}], ids=str
)
async def test_who_does_not_is_refused_at_once(serving, door, how, shown):
    """Nobody waits for his time to run out, and nobody is told why."""
    async with client(await serving(authenticate=door), credentials=shown, **how) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await asyncio.wait_for(consumer.refer(Vault).who(), 10)
    assert caught.value.status is Status.UNAUTHENTICATED
    # Of a plain gRPC call nobody can tell who refused it.
    assert "native" in how or caught.value.sent in (Sent.NOT_SENT, Sent.NOT_EXECUTED)
    assert "secret" not in str(caught.value)
    assert "Vault" not in str(caught.value).replace("demo.Vault.who", "")


async def test_code_of_a_refused_stream(serving, door):
    """It is Dubbo's for this."""
    async with client(await serving(authenticate=door), credentials=None) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await consumer.ready()
    assert caught.value.code is Code.AUTHORIZATION


# What an unauthenticated peer can do


@pytest.mark.parametrize(
    ("path", "request_bytes"),
    [
        (INVOKE, Invocation(service="demo.Vault", method="who").SerializeToString()),
        (INVOKE, Invocation(service="demo.Nothing", method="who").SerializeToString()),
        (INVOKE, b"\xff\xff"),
        (DESCRIBE, b""),
        ("/demo.Vault/who", b""),
        ("/demo.Vault/nothing", b""),
        ("/demo.Nothing/who", b""),
        ("/facade.v1.Facade/Nothing", b""),
        ("/grpc.health.v1.Health/Check", b"\x0a\x0ademo.Vault"),
        ("/grpc.health.v1.Health/Watch", b""),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", b""),
        ("/grpc.channelz.v1.Channelz/GetServers", b""),
    ],
)
async def test_each_door_looks_the_same_from_outside(serving, door, path, request_bytes):
    """Whether there is something behind it or not: the same status, and the same words."""
    target = await serving(authenticate=door, channelz=True)
    async with raw(target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(path)(request_bytes, timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details() == (
        "the credentials are missing, or not accepted (AsyncClient: credentials)"
    )


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (DESCRIBE, True),
        ("/demo.Vault/who", True),
        ("/demo.Nothing/who", False),
        ("/grpc.channelz.v1.Channelz/GetServers", True),
    ],
)
async def test_who_is_let_in_finds_what_there_is(serving, door, path, there):
    """The gate leaves answers as they were."""
    target = await serving(authenticate=door, channelz=True)
    async with raw(target) as channel:
        call = channel.unary_unary(path)(b"", timeout=20, metadata=METADATA)
        code = await call.code()
    assert code is (grpc.StatusCode.OK if there else grpc.StatusCode.UNIMPLEMENTED)


async def test_a_probe_needs_no_credentials(serving, door):
    """It asks about the server as a whole, and learns that it serves."""
    async with raw(await serving(authenticate=door)) as channel:
        answer = await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)
    assert answer == b"\x08\x01"
    assert door.asked == []
