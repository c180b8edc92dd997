"""What to say when a call through a cluster fails."""

from collections.abc import Iterable
from typing import TypeVar

from facade.cluster.directory import Directory
from facade.cluster.endpoint import Endpoint
from facade.cluster.tag import TAG
from facade.core.errors import Code, RpcError, Sent, Unavailable
from facade.core.invocation import Invocation
from facade.core.result import Result

E = TypeVar("E", bound=RpcError)

# What the caller should be told as it is: it was not for want of a provider.
_AS_IT_IS = frozenset(
    {
        Code.AUTHORIZATION,
        Code.BIZ,
        Code.FORBIDDEN,
        Code.METHOD_NOT_FOUND,
        Code.SERIALIZATION,
        Code.TIMEOUT_TERMINATE,
        Code.VALIDATION,
    }
)


def no_provider(invocation: Invocation, directory: Directory) -> Unavailable:
    """Nothing can be called. (Dubbo's text: AbstractClusterInvoker#checkInvokers)"""
    known = directory.size
    why = "Please check if the providers have been started and registered."
    if known:
        why = f"None of the {known} that are registered is let through by the routers."
        tags = {endpoint.provider.tag for endpoint in directory.endpoints}
        if tags and all(tags):
            named = ", ".join(sorted(tags))
            why += f" All of them take only calls with a tag, in the attachment {TAG}: {named}."
    return Unavailable(
        f"Failed to invoke the method {invocation.name} in the service {invocation.service}. No "
        f"provider available for the service {invocation.service_key} from registry "
        f"{directory.registry}. {why}",
        code=Code.NO_INVOKER_AVAILABLE,
        sent=Sent.NOT_SENT,
    )


def failed(
    how: str, error: E, invocation: Invocation, tried: Iterable[Endpoint], directory: Directory
) -> E:
    """The same error, which names the providers tried, how many there are, and where from.

    What has nothing to do with the provider stays as it is. (Dubbo's text:
    FailoverClusterInvoker)
    """
    if error.code in _AS_IT_IS:
        return error
    tried = list(tried)
    addresses = list(dict.fromkeys(endpoint.address for endpoint in tried))
    times = "once" if len(tried) == 1 else f"{len(tried)} times"
    return renamed(
        error,
        f"{how} the method {invocation.name} in the service {invocation.service}. Tried {times}, "
        f"of the providers [{', '.join(addresses)}] ({len(addresses)}/{directory.size}) from "
        f"the registry {directory.registry}. Last error is: {error.message}",
    )


def of_all(error: E, others: Iterable[Result | RpcError]) -> E:
    """The same error, of a call that went to ``others``, too: it may have run where it has at one
    of them, or may have."""
    if all(isinstance(o, RpcError) and o.sent is not Sent.MAYBE_EXECUTED for o in others):
        return error
    twin = renamed(error, error.message)
    twin.sent = Sent.MAYBE_EXECUTED
    return twin


def renamed(error: E, message: str) -> E:
    """The same error with another message. One object may be raised for several calls."""
    twin = type(error).__new__(type(error), message)
    twin.__dict__.update(error.__dict__)
    twin.message = message
    twin.__cause__ = error.__cause__
    twin.__traceback__ = error.__traceback__
    return twin
