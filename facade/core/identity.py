"""Who the peer is, by the certificate that he has shown."""

from typing import NamedTuple


class Identity(NamedTuple):
    """What a verified certificate says. There is none without TLS on both sides (mTLS).

    ``common_name`` and ``subject`` are the certificate's ("CN=shop,O=Example"), ``names`` its
    subject alternative names: hosts, URIs, mail addresses. ``certificate`` is PEM text.
    """

    common_name: str
    names: tuple[str, ...]
    subject: str
    certificate: str

    def __contains__(self, name: object) -> bool:
        """Whether the certificate is for this name, as its common name or another."""
        return name in self.names or (bool(name) and name == self.common_name)

    def __repr__(self) -> str:
        """Without the certificate, which is long."""
        return (
            f"Identity(common_name={self.common_name!r}, names={self.names!r}, "
            f"subject={self.subject!r})"
        )
