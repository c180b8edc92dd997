"""What the exchange needs of a stream, whatever carries it."""

from typing import Protocol

from facade.core.errors import RpcError


class FrameStream(Protocol):
    """Serialized frames in both directions. One reader, one writer.

    ``read`` gives None when the peer has ended it; ``read`` and ``write`` raise
    Unavailable, or what status the peer gave, when it is broken. ``finish`` says that
    nothing more will be written. ``close`` ends it for both: at once, and with the
    status of ``error`` where the peer is to learn one.
    """

    local_address: str
    remote_address: str

    async def read(self) -> bytes | None: ...
    async def write(self, frame: bytes) -> None: ...
    async def finish(self) -> None: ...
    def close(self, error: RpcError | None = None) -> None: ...
