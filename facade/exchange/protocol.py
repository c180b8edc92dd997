"""What the two ends of a stream agree on before the first call."""

from typing import Any

from facade.core.errors import Code, RpcError, Status
from facade.exchange.envelope import Envelope
from facade.exchange.settings import Settings

VERSION = 1

# Habits beyond the first version's minimum, as Setup names them.
ITEMS = "items"
FEATURES = (ITEMS,)


class Violation(RpcError):
    """The peer broke the rules of the stream, which ends with this status."""

    code = Code.SERIALIZATION
    status = Status.INVALID_ARGUMENT


def make_setup(settings: Settings) -> bytes:
    """A serialized envelope."""
    envelope = Envelope()
    setup = envelope.setup
    setup.version = VERSION
    setup.features.extend(FEATURES)
    setup.max_message_bytes = settings.max_message_size
    setup.max_calls = settings.max_calls
    setup.application = settings.application
    data: bytes = envelope.SerializeToString()
    return data


def check_setup(setup: Any) -> None:
    """Raises Violation for a version that is not ours."""
    if setup.version != VERSION:
        raise Violation(
            f"this end speaks version {VERSION} of the protocol, not {setup.version}",
            status=Status.FAILED_PRECONDITION,
        )
