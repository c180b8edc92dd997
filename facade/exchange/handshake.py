"""Why two ends could not agree on TLS, in words that say what to do."""

import re
from typing import TYPE_CHECKING

from facade.core.errors import Unavailable

if TYPE_CHECKING:
    from facade.exchange.tls import ClientTls

# The last words of OpenSSL's (BoringSSL's) reasons, which stand in gRPC's text.
_REASON = r"OPENSSL_internal:([A-Z0-9_]+)(?:: (.*?))?(?:: OK)?$"


class HandshakeFailed(Unavailable):
    """TLS was refused, here or there. Trying again does not help, so nobody is to wait."""


def refusal(details: str, target: str, tls: "ClientTls | None") -> str | None:
    """What the error of a failed connect says of TLS, where trying again does not help."""
    if tls is None:
        return None
    if "Hostname Verification Check failed" in details or "not in peer certificate" in details:
        name = tls.server_name or target
        return (
            f"its certificate is not for {name!r}: ClientTls(server_name=) says which name it "
            "is for, where that is not the host of the target"
        )
    if "ALPN" in details:
        return "it speaks TLS, and no HTTP/2 over it (ALPN): is it a gRPC server?"
    found = re.search(_REASON, details) if "SSL_ERROR_SSL" in details else None
    if found is None:
        return None
    reason, more = found[1], found[2]
    if reason == "CERTIFICATE_VERIFY_FAILED":
        return f"its certificate is not trusted: {more} (ClientTls(ca=) says whom to trust)"
    if reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS: leave tls= out here, or say it there"
    return f"TLS failed: {reason.lower().replace('_', ' ')}"


def suspicion(details: str, tls: "ClientTls | None") -> str:
    """A provider that hangs up at once may have its reasons; it may also just be stopping."""
    if "Socket closed" not in details and "Connection reset by peer" not in details:
        return ""
    if tls is None:
        return " (does it take TLS only? Then say tls=)"
    return (
        " (TLS was spoken: does it ask for a certificate, or not trust that of "
        "ClientTls(certificate=, key=)?)"
    )
