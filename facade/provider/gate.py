"""Who may come in."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from facade.core.errors import Code, RpcError, Sent, Status, Unavailable
from facade.core.hook import call
from facade.core.log import get_logger
from facade.exchange.answering import Peer
from facade.exchange.envelope import Frame, parse
from facade.exchange.limits import Limits
from facade.exchange.stream import FrameStream

logger = get_logger(__name__)

# Gives who it is, for ``RpcContext.service().remote_identity``; raises, or gives None, for
# somebody who may not come in.
Authenticate = Callable[[Peer, Mapping[str, bytes]], Awaitable[object] | object]


class Gate:
    """Asks ``authenticate`` about each stream, and each call that comes without one, before
    anything else is done for it. Without ``authenticate`` it is open."""

    def __init__(self, authenticate: Authenticate | None, limits: Limits) -> None:
        if authenticate is not None and not callable(authenticate):
            raise TypeError(
                f"authenticate is a function, called with the peer and what he shows as "
                f"credentials; not {authenticate!r}"
            )
        self._authenticate = authenticate
        self._patience = limits.handshake_timeout

    def __bool__(self) -> bool:
        return self._authenticate is not None

    async def admit(self, peer: Peer, credentials: Mapping[str, bytes]) -> Any:
        """Who it is. Raises RpcError: UNAUTHENTICATED, which does not tell why, or what
        ``authenticate`` raised of that kind itself."""
        assert self._authenticate is not None
        try:
            async with asyncio.timeout(self._patience) as scope:
                identity = await call(self._authenticate, peer, credentials)
        except RpcError as error:
            error.sent = Sent.NOT_EXECUTED
            raise
        except Exception as error:
            if scope.expired() and isinstance(error, TimeoutError):  # and none of its own
                logger.error("authenticate took longer than %g s for %r", self._patience, peer)
                raise Unavailable(
                    f"who you are could not be found out within {self._patience:g} s "
                    "(handshake_timeout)",
                    sent=Sent.NOT_EXECUTED,
                ) from None
            logger.warning("refused %r: %s: %s", peer, type(error).__name__, error)
            raise _refusal() from None
        if identity is None:
            logger.warning("refused %r: authenticate does not know who it is", peer)
            raise _refusal()
        return identity

    async def open(self, stream: FrameStream) -> FrameStream | None:
        """The stream, once it has shown who it is from. None where that is nobody, and it has
        been ended."""
        if self._authenticate is None:
            return stream
        peer = Peer(stream.remote_address, stream.local_address, stream.identity)
        try:
            first = await asyncio.wait_for(stream.read(), self._patience)
            if first is stream.end:
                return None
            stream.identity = await self.admit(peer, _credentials(first, peer))
        except RpcError as error:
            stream.close(error)
            return None
        except TimeoutError:
            stream.close(_refusal())
            return None
        except Exception as error:
            if stream.explain(error) is None:
                raise
            with contextlib.suppress(Exception):
                stream.close(None)
            return None
        return Begun(stream, first)


def _credentials(frame: bytes, peer: Peer) -> Mapping[str, bytes]:
    """Those of the setup. Nothing else is looked at before they are good."""
    try:
        envelopes = parse(frame, Frame).envelopes
    except ValueError:
        raise _refusal() from None
    if not envelopes or envelopes[0].WhichOneof("kind") != "setup":
        raise _refusal()
    setup = envelopes[0].setup
    peer.application = setup.application
    return dict(setup.credentials)


def _refusal() -> RpcError:
    return RpcError(
        "the credentials are missing, or not accepted (AsyncClient: credentials)",
        code=Code.AUTHORIZATION,
        status=Status.UNAUTHENTICATED,
        sent=Sent.NOT_EXECUTED,
    )


class Begun:
    """A stream whose first frame has been read, and is read again."""

    def __init__(self, stream: FrameStream, first: Any) -> None:
        self.local_address = stream.local_address
        self.remote_address = stream.remote_address
        self.identity = stream.identity
        self.end = stream.end
        self.write = stream.write
        self.explain = stream.explain
        self.finish = stream.finish
        self.close = stream.close
        self._stream = stream
        self._first = first

    async def read(self) -> Any:
        if self._first is None:
            return await self._stream.read()
        first, self._first = self._first, None
        return first
