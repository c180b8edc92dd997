"""How a gRPC call failed, as one of our errors: what its provider said, by status and metadata."""

import re
from time import monotonic
from typing import Any

from facade.core.errors import (
    BY_STATUS,
    Code,
    DeadlineExceeded,
    LimitExceeded,
    RemoteError,
    RpcError,
    Sent,
    Status,
    Unavailable,
)
from facade.core.invocation import Invocation
from facade.exchange.handshake import HandshakeFailed, refusal, suspicion
from facade.exchange.metadata import EXECUTION, NOT_STARTED, RICH_STATUS
from facade.exchange.overdue import timeout_text
from facade.exchange.richstatus import decode_details
from facade.exchange.tls import ClientTls

# Names the class of what the method raised, where the provider says it.
EXCEPTION_TYPE = "exception-type"

# (Dubbo: TriRpcStatus#triCodeToDubboCode, which leaves the second to UNKNOWN)
_CODES = {
    Status.PERMISSION_DENIED: Code.FORBIDDEN,
    Status.UNAUTHENTICATED: Code.AUTHORIZATION,
    Status.INVALID_ARGUMENT: Code.VALIDATION,
}

# Texts of C-core for what went wrong at this end. A provider may pass on the first, of calls
# that he makes, and the other one is of his answer where it says so.
_UNREACHED = re.compile(r"ailed to connect to all addresses|errors? resolving")
_UNSENT = re.compile(r"(?<!SERVER: )Sent message larger")
_TOO_LARGE = re.compile(r"(Sent|Received) message larger than max \(")
_LOST = re.compile(r"Socket closed|[Cc]onnection reset|GOAWAY|onnection|keepalive|[Bb]roken pipe")


def read_error(
    error: Any,
    invocation: Invocation,
    started: float,
    tls: ClientTls | None = None,
    *,
    connected: bool = False,
) -> RpcError:
    """Of a ``grpc.aio.AioRpcError``; ``started`` is when it was begun, by ``monotonic``.
    ``connected``: whether there is a connection, so that it is no failure to make one."""
    status = Status(error.code().value[0])
    text = error.details() or ""
    trailing = dict(tuple(error.trailing_metadata()))
    countdown = invocation.countdown
    is_late = status in (Status.DEADLINE_EXCEEDED, Status.CANCELLED)
    # gRPC reports a late call as CANCELLED now and then: our own clock decides.
    if is_late and countdown is not None and countdown.remaining <= countdown.timeout * 0.1:
        return late(invocation, started)
    if _UNSENT.search(text) or (not connected and _UNREACHED.search(text)):
        return _unsent(status, text, invocation, tls)
    if _TOO_LARGE.search(text):
        text = f"{invocation}: {text}: raise max_message_size at both ends, or return less"
    details = decode_details(trailing.get(RICH_STATUS, b""))
    kind = trailing.get(EXCEPTION_TYPE)
    if kind:
        return RemoteError(text, type=str(kind), status=status, remote=True, details=details)
    return BY_STATUS.get(status, RpcError)(
        text or status.name,
        code=_CODES.get(status),
        status=status,
        # No status says so, not even UNIMPLEMENTED: a method may have it from a call of its own.
        sent=(Sent.NOT_EXECUTED if trailing.get(EXECUTION) == NOT_STARTED else Sent.MAYBE_EXECUTED),
        remote=not (status is Status.UNAVAILABLE and _LOST.search(text)),
        details=details,
    )


def late(invocation: Invocation, started: float) -> DeadlineExceeded:
    """Our own clock says that its time is up."""
    return DeadlineExceeded(
        timeout_text(invocation, started, min(started, monotonic()), invocation.remote_address)
    )


def _unsent(status: Status, text: str, invocation: Invocation, tls: ClientTls | None) -> RpcError:
    if status is Status.RESOURCE_EXHAUSTED:
        return LimitExceeded(
            f"{invocation}: {text}: raise max_message_size at both ends, or send less",
            sent=Sent.NOT_SENT,
        )
    target = invocation.remote_address
    refused = refusal(text, target, tls)
    if refused is not None:
        return HandshakeFailed(f"cannot reach {target}: {refused}", sent=Sent.NOT_SENT)
    reason = text.rsplit(": ", 1)[-1].rstrip("]") + suspicion(text, tls)
    return Unavailable(f"cannot reach {target}: {reason}", sent=Sent.NOT_SENT)
