"""HTTP/2 is agreed on by ALPN, as gRPC does it."""

import asyncio
import ssl

import pytest

import facade

# Of HTTP/2: the preface of a client and an empty SETTINGS frame. Type 4 is SETTINGS.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
SETTINGS = 4


async def hello(server: facade.Server, authority, alpn: list[str]) -> tuple[str | None, bytes]:
    """What TLS agrees on, and what the server says first."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if alpn:
        context.set_alpn_protocols(alpn)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    try:
        writer.write(PREFACE)
        await writer.drain()
        return agreed, await reader.read(9)
    except (ConnectionError, ssl.SSLError):
        return agreed, b""
    finally:
        writer.transport.abort()


@pytest.fixture
async def server(ends, host):
    return await ends.serve(tls=facade.ServerTls(host.certificate, host.key))


async def test_client_of_http2(server, authority):
    """It is agreed on, and spoken."""
    agreed, said = await hello(server, authority, ["h2", "http/1.1"])
    assert agreed == "h2"
    assert said[3] == SETTINGS


@pytest.mark.parametrize("alpn", [[], ["http/1.1"]])
async def test_client_of_anything_else(server, authority, alpn):
    """Without HTTP/2 there is nothing to agree on: gRPC hangs up after the handshake."""
    assert await hello(server, authority, alpn) == (None, b"")


async def test_provider_of_anything_else(ends, host, authority, tmp_path):
    """A server that speaks TLS, and no HTTP/2: the error says so."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    (tmp_path / "both.pem").write_bytes(host.key + host.certificate)
    context.load_cert_chain(tmp_path / "both.pem")

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.transport.abort()

    web = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    port = web.sockets[0].getsockname()[1]
    desk = ends.refer(f"127.0.0.1:{port}", tls=facade.ClientTls(authority.pem))
    with pytest.raises(facade.Unavailable, match="no HTTP/2"):
        await desk.echo(b"abc")
    web.close()
    await web.wait_closed()
