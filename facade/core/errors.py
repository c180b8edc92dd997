"""What can go wrong with a call.

    RpcError                 catch this for "the call failed"
    ├── DeadlineExceeded     the time ran out, here or at the provider; also a TimeoutError
    ├── Unavailable          no connection, a broken one, or a provider that stops
    ├── Unimplemented        no such service, method, group or version
    ├── InvalidArgument      arguments do not fit the method; also a TypeError
    ├── LimitExceeded        a limit was reached: the message says which, and its value
    └── RemoteError          the method raised something that is not known by name here

An exception of the method that is known by name (Python's own, and those declared
with ``facade.error``) is raised as itself, and is no RpcError.
"""

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Any


class Code(IntEnum):
    """Dubbo's codes, by its numbers. (Dubbo: RpcException)"""

    UNKNOWN = 0
    NETWORK = 1
    TIMEOUT = 2
    BIZ = 3
    FORBIDDEN = 4
    SERIALIZATION = 5
    NO_INVOKER_AVAILABLE = 6
    LIMIT_EXCEEDED = 7
    TIMEOUT_TERMINATE = 8
    REGISTRY = 9
    ROUTER_CACHE_NOT_BUILT = 10
    METHOD_NOT_FOUND = 11
    VALIDATION = 12
    AUTHORIZATION = 13


class Status(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Sent(Enum):
    """How far a failed call came: what decides whether it is safe to send it again."""

    NOT_SENT = "not sent"
    NOT_EXECUTED = "refused before it was started"
    MAYBE_EXECUTED = "maybe executed"


class RpcError(Exception):
    """The call failed, and it was not the method that raised.

    ``remote`` says that the other end reported it. ``details`` are further typed
    messages (``google.protobuf.Any``), as in google.rpc.Status.
    """

    code: Code = Code.UNKNOWN
    status: Status = Status.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: Code | None = None,
        status: Status | None = None,
        sent: Sent = Sent.MAYBE_EXECUTED,
        remote: bool = False,
        details: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        self.sent = sent
        self.remote = remote
        self.details = tuple(details)

    def __str__(self) -> str:
        return self.message


class DeadlineExceeded(RpcError, TimeoutError):
    """The time ran out. With ``code`` TIMEOUT_TERMINATE it had, before this call was made."""

    code = Code.TIMEOUT
    status = Status.DEADLINE_EXCEEDED


def no_time_left(call: object) -> DeadlineExceeded:
    """Of a call whose time was up before it was made. (Dubbo's text: ConsumerContextFilter)"""
    return DeadlineExceeded(
        f"No time left for making the following call: {call}, terminate directly.",
        code=Code.TIMEOUT_TERMINATE,
        sent=Sent.NOT_SENT,
    )


class Unavailable(RpcError):
    """The provider can't be reached, went away, or stops."""

    code = Code.NETWORK
    status = Status.UNAVAILABLE


class Unimplemented(RpcError):
    """The provider has no such service, method, group or version."""

    code = Code.METHOD_NOT_FOUND
    status = Status.UNIMPLEMENTED


class InvalidArgument(RpcError, TypeError):
    """The arguments do not fit the method, or one of them can't be encoded."""

    code = Code.SERIALIZATION
    status = Status.INVALID_ARGUMENT


class LimitExceeded(RpcError):
    """A limit was reached. The message names it and its value."""

    code = Code.LIMIT_EXCEEDED
    status = Status.RESOURCE_EXHAUSTED


class RemoteError(RpcError):
    """The method raised an exception that this end does not know: ``type`` is its name."""

    code = Code.BIZ
    status = Status.UNKNOWN

    def __init__(self, message: str, *, type: str, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.type = type

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


class Quoting(RpcError):
    """Of a servicer that had set a code, and then raised something: the text is that of this, its
    cause, which need not be meant for callers."""


# What a caller would catch apart, where nothing but the status tells.
BY_STATUS: dict[int, type[RpcError]] = {
    error.status: error
    for error in (DeadlineExceeded, Unavailable, Unimplemented, InvalidArgument, LimitExceeded)
}
