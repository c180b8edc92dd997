"""Real registries that want TLS, a certificate of who comes, and a password."""

import asyncio
import logging

import grpc
import grpc.aio
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from facade.registry import Provider, open_registry
from tests.registry.listening import Listening

pytestmark = [
    pytest.mark.timeout(120),
    # kazoo leaves a socket to the collector when TLS is refused.
    pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]

KEY = "demo.Greeter"
ONE = "127.0.0.1:5001"


class Papers:
    """Of an authority, a server and a client: paths."""

    def __init__(self, folder):
        authority = trustme.CA()
        self.ca, self.both = folder / "ca.pem", folder / "both.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server, self.server_key = folder / "server.pem", folder / "server.key"
        self.client, self.client_key = folder / "client.pem", folder / "client.key"
        made = authority.issue_cert("127.0.0.1")
        made.cert_chain_pems[0].write_to_path(self.server)
        made.private_key_pem.write_to_path(self.server_key)
        self.both.write_bytes(_for_java(made.private_key_pem.bytes()) + self.server.read_bytes())
        made = authority.issue_cert("shop.example", common_name="shop")
        made.cert_chain_pems[0].write_to_path(self.client)
        made.private_key_pem.write_to_path(self.client_key)

    @property
    def shown(self):
        return f"ca={self.ca}&certificate={self.client}&key={self.client_key}"


def _for_java(key):
    """It reads PKCS 8 alone."""
    return load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.fixture
def papers(tmp_path):
    return Papers(tmp_path)


def secured_etcd(start, papers):
    return start(
        *("--cert-file", str(papers.server), "--key-file", str(papers.server_key)),
        *("--client-cert-auth", "--trusted-ca-file", str(papers.ca)),
    )


def secured_zookeeper(start, papers):
    return start(
        "secureClientPort={port}\nsecureClientPortAddress=127.0.0.1\n"
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n"
        f"ssl.keyStore.location={papers.both}\nssl.trustStore.location={papers.ca}\n"
    )


@pytest.fixture(params=["etcd", "zookeeper"])
def secured(request, papers):
    """A target, without parameters, of a server that takes nobody without a certificate."""
    if request.param == "zookeeper":
        signature = pytest.importorskip("inspect").signature
        client = pytest.importorskip("kazoo.client").KazooClient
        if "check_hostname" not in signature(client).parameters:
            pytest.skip("this kazoo checks no names")
    start = request.getfixturevalue(f"make_{request.param}")
    program = {"etcd": secured_etcd, "zookeeper": secured_zookeeper}[request.param](start, papers)
    return f"{request.param}://{program.address}"


async def test_both_show_certificates(secured, papers):
    """Providers are announced and found over TLS."""
    registry = open_registry(f"{secured}?session=2&{papers.shown}")
    told = Listening()
    await registry.subscribe(KEY, told)
    await registry.register(Provider(ONE, KEY))
    await told.until(ONE)
    await registry.close()


@pytest.mark.parametrize("others", ["", "?tls=true", "?{own}"])
async def test_whoever_is_not_trusted(secured, tmp_path, caplog, others):
    """Without TLS, without a certificate, or where another authority is trusted: it is told once,
    and tried again."""
    (tmp_path / "other").mkdir()
    other = Papers(tmp_path / "other")
    caplog.set_level(logging.WARNING)
    registry = open_registry(secured + others.format(own=other.shown))
    subscription = await registry.subscribe(KEY, Listening(), timeout=1.0)
    while "fails, and is tried again until it works" not in caplog.text:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert not subscription.answered
    await registry.close()


async def test_user_and_password_over_tls(patient, make_etcd, papers, tmp_path, caplog):
    """The password is read from a file, and stands in no log."""
    program = make_etcd("--cert-file", str(papers.server), "--key-file", str(papers.server_key))
    credentials = grpc.ssl_channel_credentials(papers.ca.read_bytes())
    async with grpc.aio.secure_channel(program.address, credentials) as channel:
        for method, request in (
            ("UserAdd", b"\n\x04root\x12\x06s3cret"),
            ("RoleAdd", b"\n\x04root"),
            ("UserGrantRole", b"\n\x04root\x12\x04root"),
            ("AuthEnable", b""),
        ):
            await channel.unary_unary(f"/etcdserverpb.Auth/{method}")(request, timeout=60)
    caplog.set_level(logging.DEBUG)
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "wrong").write_text("wrong\n")
    told = Listening()
    target = f"etcd://root@{program.address}?ca={papers.ca}&password_file={tmp_path}"
    registry = open_registry(f"{target}/password")
    await registry.subscribe(KEY, told)
    await registry.register(Provider(ONE, KEY))
    await told.until(ONE)
    await registry.close()
    assert "fails" not in caplog.text
    registry = open_registry(f"{target}/wrong")
    await registry.register(Provider(ONE, KEY))
    assert "authentication failed" in caplog.text
    assert "s3cret" not in caplog.text
    await registry.close()


async def test_digest_of_zookeeper(patient, zookeeper, caplog):
    """Folders that only a user may write: with his password a provider is announced."""
    from kazoo.client import KazooClient
    from kazoo.security import make_digest_acl

    client = KazooClient(zookeeper.address)
    client.start(timeout=60)
    own = [make_digest_acl("me", "s3cret", all=True)]
    client.create("/private", acl=own)
    client.stop()
    client.close()
    caplog.set_level(logging.WARNING)
    stranger = open_registry(f"zookeeper://{zookeeper.address}?root=private")
    await stranger.register(Provider(ONE, KEY))
    assert "NoAuthError" in caplog.text
    await stranger.close()
    registry, told = open_registry(f"zookeeper://me:s3cret@{zookeeper.address}?root=private"), []
    await registry.register(Provider(ONE, KEY))
    await registry.subscribe(KEY, told.append)
    assert [provider.address for provider in told[-1]] == [ONE]
    assert "s3cret" not in caplog.text
    await registry.close()
