"""Ask DNS: the system's resolver, or a name server by dnspython."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from facade.registry.provider import DEFAULT_WEIGHT, Provider

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

# Seconds that one question may take.
_PATIENCE = 5.0

Resolve = Callable[[], Awaitable[Sequence[Provider]]]


def addresses_of(host: str, port: str) -> Resolve:
    """By the system, in a thread: A and AAAA, /etc/hosts and what else it knows."""

    async def resolve() -> Sequence[Provider]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        hosts = dict.fromkeys(str(address[0]) for *_, address in found)
        return [Provider(_joined(host, port)) for host in hosts]

    return resolve


def asked_addresses(host: str, port: str, server: str) -> Resolve:
    """A and AAAA, of one name server."""
    resolver = _of_server(server)

    async def resolve() -> Sequence[Provider]:
        answers = await asyncio.gather(
            *(_ask(resolver, host, kind) for kind in ("A", "AAAA")), return_exceptions=True
        )
        lists = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not lists:  # neither is known: why not
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        return [Provider(_joined(r.address, port)) for records in lists for r in records]

    return resolve


def services_of(name: str, server: str = "") -> Resolve:
    """SRV. Only those of the first priority: others are for when none of these is there."""
    resolver = _of_server(server)

    async def resolve() -> Sequence[Provider]:
        records = await _ask(resolver, name, "SRV")
        if not records:
            return []
        first = min(record.priority for record in records)
        chosen = [record for record in records if record.priority == first]
        weighted = any(record.weight for record in chosen)
        return [
            Provider(
                f"{record.target.to_text(omit_final_dot=True)}:{record.port}",
                # RFC 2782: among others one of weight 0 has a very small chance.
                weight=max(record.weight, 1) if weighted else DEFAULT_WEIGHT,
            )
            for record in chosen
        ]

    return resolve


def _of_server(server: str) -> Resolver:
    try:
        from dns.asyncresolver import Resolver
    except ImportError:
        raise ImportError(
            "SRV records and name servers need dnspython: pip install 'facade-rpc[dns]'"
        ) from None
    resolver = Resolver(configure=not server)
    if server:
        host, _, port = server.rpartition(":")
        resolver.nameservers = [host.strip("[]")]
        resolver.port = int(port)
    resolver.lifetime = _PATIENCE
    return resolver


async def _ask(resolver: Resolver, name: str, kind: str) -> list[Any]:
    from dns.exception import DNSException

    try:
        answer = await resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
    except DNSException as error:
        raise OSError(f"{kind} of {name}: {error}") from None
    return list(answer)


def _joined(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
