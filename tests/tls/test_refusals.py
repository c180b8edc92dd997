"""Ends that do not trust each other: the error says why, and what to do.

Where the consumer knows that TLS can't be agreed on, a call fails at once. Where the provider
hangs up without a word, which one that stops does too, it is tried again as long as the call may
take, and the error has the suspicion.
"""

import datetime

import pytest

import facade

# Seconds that no test waits for: what fails by them would run into the test's own timeout.
LONG = 3600.0

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

each = pytest.mark.parametrize("way", [{}, {"unary": True}, {"native": True}], ids=str)


@pytest.fixture
def tls(host):
    return facade.ServerTls(host.certificate, host.key)


async def refused(desk: object) -> str:
    with pytest.raises(facade.Unavailable) as raised:
        await desk.echo(b"abc")
    assert raised.value.sent is facade.Sent.NOT_SENT
    return str(raised.value)


@each
async def test_provider_of_another_authority(ends, tls, stranger, way):
    """It is not trusted, and no call waits for that to change."""
    server = await ends.serve(tls=tls)
    settings = facade.ClientTls(stranger.pem)
    desk = ends.refer(server, tls=settings, **way, timeout=LONG)
    text = await refused(desk)
    assert f"127.0.0.1:{server.port}: its certificate is not trusted: unable to get" in text
    assert "ClientTls(ca=)" in text
    assert "not trusted" in await refused(desk)


async def test_usual_authorities(ends, tls):
    """``tls=True`` trusts those that everybody trusts, and not ours."""
    server = await ends.serve(tls=tls)
    assert "not trusted" in await refused(ends.refer(server, tls=True, timeout=LONG))


@each
async def test_certificate_for_another_name(ends, tls, authority, way):
    """The error says which name was looked for."""
    server = await ends.serve(tls=tls)
    settings = facade.ClientTls(authority.pem, server_name="other.example.org")
    text = await refused(ends.refer(server, tls=settings, **way, timeout=LONG))
    assert "its certificate is not for 'other.example.org'" in text
    assert "server_name" in text


@each
async def test_expired_certificate(ends, authority, way):
    """The error says so."""
    old = authority.issue("127.0.0.1", not_before=PAST, not_after=PAST.replace(year=2021))
    server = await ends.serve(tls=facade.ServerTls(old.certificate, old.key))
    settings = facade.ClientTls(authority.pem)
    text = await refused(ends.refer(server, tls=settings, **way, timeout=LONG))
    assert "certificate has expired" in text


@each
async def test_provider_without_tls(ends, authority, way):
    """The error says at which end to change it."""
    server = await ends.serve()
    settings = facade.ClientTls(authority.pem)
    text = await refused(ends.refer(server, tls=settings, **way, timeout=LONG))
    assert "it does not speak TLS: leave tls= out" in text


@each
async def test_consumer_without_tls(ends, tls, way):
    """The provider hangs up; the error asks the right question."""
    server = await ends.serve(tls=tls)
    desk = ends.refer(server, **way, wait_for_ready=False)
    assert "does it take TLS only? Then say tls=" in await refused(desk)


async def test_consumer_without_tls_that_waits(ends, tls):
    """It is tried again for the time of the call, and the reason is the same."""
    server = await ends.serve(tls=tls)
    text = await refused(ends.refer(server, timeout=1))
    assert "within 1 s" in text
    assert "does it take TLS only" in text


@each
async def test_consumer_without_a_certificate(ends, host, authority, way):
    """Where each must have one."""
    tls = facade.ServerTls(host.certificate, host.key, client_ca=authority.pem)
    server = await ends.serve(tls=tls)
    settings = facade.ClientTls(authority.pem)
    desk = ends.refer(server, tls=settings, **way, wait_for_ready=False)
    assert "does it ask for a certificate" in await refused(desk)


@each
async def test_consumer_of_another_authority(ends, host, authority, stranger, way):
    """His certificate is one, but nobody there knows who signed it."""
    tls = facade.ServerTls(host.certificate, host.key, client_ca=authority.pem)
    server = await ends.serve(tls=tls)
    eve = stranger.issue("eve@example.org")
    settings = facade.ClientTls(authority.pem, eve.certificate, eve.key)
    desk = ends.refer(server, tls=settings, **way, wait_for_ready=False)
    assert "or not trust that of ClientTls(certificate=, key=)" in await refused(desk)


@each
async def test_ready_fails_at_once(ends, tls, stranger, way):
    """The check at a start does not wait either."""
    server = await ends.serve(tls=tls)
    client = ends.connect(server, tls=facade.ClientTls(stranger.pem), **way)
    with pytest.raises(facade.Unavailable, match="not trusted"):
        await client.ready(LONG)


async def test_others_are_served_on(ends, tls, authority, stranger):
    """Who is refused disturbs nobody."""
    server = await ends.serve(tls=tls)
    desk = ends.refer(server, tls=facade.ClientTls(authority.pem))
    assert await desk.echo(b"abc") == b"abc"
    await refused(ends.refer(server, tls=facade.ClientTls(stranger.pem)))
    await refused(ends.refer(server, wait_for_ready=False))
    assert await desk.echo(b"abc") == b"abc"
