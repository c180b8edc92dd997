"""Who the peer is, by the certificate that he has shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified certificate says. There is none without TLS on both sides (mTLS).

    ``common_name`` and ``subject`` are the certificate's ("CN=shop,O=Example"), ``names`` its
    subject alternative names: hosts, URIs, mail addresses. ``certificate`` is PEM text.
    """

    common_name: str
    names: tuple[str, ...]
    subject: str
    certificate: str = field(repr=False)

    def __contains__(self, name: str) -> bool:
        """Whether the certificate is for this name, as its common name or another."""
        return name in self.names or (bool(name) and name == self.common_name)
