"""Providers that speak TLS, by ``--tls``."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import facade


@facade.service("demo.Desk")
class Desk:
    async def who(self) -> str: ...


class DeskImpl(Desk):
    async def who(self) -> str:
        identity = facade.RpcContext.service().remote_identity
        return "nobody" if identity is None else identity.common_name


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Has ca.pem; server.pem and shop.pem with their keys."""
    made = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made / "ca.pem")
    for name, host in (("server", "127.0.0.1"), ("shop", "shop.example.org")):
        issued = authority.issue_cert(host, common_name=name)
        issued.cert_chain_pems[0].write_to_path(made / f"{name}.pem")
        issued.private_key_pem.write_to_path(made / f"{name}.key")
    return made


@pytest.fixture
def address(folder, serving) -> Iterator[str]:
    tls = facade.ServerTls(folder / "server.pem", folder / "server.key")
    server = facade.Server("127.0.0.1:0", tls=tls)
    server.export(Desk, DeskImpl())
    with serving(server) as place:
        yield place


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("call", "{}", "demo.Desk.who"), '"nobody"'),
        (("ls", "{}"), "who() -> str"),
        (("ping", "{}", "-c", "1"), "1 round trips"),
        (("bench", "{}", "demo.Desk.who", "-n", "10", "--json"), '"errors":{}'),
        (("stubs", "{}"), "async def who(self) -> str"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_each_command_reaches_it(words, shown, run, address, folder):
    """Whatever it does there."""
    words = [word.format(address) for word in words]
    assert shown in run(*words, "--tls", f"ca={folder}/ca.pem").out


def test_own_certificate_goes_along(run, serving, folder):
    """Of who is asked for one: mTLS."""
    tls = facade.ServerTls(
        folder / "server.pem", folder / "server.key", client_ca=folder / "ca.pem"
    )
    server = facade.Server("127.0.0.1:0", tls=tls)
    server.export(Desk, DeskImpl())
    own = [f"ca={folder}/ca.pem", f"certificate={folder}/shop.pem", f"key={folder}/shop.key"]
    facts = [word for fact in own for word in ("--tls", fact)]
    with serving(server) as place:
        assert run("call", place, "demo.Desk.who", *facts).out == '"shop"\n'


@pytest.mark.parametrize("words", [(), ("--tls", "on")], ids=["plain", "stranger"])
def test_who_does_not_speak_it_or_trust_it_does_not_reach_it(words, run, address):
    """Nothing is sent to it."""
    run("call", address, "demo.Desk.who", *words, code=69)


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ("off", "there are: on, ca, certificate, key, server_name"),
        ("certificat=shop.pem", "did you mean 'certificate'?"),
        ("ca", "write ca=VALUE"),
        ("ca=nowhere.pem", "nowhere.pem"),
        ("key=shop.key", "certificate and key go together"),
    ],
)
def test_wrong_fact_is_told(fact, said, run, nowhere):
    """Before it connects."""
    told = run("ls", nowhere, "--tls", fact, code=2).err
    assert said in " ".join(told.replace("│", " ").split())
