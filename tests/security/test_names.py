"""Only what was exported can be reached, whatever a peer calls it."""

import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Value

import facade
from facade.codec import decode_plain, encode_plain
from facade.core.context import RESERVED
from facade.exchange.transport import EXCHANGE
from facade.v1.exchange_pb2 import Frame
from tests.security.conftest import Vault, VaultImpl, invocation, setup

METHODS = [
    "", "__class__", "__init__", "__dict__", "__call__", "_private", "hidden", "money", "released",
    "echo.__call__", "who.__func__", "../who", "/demo.Vault/who", "who\x00", " who", "who ",
    "Who\u200b", "wh\u043e", "\uff57ho", "\u202eohw", "$invoke_", "$", "$eval", "$invokeAsync2",
    "who()", "x" * 100_000,
]  # fmt: skip
SERVICES = [
    "", "Vault", "demo", "demo.vault", "demo.Vault ", "demo.Vault:1", "*", "facade.Callback",
    "facade.v1.Facade", "tests.security.conftest.VaultImpl", "os", "builtins", "demo.V\u0430ult",
]  # fmt: skip


@pytest.mark.parametrize("name", METHODS, ids=lambda name: ascii(name[:20]))
async def test_methods(joined, vault, name):
    """UNIMPLEMENTED, and nothing was touched."""
    hostile = await joined()
    await hostile.send(invocation(1, name))
    error = (await hostile.until("result", 1)).result.error
    assert error.status == facade.Status.UNIMPLEMENTED
    assert vault.touched == []


@pytest.mark.parametrize("name", SERVICES, ids=ascii)
async def test_services(joined, name):
    """The same of names of services, with and without a group and a version."""
    hostile = await joined()
    await hostile.send(invocation(1, service=name), invocation(3, group="g", version="v"))
    for id in (1, 3):
        error = (await hostile.until("result", id)).result.error
        assert error.status == facade.Status.UNIMPLEMENTED


NATIVE = [
    "/demo.Vault/__init__", "/demo.Vault/__class__", "/demo.Vault/_private", "/demo.Vault/hidden",
    "/demo.Vault/money", "/demo.Vault/", "/demo.Vault", "/demo.Vault/who/x", "/demo.Vault/Hidden",
    "/demo.vault/who", "/facade.v1.Facade/_serve_call", "/facade.v1.Facade/__init__",
]  # fmt: skip


@pytest.mark.parametrize("path", NATIVE)
async def test_native_paths(path):
    """Plain gRPC finds no more than the exchange does."""
    vault = VaultImpl()
    server = facade.Server()
    server.export(Vault, vault)
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = channel.unary_unary(path)(Value().SerializeToString(), timeout=20)
        assert await call.code() is grpc.StatusCode.UNIMPLEMENTED
    assert vault.touched == []


async def test_keywords_are_parameters(joined):
    """Arguments by name are those of the method, and no others."""
    hostile = await joined()
    for id, names in ((1, {"self": 1}), (3, {"__class__": 1}), (5, {"text": "x", "more": 1})):
        call = invocation(id)
        call.invocation.msgpack = encode_plain(names)
        await hostile.send(call)
        error = (await hostile.until("result", id)).result.error
        assert error.status == facade.Status.INVALID_ARGUMENT


@pytest.mark.parametrize("url", ["type/os.system", "", "type.googleapis.com/google.protobuf.Any"])
async def test_a_peer_names_no_types(joined, url):
    """What a message is packed as is compared with the hint, and looked up nowhere."""
    hostile = await joined()
    call = invocation(1)
    call.invocation.any.type_url = url
    await hostile.send(call)
    error = (await hostile.until("result", 1)).result.error
    assert error.status == facade.Status.INVALID_ARGUMENT


# Attachments


@facade.service("security.Seen")
class Seen:
    async def attachments(self) -> dict[str, str]: ...
    async def facts(self) -> list[str]: ...


class SeenImpl:
    async def attachments(self):
        return dict(facade.RpcContext.server_attachments())

    async def facts(self):
        seen = facade.RpcContext.service()
        countdown = facade.RpcContext.countdown()
        return [
            seen.service, seen.method, seen.group, seen.version, seen.remote_application,
            str(seen.remote_identity), str(countdown is None),
        ]  # fmt: skip


@pytest.fixture
async def forged():
    """Calls methods of Seen with every reserved attachment forged."""
    server = facade.Server()
    server.export(Seen, SeenImpl())
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stream = channel.stream_stream(EXCHANGE, Frame.SerializeToString, Frame.FromString)()
        first = setup(application="honest")
        ids = iter(range(1, 100, 2))
        await stream.write(Frame(envelopes=[first]))

        async def call(method):
            id = next(ids)
            made = invocation(id, method, service="security.Seen")
            for name in RESERVED:
                made.invocation.attachments[name] = "1"
            made.invocation.attachments["free"] = "yes"
            await stream.write(Frame(envelopes=[made]))
            while True:
                for envelope in (await stream.read()).envelopes:
                    if envelope.id == id:
                        return decode_plain(envelope.result.msgpack)

        yield call
        stream.cancel()


async def test_reserved_attachments_reach_no_method(forged):
    """Those that are free do."""
    assert await forged("attachments") == {"free": "yes"}


async def test_reserved_attachments_change_no_fact(forged):
    """Service, group, version, application, identity and time are those of the message's fields
    and of the setup."""
    facts = await forged("facts")
    assert facts == ["security.Seen", "facts", "", "", "honest", "None", "True"]
