"""Users, passwords and TLS of a registry's target."""

import logging

import pytest
import trustme

import facade
from facade.registry import open_registry, parse
from facade.registry import zookeeper as zookeepers
from facade.registry.access import Access
from facade.registry.target import hidden


@pytest.fixture
def files(tmp_path):
    """Paths of an authority, and of a certificate and its key."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    paths = [tmp_path / name for name in ("ca.pem", "own.pem", "own.key")]
    authority.cert_pem.write_to_path(paths[0])
    made.cert_chain_pems[0].write_to_path(paths[1])
    made.private_key_pem.write_to_path(paths[2])
    return paths


def access(text):
    return Access.of(parse(text))


def test_nothing_is_said():
    assert access("etcd://127.0.0.1:1") == Access()


def test_tls_by_its_parts(files):
    """Each part says that there is TLS; tls=true alone trusts whom gRPC trusts."""
    ca, certificate, key = files
    tls = access(
        f"etcd://h:1?ca={ca}&certificate={certificate}&key={key}&server_name=etcd.demo"
    ).tls
    assert (tls.ca, tls.certificate, tls.key) == (str(ca), str(certificate), str(key))
    assert tls.server_name == "etcd.demo"
    assert access("etcd://h:1?tls=true").tls == facade.ClientTls()
    assert access("etcd://h:1?tls=false").tls is None


def test_password_in_a_file(tmp_path):
    """So it stands in no command line and no log."""
    path = tmp_path / "password"
    path.write_text("s@cret\n")
    found = access(f"zookeeper://shop@127.0.0.1:1?password_file={path}")
    assert (found.user, found.password) == ("shop", "s@cret")
    assert "s@cret" not in repr(found)


@pytest.mark.parametrize("scheme", ["zookeeper", "etcd"])
@pytest.mark.parametrize(
    ("rest", "error", "said"),
    [
        ("h:1?tls=yes", ValueError, "tls=yes: it is true or false"),
        ("h:1?tls=false&ca=/x", ValueError, "tls=false, and ca= is for TLS"),
        ("h:1?ca=/none/ca.pem", FileNotFoundError, "ca='/none/ca.pem' can't be read"),
        ("h:1?key=/x", ValueError, "certificate and key go together"),
        ("h:1?password_file=/x", ValueError, r"password of a user: write \w+://user@h:1\?"),
        ("u:p@h:1?password_file=/x", ValueError, "password of a user"),
        ("u@h:1?password_file=/none", FileNotFoundError, "password_file=/none can't be read"),
        ("h:1?certificat=/x", ValueError, "did you mean 'certificate'"),
    ],
)
def test_mistakes(scheme, rest, error, said):
    """They are told where the registry is opened, and so where the client is made."""
    with pytest.raises(error, match=said):
        facade.Client(f"{scheme}://{rest}")


def test_name_of_a_server_is_not_for_zookeeper():
    with pytest.raises(ValueError, match="has no server_name"):
        open_registry("zookeeper://h:1?tls=true&server_name=x")


def test_password_in_the_open(caplog):
    """Beyond this machine it is told, without the password, that others can read it."""
    caplog.set_level(logging.WARNING)
    access("etcd://me:s3cret@127.0.0.1:1")
    access("etcd://me:s3cret@h:1?tls=true")
    assert "can be read" not in caplog.text
    access("etcd://me:s3cret@h:1")
    assert "can be read on its way" in caplog.text
    assert "s3cret" not in caplog.text


async def test_password_is_not_shown():
    """By nothing that prints as its target."""
    shown = []

    class Listener(facade.InvokerListener):
        def referred(self, reference):
            shown.append(repr(reference))

    client = facade.AsyncClient(
        "etcd://me:s3cret@127.0.0.1:1/demo.A?root=x", listeners=[Listener()]
    )
    client.generic()
    shown += [client.target, repr(client), repr(client.invoker)]
    assert shown[1] == "etcd://me:***@127.0.0.1:1/demo.A?root=x"
    assert "s3cret" not in str(shown)
    await client.close()
    blocking = facade.Client("etcd://me:s3cret@127.0.0.1:1")
    assert "s3cret" not in repr(blocking)
    assert hidden("static:a:1,b:2") == "static:a:1,b:2"


def test_kazoo_that_checks_no_names(monkeypatch, files):
    """An older one would take any certificate that was signed: it is not used."""

    class Old:
        def __init__(self, hosts, use_ssl=False, ca=None):
            pass

    with pytest.raises(ImportError, match=r"kazoo 2\.11"):
        zookeepers._secured(Old, facade.ClientTls(str(files[0])))
