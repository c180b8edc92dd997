"""What filters that know their callers refuse: of which method, and without which settings."""

from collections.abc import Sequence

from facade.core.errors import Code, RpcError, Sent, Status
from facade.core.invocation import Invocation
from facade.core.settings import FilterSettings


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


def check_meant(settings: FilterSettings, meant: Sequence[str], needed: str, filter: str) -> None:
    """ValueError where one of these settings is said, and nothing that is ``needed``: nobody is to
    believe to be guarded where nothing is verified. ``partial`` settings may get it yet."""
    for name in meant:
        if not settings.partial and any(value is not None for value in settings.all(name)):
            raise ValueError(
                f"{name} is said, and nothing would be verified: give {needed}, or say that it is "
                f'open by filters=["-{filter}"]'
            )
