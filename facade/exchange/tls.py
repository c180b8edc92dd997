"""How a connection is encrypted, and who is at its ends.

A file is read again when it has changed: by a provider when somebody connects, by a consumer
when it connects. What goes on over older connections is not touched.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import grpc
import msgspec

from facade.core.log import get_logger
from facade.exchange.pem import Pem, check_pair, check_roots, read, stamp, warn_if_expired

logger = get_logger(__name__)


class ServerTls(msgspec.Struct, frozen=True):
    """A provider's TLS: ``Server(address, tls=ServerTls("server.pem", "server.key"))``.

    Each is a path, or the PEM as bytes. A file is looked at again when somebody connects, so
    that it can be replaced while the server runs; one that can't be used is logged once, and
    what was there before goes on.

    certificate  the server's, and after it those that lead to the authority
    key          its private key, without a passphrase
    client_ca    who has signed the certificates of consumers: then each must have one (mTLS),
                 and who he is stands in ``RpcContext.service().remote_identity``

    OSError for a file that can't be read, ValueError for what can't be used.
    """

    certificate: Pem
    key: Pem
    client_ca: Pem | None = None

    def __post_init__(self) -> None:
        self.configuration()
        self.warn_if_expired()

    def configuration(self) -> Any:
        """What is in the files now, for gRPC. OSError or ValueError where it can't be used."""
        pair = _read_pair(self.certificate, self.key, "ServerTls")
        roots = None if self.client_ca is None else _read_roots(self.client_ca, "client_ca")
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def credentials(self) -> Any:
        """gRPC's, for one server."""
        certificates = _Reloaded(self)
        return grpc.dynamic_ssl_server_credentials(
            self.configuration(),
            certificates.fetch,
            require_client_authentication=self.client_ca is not None,
        )

    def warn_if_expired(self) -> None:
        """In the log."""
        _warn_if_expired(self.certificate, "ServerTls")

    def stamp(self) -> object:
        """Changes when one of the files does."""
        return _stamps(self.certificate, self.key, self.client_ca)

    def __repr__(self) -> str:
        """Without the key, which may be the PEM itself."""
        return f"ServerTls(certificate={self.certificate!r}, client_ca={self.client_ca!r})"


class _Reloaded:
    """The files of one server. gRPC asks in a thread of its own, one connection after another."""

    def __init__(self, tls: ServerTls) -> None:
        self._tls = tls
        self._seen = tls.stamp()

    def fetch(self) -> Any:
        """None where nothing has changed, or nothing that can be used."""
        seen = self._tls.stamp()
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            configuration = self._tls.configuration()
        except (OSError, ValueError) as error:
            logger.error("the certificate that was loaded before is kept: %s", error)
            return None
        self._tls.warn_if_expired()
        logger.info("loaded anew: the certificate%s", _place(self._tls.certificate))
        return configuration


class ClientTls(msgspec.Struct, frozen=True):
    """A consumer's TLS: ``AsyncClient(target, tls=ClientTls("ca.pem"))``.

    Each is a path, or the PEM as bytes. Files are read at each connect.

    ca           who has signed the certificates of providers; else those whom gRPC trusts
    certificate  the consumer's own, for providers that ask for one (mTLS),
    key          and its private key, without a passphrase
    server_name  what the provider's certificate must be for, where it is not the host of the
                 target: for unix sockets, or behind a tunnel

    OSError for a file that can't be read, ValueError for what can't be used.
    """

    ca: Pem | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("ClientTls: certificate and key go together: give both, or neither")
        self.credentials()
        if self.certificate is not None:
            _warn_if_expired(self.certificate, "ClientTls")

    def credentials(self) -> Any:
        """gRPC's, of what is in the files now. OSError or ValueError where it can't be used."""
        roots = None if self.ca is None else _read_roots(self.ca, "ca")
        if self.certificate is None or self.key is None:
            return grpc.ssl_channel_credentials(roots)
        key, certificate = _read_pair(self.certificate, self.key, "ClientTls")
        return grpc.ssl_channel_credentials(roots, key, certificate)

    def stamp(self) -> object:
        """Changes when one of the files does."""
        return _stamps(self.ca, self.certificate, self.key)

    @property
    def options(self) -> Sequence[tuple[str, Any]]:
        name = self.server_name
        return () if name is None else (("grpc.ssl_target_name_override", name),)

    def __repr__(self) -> str:
        """Without the key, which may be the PEM itself."""
        return (
            f"ClientTls(ca={self.ca!r}, certificate={self.certificate!r}, "
            f"server_name={self.server_name!r})"
        )


def _read_pair(certificate: Pem, key: Pem, what: str) -> tuple[bytes, bytes]:
    """Key and certificate, as gRPC takes them."""
    texts = read(key, "key"), read(certificate, "certificate")
    try:
        check_pair(texts[1], texts[0])
    except ValueError as error:
        raise ValueError(f"{what}{_place(certificate)}: {error}") from None
    return texts


def _warn_if_expired(certificate: Pem, what: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # replaced at this moment: it is read again
        text = read(certificate, "certificate")
        warn_if_expired(text, f"the certificate of {what}{_place(certificate)}")


def _read_roots(source: Pem, what: str) -> bytes:
    text = read(source, what)
    try:
        check_roots(text)
    except ValueError as error:
        raise ValueError(f"{what}{_place(source)}: {error}") from None
    return text


def _stamps(*sources: Pem | None) -> object:
    return tuple(None if source is None else stamp(source) for source in sources)


def _place(source: Pem) -> str:
    return "" if isinstance(source, bytes) else f" of {source}"
