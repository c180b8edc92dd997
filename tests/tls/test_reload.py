"""Certificates that are replaced while the server runs."""

import asyncio
import logging
import ssl

import pytest

import facade
from facade.exchange.transport import GrpcTransport


async def shown(server: facade.Server) -> bytes:
    """The certificate that a new connection sees."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return ssl.DER_cert_to_PEM_cert(der).encode()


def same(one: bytes, other: bytes) -> bool:
    return ssl.PEM_cert_to_DER_cert(one.decode()) == ssl.PEM_cert_to_DER_cert(first(other))


def first(chain: bytes) -> str:
    return chain.decode().partition("-----END")[0] + "-----END CERTIFICATE-----"


async def test_new_connections_see_the_new_certificate(ends, authority, host, written):
    """Those that are there already go on."""
    server = await ends.serve(tls=facade.ServerTls(*written(host)))
    desk = ends.refer(server, tls=facade.ClientTls(authority.pem))
    assert await desk.echo(b"abc") == b"abc"
    assert same(await shown(server), host.certificate)
    new = authority.issue("127.0.0.1")
    written(new)
    assert same(await shown(server), new.certificate)
    assert await desk.echo(b"abc") == b"abc"
    other = facade.ClientTls(authority.pem, server_name="127.0.0.1")
    assert await ends.refer(server, tls=other).echo(b"abc") == b"abc"


@pytest.mark.parametrize("broken", ["no PEM", "gone", "another key"])
async def test_broken_file_keeps_the_old_one(ends, authority, host, ann, written, broken, caplog):
    """It is logged once, and the next good one is taken."""
    certificate, key = written(host)
    server = await ends.serve(tls=facade.ServerTls(certificate, key))
    if broken == "no PEM":
        certificate.write_bytes(b"garbage")
    elif broken == "gone":
        certificate.unlink()
    else:
        key.write_bytes(ann.key)
    for _ in range(3):
        assert same(await shown(server), host.certificate)
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(told) == 1
    assert "the certificate that was loaded before is kept: " in told[0]
    assert certificate.name in told[0]
    new = authority.issue("127.0.0.1")
    written(new)
    assert same(await shown(server), new.certificate)


async def test_authority_of_consumers_is_replaced(ends, authority, stranger, host, tmp_path):
    """Whom the server trusts is in a file, too."""
    trusted = tmp_path / "clients.pem"
    trusted.write_bytes(authority.pem)
    server = await ends.serve(tls=facade.ServerTls(host.certificate, host.key, client_ca=trusted))
    eve = stranger.issue("eve@example.org")
    as_eve = facade.ClientTls(authority.pem, eve.certificate, eve.key)
    desk = ends.refer(server, tls=as_eve, wait_for_ready=False)
    with pytest.raises(facade.Unavailable):
        await desk.echo(b"abc")
    trusted.write_bytes(stranger.pem)
    assert await ends.refer(server, tls=as_eve).who() == ["", "eve@example.org"]


@pytest.mark.parametrize("way", [{}, {"unary": True}, {"native": True}], ids=str)
async def test_client_reads_its_files_at_each_connect(
    ends, authority, stranger, host, tmp_path, way
):
    """One that trusted the wrong authority works as soon as its file is right."""
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(stranger.pem)
    server = await ends.serve(tls=facade.ServerTls(host.certificate, host.key))
    desk = ends.refer(server, tls=facade.ClientTls(trusted), **way, wait_for_ready=False)
    with pytest.raises(facade.Unavailable, match="not trusted"):
        await desk.echo(b"abc")
    trusted.write_bytes(b"garbage")
    with pytest.raises(facade.Unavailable, match=r"ca=.* is no PEM"):
        await desk.echo(b"abc")
    trusted.write_bytes(authority.pem)
    assert await desk.echo(b"abc") == b"abc"


async def test_single_calls_that_failed_while_its_files_were_replaced(authority, ann, written):
    """One that began before, and fails while the new certificate has its old key still, does not
    keep later ones from the channel that the new pair makes."""
    certificate, key = written(ann)
    transport = GrpcTransport("127.0.0.1:1", (), facade.ClientTls(authority.pem, certificate, key))
    lost = facade.Unavailable("cannot connect", sent=facade.Sent.NOT_SENT)
    old = transport.channel()
    transport.failed(lost)
    new = authority.issue("ann@example.org")
    certificate.write_bytes(new.certificate)
    with pytest.raises(facade.Unavailable, match="key"):
        transport.channel()
    transport.failed(lost)
    key.write_bytes(new.key)
    made = transport.channel()
    assert made is not old
    assert transport.channel() is made
    await transport.close(0)
