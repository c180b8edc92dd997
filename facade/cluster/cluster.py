"""What makes one invoker of many."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any

from facade.cluster.chooser import Chooser
from facade.cluster.directory import Directory
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import failed
from facade.core.errors import Code, InvalidArgument, RpcError, Sent
from facade.core.invocation import Invocation
from facade.core.result import Result


class Cluster(ABC):
    """Calls some of the endpoints of a service. (Dubbo: AbstractClusterInvoker)

    It stands between the filters of the call, which see it once, and those of an attempt,
    which each endpoint has. It belongs to one event loop.
    """

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    @property
    def directory(self) -> Directory:
        return self._chooser.directory

    @property
    def available(self) -> bool:
        """Whether a call would find an endpoint that is connected."""
        return any(e.usable and e.available for e in self.directory.endpoints)

    @abstractmethod
    def invoke(self, invocation: Invocation, /) -> Awaitable[Result]: ...

    def _failed(
        self, error: RpcError, invocation: Invocation, tried: Sequence[Endpoint]
    ) -> RpcError:
        return failed("Failed to invoke", error, invocation, tried, self.directory)

    async def close(self) -> None:
        """Let calls under way end, and hang up."""
        await self.directory.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.directory.service!r})"


class Nothing:
    """A stream without any items."""

    def __aiter__(self) -> "Nothing":
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


def empty(invocation: Invocation) -> Result:
    """What stands in for an answer: None, or a stream without items."""
    yields = invocation.method is not None and invocation.method.yields
    return Result(Nothing() if yields else None)


def is_streamed(invocation: Invocation) -> bool:
    """Whether arguments are streams: those can be read once."""
    return invocation.method is not None and bool(invocation.method.streamed)


def refuse_streamed(invocation: Invocation, what: str) -> None:
    """InvalidArgument where an argument would have to be sent to several."""
    if is_streamed(invocation):
        raise InvalidArgument(
            f"{invocation} was not sent: {what} calls several providers, and an argument that is "
            'a stream can be read once. Say cluster="failover" for this method',
            code=Code.VALIDATION,
            sent=Sent.NOT_SENT,
        )
