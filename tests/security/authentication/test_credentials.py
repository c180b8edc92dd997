"""What a client shows: on each of its ways, and to nobody else."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.struct_pb2 import Value

import facade
from facade import Sent
from facade.exchange.credentials import Credentials
from facade.v1.exchange_pb2 import Envelope
from tests.security.authentication.door import SHOWN, client
from tests.security.conftest import Vault


async def test_stubs_show_credentials_too(serving, door):
    """Channels for generated code carry them."""
    async with client(await serving(authenticate=door)) as consumer:
        call = consumer.channel().unary_unary(
            "/demo.Vault/who", Value.SerializeToString, Value.FromString
        )
        assert (await call(Value())).string_value == "Ann"


async def test_the_blocking_client_shows_them(serving, door):
    """Client takes what AsyncClient takes."""
    target = await serving(authenticate=door)

    def use():
        with facade.Client(target, timeout=20, credentials=SHOWN) as consumer:
            return consumer.refer(Vault).who()

    assert await asyncio.to_thread(use) == "Ann"


async def test_credentials_are_asked_for_at_each_connect(serving, door):
    """An async function gives those of the moment."""
    asked = []

    async def give():
        asked.append(len(asked))
        return SHOWN

    target = await serving(authenticate=door)
    async with client(target, credentials=give, connections=1, describe=False) as consumer:
        vault = consumer.refer(Vault)
        assert [await vault.who() for _ in range(3)] == ["Ann"] * 3
    assert asked == [0]


async def test_credentials_that_cannot_be_had(serving, door):
    """The call says so, once its time is up."""

    async def fail():
        raise OSError("no key")

    async with client(
        await serving(authenticate=door), credentials=fail, wait_for_ready=False
    ) as consumer:
        with pytest.raises(facade.Unavailable, match="credentials could not be had: OSError") as c:
            await consumer.refer(Vault).who()
    assert c.value.sent is Sent.NOT_SENT


async def hang():
    await asyncio.Event().wait()


ALONE = [{"unary": True}, {"unary": True, "countdown": False}, {"native": True}]


@pytest.mark.parametrize("way", ALONE, ids=str)
async def test_function_that_does_not_end(serving, way):
    """A call without a stream keeps to its timeout, and so does the look whether it is ready."""
    target = await serving()
    async with client(target, credentials=hang, timeout=0.1, **way) as consumer:
        async with asyncio.timeout(20):
            with pytest.raises(facade.DeadlineExceeded, match="could not be had within") as caught:
                await consumer.refer(Vault).who()
            assert caught.value.sent is Sent.NOT_SENT
            with pytest.raises(facade.Unavailable, match="ready"):
                await consumer.ready(0.1)


async def test_function_that_does_not_end_for_a_stub(serving):
    """Its call keeps to its timeout as well."""
    async with client(await serving(), credentials=hang) as consumer, asyncio.timeout(20):
        call = consumer.channel().unary_unary("/demo.Vault/who")(b"", timeout=0.1)
        assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("way", ALONE, ids=str)
async def test_time_for_credentials_is_the_call_s(serving, way):
    """Where they take all of it, nothing is sent."""

    async def slow():
        time.sleep(0.1)  # noqa: ASYNC251 - so that it can't be ended
        return SHOWN

    async with client(
        await serving(), credentials=slow, timeout=0.05, describe=False, **way
    ) as consumer:
        with pytest.raises(facade.DeadlineExceeded) as caught:
            await consumer.refer(Vault).who()
    assert caught.value.sent is Sent.NOT_SENT


async def test_function_that_does_not_end_once(serving, door):
    """A stream asks it again: one lost request of its own does not cut the client off."""
    asked = []

    async def give():
        asked.append(None)
        return await hang() if len(asked) == 1 else SHOWN

    limits = facade.Limits(handshake_timeout=0.2)
    async with client(
        await serving(authenticate=door), credentials=give, limits=limits
    ) as consumer:
        assert await consumer.refer(Vault).who() == "Ann"


@pytest.mark.parametrize("way", [{"wait_for_ready": False}, *ALONE], ids=str)
async def test_function_that_waits_for_what_is_cancelled(serving, way):
    """It has failed, as with any other error: it is neither asked again at once, nor the caller
    told that he was cancelled."""

    async def give():
        lost = asyncio.create_task(hang())
        lost.cancel()
        await lost

    async with client(await serving(), credentials=give, **way) as consumer:
        with pytest.raises(facade.Unavailable, match="could not be had: CancelledError"):
            await consumer.refer(Vault).who()


@pytest.mark.parametrize("way", ALONE, ids=str)
async def test_caller_may_give_up(serving, way):
    """While credentials are asked for, as at any other time."""
    began = asyncio.Event()

    async def give():
        began.set()
        await hang()

    async with client(await serving(), credentials=give, describe=False, **way) as consumer:
        call = asyncio.ensure_future(consumer.refer(Vault).who())
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("wrong", ["Bearer x", 5, {"a": 1}, {1: "a"}])
def test_what_are_no_credentials(wrong):
    """TypeError where the client is made."""
    with pytest.raises(TypeError, match="credentials"):
        facade.AsyncClient("127.0.0.1:1", credentials=wrong)


async def test_clients_of_others_do_not_share_a_stream(serving):
    """Nobody calls under another's name."""

    async def ask(peer, credentials):
        return credentials["name"].decode()

    target = await serving(authenticate=ask)
    async with (
        client(target, credentials={"name": "Ann"}) as ann,
        client(target, credentials={"name": "Bob"}) as bob,
    ):
        assert await ann.refer(Vault).who() == "Ann"
        assert await bob.refer(Vault).who() == "Bob"


def test_they_are_shown_to_nobody_else():
    """Not in a log, and not in a traceback."""
    assert "sesame" not in repr(Credentials(SHOWN))


def test_they_are_equal_by_what_they_are():
    """So clients of one user share a stream."""
    assert Credentials(SHOWN) == Credentials(dict(SHOWN))
    assert hash(Credentials(SHOWN)) == hash(Credentials(dict(SHOWN)))
    assert Credentials(SHOWN) != Credentials({})


async def test_a_warning_where_others_can_read_them(caplog):
    """Without TLS, to another machine: once."""
    for _ in range(2):
        facade.AsyncClient("far.example:1", credentials=SHOWN)
    assert len([r for r in caplog.records if "credentials= are sent" in r.getMessage()]) == 1
    assert "sesame" not in caplog.text


async def test_bytes_travel_without_a_stream_too(serving):
    """What is no text goes under a name with -bin, and comes under the plain one."""
    key = b"\x00\xff\n"

    def ask(peer, credentials):
        return credentials["key"] == key

    async with client(
        await serving(authenticate=ask), credentials={"key": key}, unary=True
    ) as consumer:
        assert await consumer.refer(Vault).who() == "True"


def test_envelopes_of_setup_have_room_for_them():
    """The wire has had them from its first version."""
    assert "credentials" in Envelope().setup.DESCRIPTOR.fields_by_name
