"""All that works without TLS works with it: a look at each kind of call."""

import asyncio

import pytest

import facade

# Bytes that one message may have.
LIMIT = 64 * 1024


@pytest.fixture
def tls(host):
    return facade.ServerTls(host.certificate, host.key)


@pytest.fixture
def trusting(authority):
    return facade.ClientTls(authority.pem)


@pytest.mark.parametrize("unary", [False, True])
async def test_calls(ends, tls, trusting, unary):
    """Values, attachments and exceptions; and the provider says what it exports."""
    server = await ends.serve(tls=tls)
    client = ends.connect(server, tls=trusting, unary=unary)
    await client.ready()
    desk = client.refer(ends.Desk)
    assert await desk.echo(b"abc") == b"abc"
    facade.RpcContext.client_attachments()["trace"] = "1"
    assert (await desk.facts())["trace"] == "1"
    with pytest.raises(ValueError, match="no"):
        await desk.fail()
    assert [each.name for each in (await client.describe()).services] == ["tls.Desk"]


async def test_native_calls(ends, tls, trusting):
    """The methods of gRPC's own form too, and ``ready()`` before them."""
    server = await ends.serve(tls=tls)
    client = ends.connect(server, tls=trusting, native=True)
    await client.ready()
    assert await client.refer(ends.Desk).take(b"abc") == 3


async def test_callback(ends, tls, trusting):
    """The provider calls back over the same connection."""
    server = await ends.serve(tls=tls)
    desk = ends.refer(server, tls=trusting)
    assert await desk.call(lambda name: f"Hello {name}") == "Hello Ann"


async def test_blocking_client(ends, tls, trusting):
    """It takes the same setting."""
    server = await ends.serve(tls=tls)

    def call() -> bytes:
        target = f"127.0.0.1:{server.port}"
        with facade.Client(target, tls=trusting, timeout=30.0) as client:
            return client.refer(ends.Desk).echo(b"abc")

    assert await asyncio.to_thread(call) == b"abc"


async def test_name_of_the_server(ends, authority, trusting):
    """What the certificate is for can be told, where it is not the host of the target."""
    other = authority.issue("desk.example.org")
    server = await ends.serve(tls=facade.ServerTls(other.certificate, other.key))
    named = facade.ClientTls(authority.pem, server_name="desk.example.org")
    assert await ends.refer(server, tls=named).echo(b"abc") == b"abc"


async def test_unix_socket(ends, tls, authority, tmp_path):
    """A socket has no name that a certificate could be for, so it is told."""
    server = await ends.serve(f"unix:{tmp_path}/s", tls=tls)
    named = facade.ClientTls(authority.pem, server_name="localhost")
    assert await ends.refer(server.address, tls=named).echo(b"abc") == b"abc"


@pytest.mark.parametrize("unary", [False, True])
@pytest.mark.parametrize("way", ["there", "back"])
async def test_message_sizes(ends, tls, trusting, unary, way):
    """The largest one that fits goes, and one byte more fails alone, in each direction."""
    server = await ends.serve(tls=tls, max_message_size=LIMIT)
    desk = ends.refer(server, tls=trusting, unary=unary, max_message_size=LIMIT)

    async def fits(size: int) -> bool:
        try:
            if way == "there":
                return await desk.take(bytes(size)) == size
            return len(await desk.give(size)) == size
        except facade.LimitExceeded:
            return False

    size = LIMIT - 100  # there is a little around it
    while await fits(size + 1):
        size += 1
    assert LIMIT - 100 < size < LIMIT
    assert [await fits(each) for each in (size - 1, size, size + 1, 1)] == [True, True, False, True]


async def test_connection_is_shared_by_those_who_trust_the_same(ends, tls, authority, trusting):
    """A client that trusts others, or shows another certificate, has a connection of its own."""
    came: list[facade.Peer] = []

    async def count(peer: facade.Peer) -> None:
        came.append(peer)

    server = await ends.serve(tls=tls, on_connect=count)
    same = facade.ClientTls(authority.pem)
    other = facade.ClientTls(authority.pem, server_name="localhost")
    for settings in (trusting, same, other):
        await ends.refer(server, tls=settings).echo(b"abc")
    assert len(came) == 2


async def test_client_without_tls_does_not_share(ends, tls, trusting):
    """Settings decide, not what happens to be connected."""
    server = await ends.serve(tls=tls)
    await ends.refer(server, tls=trusting).echo(b"abc")
    with pytest.raises(facade.Unavailable, match="does it take TLS only"):
        await ends.refer(server, wait_for_ready=False).echo(b"abc")
