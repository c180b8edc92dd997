"""How a call ended, in gRPC's words: for filters that count and record."""

from facade.core.errors import RpcError, Status
from facade.core.result import Result


def status_of(outcome: Result | BaseException) -> Status:
    """The status of what a chain gave or raised.

    What a method raised is UNKNOWN, unless it says its own status; what a filter raised
    beside an RpcError is INTERNAL, as the caller is told.
    """
    if isinstance(outcome, Result):
        if outcome.expired:
            return Status.DEADLINE_EXCEEDED
        raised = outcome.exception
        if raised is None:
            return Status.OK
        return raised.status if isinstance(raised, RpcError) else Status.UNKNOWN
    if isinstance(outcome, RpcError):
        return outcome.status
    return Status.INTERNAL if isinstance(outcome, Exception) else Status.CANCELLED
