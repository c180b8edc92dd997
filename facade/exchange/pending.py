"""Calls that wait for an answer, and who is told of it."""

from typing import Any, Protocol

from facade.core.errors import InvalidArgument, Sent
from facade.core.invocation import Invocation
from facade.exchange.outbox import Sendable


class Send(Protocol):
    """Queue a serialized envelope; ``call`` is told when it goes. ``alone`` says that nothing
    is likely to follow at once, so that it need not wait for company."""

    def __call__(
        self, envelope: bytes, call: Sendable | None = None, alone: bool = False
    ) -> None: ...


class Waiter(Protocol):
    """Who is told of the answer: a future, or what looks like one."""

    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, error: BaseException, /) -> None: ...


class PendingCall:
    """A call that waits for its answer."""

    __slots__ = ("deadline", "dropped", "id", "invocation", "sent_at", "started", "waiter")

    def __init__(
        self,
        waiter: Waiter,
        invocation: Invocation,
        started: float,
        deadline: float | None,
    ) -> None:
        self.id = 0
        self.waiter = waiter
        self.invocation = invocation
        self.started = started
        self.deadline = deadline
        self.sent_at: float | None = None
        self.dropped = False

    @property
    def sent(self) -> Sent:
        return Sent.NOT_SENT if self.sent_at is None else Sent.MAYBE_EXECUTED


class Post(PendingCall):
    """A oneway call that waits until it is written, and tells when it begins to be."""

    __slots__ = ("_posted", "_taken_at")

    def __init__(self, posted: list[PendingCall], *facts: Any) -> None:
        self._posted = posted
        super().__init__(*facts)

    @property
    def sent_at(self) -> float | None:
        return self._taken_at

    @sent_at.setter
    def sent_at(self, now: float | None) -> None:
        self._taken_at = now
        if now is not None:
            self._posted.append(self)


class Part:
    """Goes with a call that was sent before it, and nowhere without it."""

    __slots__ = ("call", "sent_at")

    def __init__(self, call: PendingCall) -> None:
        self.call = call
        self.sent_at: float | None = None

    @property
    def dropped(self) -> bool:
        return self.call.dropped and self.call.sent_at is None


def unexpected_stream(invocation: Invocation) -> InvalidArgument:
    return InvalidArgument(
        f"{invocation} has a stream at the provider where it has none here: the interfaces differ "
        "(and without one, a method that gives a stream is called by stream())"
    )
