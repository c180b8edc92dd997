"""What filters that know their callers refuse, and of which method."""

from facade.core.errors import Code, RpcError, Sent, Status
from facade.core.invocation import Invocation


def asked(invocation: Invocation) -> str:
    """The method that a generic call is about, or else its own name."""
    if invocation.name.startswith("$invoke") and invocation.arguments:
        return str(invocation.arguments[0]).strip()
    return invocation.name


def unauthorized(invocation: Invocation, why: str) -> RpcError:
    return RpcError(
        f"{invocation} was refused: {why}",
        code=Code.AUTHORIZATION,
        status=Status.UNAUTHENTICATED,
        sent=Sent.NOT_EXECUTED,
    )
