"""What the two ends of a stream agree on before the first call."""

from collections.abc import Mapping
from typing import Any

from facade.core.errors import Code, RpcError, Sent, Status, Unavailable
from facade.exchange.envelope import Envelope
from facade.exchange.limits import Limits
from facade.exchange.settings import Settings

VERSION = 1

# Habits beyond the first version's minimum, as Setup names them.
ITEMS = "items"
CHUNKS = "chunks"
FEATURES = (ITEMS, CHUNKS)


class Violation(RpcError):
    """The peer broke the rules of the stream, which ends with this status."""

    code = Code.SERIALIZATION
    status = Status.INVALID_ARGUMENT


def make_setup(settings: Settings, credentials: Mapping[str, bytes] | None = None) -> bytes:
    """A serialized envelope. ``credentials``: what this end shows to be let in."""
    envelope = Envelope()
    setup = envelope.setup
    setup.version = VERSION
    setup.features.extend(FEATURES)
    setup.max_message_bytes = settings.max_message_size
    setup.max_calls = settings.max_calls
    setup.application = settings.application
    for name, value in (credentials or {}).items():
        setup.credentials[name] = value
    data: bytes = envelope.SerializeToString()
    return data


def check_setup(setup: Any) -> None:
    """Raises Violation for a version that is not ours."""
    if setup.version != VERSION:
        raise Violation(
            f"this end speaks version {VERSION} of the protocol, not {setup.version}",
            status=Status.FAILED_PRECONDITION,
        )


def no_setup(address: str, limits: Limits) -> Unavailable:
    """Why a stream is given up that came to nothing."""
    return Unavailable(
        f"{address} sent no setup within {limits.handshake_timeout:g} s (handshake_timeout)",
        sent=Sent.NOT_SENT,
    )
