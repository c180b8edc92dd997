"""What a client shows: on each of its ways, and to nobody else."""

import asyncio

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
