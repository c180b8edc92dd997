"""What a client shows to be let in."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from facade.core.cancellation import of_this_task
from facade.core.errors import Code, DeadlineExceeded, RpcError, Sent, Status, Unavailable
from facade.core.log import get_logger

if TYPE_CHECKING:
    from facade.exchange.metadata import Pairs

logger = get_logger(__name__)

# Targets that were warned of.
_warned: set[str] = set()

Shown = Mapping[str, str | bytes]
Given = Shown | Callable[[], Awaitable[Shown]]


class Refused(RpcError):
    """The provider does not let us in. Trying again does not help, so nobody is to wait."""

    code = Code.AUTHORIZATION
    status = Status.UNAUTHENTICATED


class Credentials:
    """Names and values, or an ``async`` function that gives them: asked at each connect, and at
    each call that goes without a stream. TypeError for what is neither."""

    __slots__ = ("_ask", "_known")

    def __init__(self, given: Given) -> None:
        self._ask: Callable[[], Awaitable[Shown]] | None = None
        self._known: tuple[tuple[str, bytes], ...] = ()
        if isinstance(given, Mapping):
            self._known = tuple(sorted(_encoded(given).items()))
        elif callable(given):
            self._ask = given
        else:
            raise TypeError(
                "credentials is a mapping of names to str or bytes, or an async function that "
                f"gives one; not a {type(given).__name__}"
            )

    async def get(self, timeout: float | None) -> dict[str, bytes]:
        """Raises Unavailable where they can't be had, DeadlineExceeded where they can't in
        ``timeout`` seconds."""
        if self._ask is None:
            return dict(self._known)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                shown = self._ask()
                return _encoded(await shown if inspect.isawaitable(shown) else shown)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and of_this_task():
                raise
            if limit.expired():
                raise DeadlineExceeded(
                    f"credentials could not be had within {timeout:.3g} s: their function has "
                    "not ended",
                    sent=Sent.NOT_SENT,
                ) from None
            raise Unavailable(
                f"credentials could not be had: {type(error).__name__}: {error}",
                sent=Sent.NOT_SENT,
            ) from error

    async def metadata(self, timeout: float | None) -> "Pairs":
        """For a gRPC call of its own: text as it is, anything else under a name with "-bin"."""
        from facade.exchange.metadata import to_metadata  # for those who have some

        shown = await self.get(timeout)
        return to_metadata({name: _text(value) for name, value in shown.items()})

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Credentials)
            and self._known == other._known
            and self._ask == other._ask
        )

    def __hash__(self) -> int:
        return hash((self._known, self._ask))

    def __repr__(self) -> str:
        return "<Credentials>"  # this lands in logs


def warn_of(target: str, given: Credentials | None) -> None:
    """Once: who is on the way there can read them."""
    if given is not None and target not in _warned:
        _warned.add(target)
        logger.warning(
            "credentials= are sent to %s, and who is on the way can read them: say tls= there "
            "and here",
            target,
        )


def from_metadata(metadata: Any) -> dict[str, bytes]:
    """What a gRPC call shows. A text may be a credential, or anything else."""
    from facade.exchange.metadata import BINARY  # for those who ask for some

    return _encoded({name.removesuffix(BINARY): value for name, value in metadata or ()})


def _encoded(shown: Shown) -> dict[str, bytes]:
    encoded: dict[str, bytes] = {}
    for name, value in shown.items():
        if not isinstance(name, str) or not isinstance(value, (str, bytes)):
            raise TypeError("credentials are names, str, and values, str or bytes")
        encoded[name.lower()] = value.encode() if isinstance(value, str) else value
    return encoded


def _text(value: bytes) -> str | bytes:
    return value.decode() if value.isascii() and value.decode().isprintable() else value
