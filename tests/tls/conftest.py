"""Certificates, made anew for each run, and a provider that tells who calls."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

import facade


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes()

    def issue(self, *names: str, **facts: Any) -> Pair:
        made = self._ca.issue_cert(*names, **facts)
        chain = b"".join(part.bytes() for part in made.cert_chain_pems)
        return Pair(chain, made.private_key_pem.bytes())


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """One whom nobody trusts."""
    return Authority()


@pytest.fixture(scope="session")
def host(authority: Authority) -> Pair:
    """Of a server on this machine."""
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def ann(authority: Authority) -> Pair:
    """Of a consumer."""
    return authority.issue(
        "ann@example.org", "shop.example.org", common_name="ann", organization_name="Shop"
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Writes a pair into files: their paths."""

    def write(pair: Pair, name: str = "host") -> tuple[Path, Path]:
        certificate, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        return certificate, key

    return write


@facade.service("tls.Desk")
class Desk:
    async def echo(self, value: bytes) -> bytes: ...

    async def take(self, value: bytes) -> int: ...

    async def give(self, size: int) -> bytes: ...

    async def fail(self) -> str: ...

    async def who(self) -> list[str] | None: ...

    async def facts(self) -> dict[str, str]: ...

    async def call(self, back: Callable[[str], str]) -> str: ...


class DeskImpl(Desk):
    async def echo(self, value: bytes) -> bytes:
        return value

    async def take(self, value: bytes) -> int:
        return len(value)

    async def give(self, size: int) -> bytes:
        return bytes(size)

    async def fail(self) -> str:
        raise ValueError("no")

    async def who(self) -> list[str] | None:
        identity = facade.RpcContext.service().remote_identity
        return None if identity is None else [identity.common_name, *identity.names]

    async def facts(self) -> dict[str, str]:
        received = facade.RpcContext.server_attachments()
        return {name: str(value) for name, value in received.items()}

    async def call(self, back: Callable[[str], Any]) -> str:
        return str(await back("Ann"))


class Ends:
    """Makes servers and clients of them, and closes them."""

    Desk = Desk

    def __init__(self) -> None:
        self._servers: list[facade.Server] = []
        self._clients: list[facade.AsyncClient] = []

    async def serve(self, address: str = "127.0.0.1:0", **settings: Any) -> facade.Server:
        server = facade.Server(address, **settings)
        server.export(Desk, DeskImpl())
        await server.start()
        self._servers.append(server)
        return server

    def connect(self, server: facade.Server | str, **settings: Any) -> facade.AsyncClient:
        target = server if isinstance(server, str) else f"127.0.0.1:{server.port}"
        client = facade.AsyncClient(target, **{"timeout": 30.0, **settings})
        self._clients.append(client)
        return client

    def refer(self, server: facade.Server | str, **settings: Any) -> Desk:
        return self.connect(server, **settings).refer(Desk)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        for server in self._servers:
            await server.stop()


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    made = Ends()
    yield made
    await made.close()
