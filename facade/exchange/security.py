"""What the two ends are told of TLS. The rest of it is imported where there is some."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from facade.core.identity import Identity
from facade.exchange.unixsocket import is_unix

if TYPE_CHECKING:
    from facade.exchange.tls import ClientTls, ServerTls


def client_tls(tls: "ClientTls | bool | None") -> "ClientTls | None":
    """What a client was told. TypeError for anything else."""
    if tls is None or tls is False:
        return None
    from facade.exchange.tls import ClientTls

    if isinstance(tls, ClientTls):
        return tls
    if tls is True:
        return ClientTls()
    raise TypeError(f"tls is ClientTls(...), or True for the usual authorities, not {tls!r}")


def server_tls(tls: "ServerTls | None", *, networked: bool) -> "ServerTls | None":
    """What a server was told. TypeError for anything else."""
    if tls is None:
        return None
    from facade.exchange.tls import ServerTls

    if not isinstance(tls, ServerTls):
        raise TypeError(f"tls is ServerTls(certificate, key), not {tls!r}")
    if not networked:
        raise ValueError("tls= is for a network, and this server is called within its process")
    return tls


def in_the_open(target: str, tls: "ClientTls | None") -> bool:
    """Whether others may read what is sent there: without TLS, and beyond this machine."""
    if tls is not None or is_unix(target):
        return False
    address = target.rpartition("/")[2]  # behind "dns:///"
    for scheme in ("dns:", "ipv4:", "ipv6:"):
        address = address.removeprefix(scheme)
    host = address.rpartition(":")[0].strip("[]") or address
    return not (host in ("localhost", "::1") or host.startswith("127."))


def identity_of(auth_context: Mapping[str, Sequence[bytes]]) -> Identity | None:
    """Of gRPC's facts about a connection. None where the peer had to show no certificate."""
    certificate = auth_context.get("x509_pem_cert")
    if not certificate:
        return None

    def texts(key: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in auth_context.get(key, ()))

    return Identity(
        common_name="".join(texts("x509_common_name")[:1]),
        names=texts("x509_subject_alternative_name"),
        subject="".join(texts("x509_subject")[:1]),
        certificate=certificate[0].decode("ascii", "replace"),
    )
