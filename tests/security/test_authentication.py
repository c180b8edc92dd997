"""Who has not shown who he is may do nothing, and learns nothing."""

import asyncio
import hmac

import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Value

import facade
from facade import Code, Sent, Status
from facade.exchange.credentials import Credentials
from facade.exchange.transport import DESCRIBE, EXCHANGE, INVOKE
from facade.v1.exchange_pb2 import Envelope, Frame
from facade.v1.invocation_pb2 import Invocation
from tests.security.conftest import Vault, invocation, setup

TOKEN = "Bearer open sesame"
SHOWN = {"authorization": TOKEN}
METADATA = (("authorization", TOKEN),)


class Door:
    """Lets in who has the token. ``asked`` has whom it was asked about."""

    def __init__(self):
        self.asked = []

    def __call__(self, peer, credentials):
        self.asked.append((peer, dict(credentials)))
        if hmac.compare_digest(credentials.get("authorization", b""), TOKEN.encode()):
            return "Ann"
        raise PermissionError(f"a secret reason about {credentials}")


@pytest.fixture
def door():
    return Door()


def client(target, **settings):
    return facade.AsyncClient(target, **{"timeout": 20, "credentials": SHOWN, **settings})


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


# What an unauthenticated peer can do


def raw(target):
    return grpc.aio.insecure_channel(target)


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


# The function


async def never(peer, credentials):
    await asyncio.Event().wait()


async def nobody(peer, credentials):
    return None


async def busy(peer, credentials):
    raise facade.Unavailable("the directory is away")


async def test_it_may_be_async(serving):
    """And what it gives is the identity."""

    async def ask(peer, credentials):
        await asyncio.sleep(0)
        return ("user", credentials["authorization"].decode()[:6])

    async with client(await serving(authenticate=ask)) as consumer:
        assert await consumer.refer(Vault).who() == "('user', 'Bearer')"


async def test_none_is_nobody(serving):
    """A look-up that found nothing lets nobody in."""
    async with client(await serving(authenticate=nobody)) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await consumer.ready()
    assert caught.value.status is Status.UNAUTHENTICATED


async def test_a_slow_function_is_given_up(serving):
    """The stream is refused, and may try again."""
    limits = facade.Limits(handshake_timeout=0.05)
    target = await serving(authenticate=never, limits=limits)
    async with client(target, unary=True) as consumer:
        with pytest.raises(facade.Unavailable, match="handshake_timeout"):
            await consumer.refer(Vault).who()


def finds_none(peer, credentials):
    return next(name for name in () if name == credentials)


def exits(peer, credentials):
    raise SystemExit(1)


async def exits_later(peer, credentials):
    raise SystemExit(1)


async def waits_for_what_is_cancelled(peer, credentials):
    keys = asyncio.get_running_loop().create_future()
    keys.cancel()
    return await keys


@pytest.mark.parametrize("how", [{}, {"unary": True}, {"native": True}], ids=str)
@pytest.mark.parametrize("ask", [finds_none, exits, exits_later, waits_for_what_is_cancelled])
async def test_whatever_it_raises_is_a_refusal(serving, ask, how):
    """Nobody ends the process by it, and nobody waits in vain."""
    async with client(await serving(authenticate=ask), **how) as consumer:
        with pytest.raises(facade.RpcError) as caught:
            await consumer.refer(Vault).who()
    assert caught.value.status is Status.UNAUTHENTICATED


async def test_its_own_errors_are_told(serving):
    """An RpcError says that it was not about the credentials."""
    async with client(await serving(authenticate=busy), unary=True) as consumer:
        with pytest.raises(facade.Unavailable, match="the directory is away"):
            await consumer.refer(Vault).who()


def test_what_is_no_function_is_an_error():
    """At once, and not when somebody calls."""
    with pytest.raises(TypeError, match="authenticate is a function"):
        facade.Server(authenticate="secret")


# The client's part


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
