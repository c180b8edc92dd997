"""Where native calls come in. What answers them is imported with the first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from facade.provider.native.calls import NativeCalls


class NativeDoor(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The NativeCalls of a server, once there are any: ``make`` makes them."""

    def __init__(self, make: Callable[[], "NativeCalls"]) -> None:
        self._make = make
        self._made: NativeCalls | None = None
        self._stopping = self._local_address = ""

    @property
    def calls(self) -> "NativeCalls":
        if self._made is None:
            self._made = self._make()
            self._made.local_address = self._local_address
            self._made.stopping = self._stopping
        return self._made

    def listens(self, address: str) -> None:
        """Where calls come in from now on."""
        self._local_address = address
        if self._made is not None:
            self._made.local_address = address

    @property
    def mounted(self) -> list[str]:
        return [] if self._made is None else self._made.mounted

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        """For gRPC: who answers this path."""
        return self.calls.service(details)

    async def drain(self, reason: str, grace: float) -> None:
        """Let the calls under way end for ``grace`` seconds, then end them."""
        self._stopping = reason
        if self._made is not None:
            await self._made.drain(reason, grace)
