"""Who calls, by his certificate."""

import pytest

import facade
from facade.exchange.security import identity_of

each = pytest.mark.parametrize("way", [{}, {"unary": True}, {"native": True}], ids=str)


class Watch(facade.Filter):
    """Notes who calls."""

    def __init__(self, seen):
        self._seen = seen

    async def invoke(self, invoker, invocation):
        self._seen.append(invocation.remote_identity)
        return await invoker.invoke(invocation)


@pytest.fixture
def tls(host, authority):
    return facade.ServerTls(host.certificate, host.key, client_ca=authority.pem)


@pytest.fixture
def as_ann(ann, authority):
    return facade.ClientTls(authority.pem, ann.certificate, ann.key)


@each
async def test_methods_know_who_calls(ends, tls, as_ann, way):
    """By RpcContext: the common name and the others."""
    server = await ends.serve(tls=tls)
    desk = ends.refer(server, tls=as_ann, **way)
    assert await desk.who() == ["ann", "ann@example.org", "shop.example.org"]


@each
async def test_what_authenticate_says_goes_before(ends, tls, as_ann, way):
    """Also a name that is empty, or the number 0."""
    seen = []
    filters = ["default", Watch(seen)]
    server = await ends.serve(tls=tls, filters=filters, authenticate=lambda *_: 0)
    await ends.refer(server, tls=as_ann, **way).echo(b"abc")
    assert seen == [0]


async def test_filters_know_who_calls(ends, tls, as_ann, ann):
    """By the invocation: all that the certificate says."""
    seen = []
    server = await ends.serve(tls=tls, filters=["default", Watch(seen)])
    await ends.refer(server, tls=as_ann).echo(b"abc")
    (identity,) = seen
    assert "CN=ann" in identity.subject
    assert "O=Shop" in identity.subject
    assert identity.certificate.encode() in ann.certificate
    assert "BEGIN" not in repr(identity)
    assert "shop.example.org" in identity
    assert "ann" in identity
    assert "bob" not in identity
    assert "" not in identity


async def test_peer_has_it(ends, tls, as_ann):
    """The handlers of connections are told, too."""
    came = []

    async def note(peer: facade.Peer) -> None:
        came.append(peer.identity)

    server = await ends.serve(tls=tls, on_connect=note)
    await ends.refer(server, tls=as_ann).echo(b"abc")
    assert [identity.common_name for identity in came] == ["ann"]


async def test_each_consumer_is_himself(ends, tls, as_ann, authority):
    """Two clients of one process, with a certificate each."""
    bob = authority.issue("bob@example.org")
    as_bob = facade.ClientTls(authority.pem, bob.certificate, bob.key)
    server = await ends.serve(tls=tls)
    one, two = ends.refer(server, tls=as_ann), ends.refer(server, tls=as_bob)
    assert await one.who() == ["ann", "ann@example.org", "shop.example.org"]
    assert await two.who() == ["", "bob@example.org"]


@each
async def test_nobody_without_mtls(ends, host, as_ann, way):
    """A certificate that was not asked for says nothing, nor does a connection without TLS."""
    server = await ends.serve(tls=facade.ServerTls(host.certificate, host.key))
    assert await ends.refer(server, tls=as_ann, **way).who() is None
    plain = await ends.serve()
    assert await ends.refer(plain, **way).who() is None


async def test_nobody_at_the_consumer(ends, tls, as_ann):
    """gRPC does not tell a consumer more than that the provider was the right one."""
    server = await ends.serve(tls=tls)
    await ends.refer(server, tls=as_ann).echo(b"abc")
    assert facade.RpcContext.service().remote_identity is None


def test_certificate_without_names():
    """What is not there is empty."""
    identity = identity_of({"x509_pem_cert": [b"-----BEGIN"]})
    assert identity == facade.Identity("", (), "", "-----BEGIN")
    assert identity_of({}) is None
