"""What the exchange needs of a stream, whatever carries it."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from facade.core.errors import RpcError


class FrameStream(Protocol):
    """Serialized frames in both directions. One reader, one writer.

    ``read`` gives ``end`` when the peer has ended it. What ``read`` and ``write`` raise
    when it is broken is the carrier's own: ``explain`` makes an RpcError of it. (They are
    the carrier's own methods where it has such, as a wrapper would be felt.) ``finish``
    says that nothing more will be written. ``close`` ends it for both: at once, and with
    the status of ``error`` where the peer is to learn one. ``identity``: the peer's, where
    the carrier knows it.
    """

    local_address: str
    remote_address: str
    identity: Any

    @property
    def end(self) -> object: ...
    @property
    def read(self) -> Callable[[], Coroutine[Any, Any, Any]]: ...
    @property
    def write(self) -> Callable[[bytes], Coroutine[Any, Any, None]]: ...

    def explain(self, error: Exception) -> RpcError | None:
        """None for what is no error of the stream, but a bug."""
        ...

    async def finish(self) -> None: ...
    def close(self, error: RpcError | None = None) -> None: ...


class ConsumerStream(FrameStream, Protocol):
    """A stream that this end opened: what it is part of can be asked besides."""

    async def describe(self, request: bytes, timeout: float) -> bytes:
        """One Describe call, beside the stream. Raises RpcError."""
        ...

    async def gone(self) -> None:
        """After ``close``: wait, a second at most, until the carrier has no more to say of it."""
        ...
