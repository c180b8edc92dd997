"""Send a bearer token with each call."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

from facade.core.cancellation import of_this_task
from facade.core.errors import Code, DeadlineExceeded, RpcError, Sent, Status
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import FilterSettings

logger = get_logger(__name__)

NAME = "authorization"
PREFIX = "Bearer "

# Targets that were warned of.
_warned: set[str] = set()


@activate(group=CONSUMER, order=-1_000, when="bearer")
class Bearer(Filter):
    """Send a token with each call.

    ``client.refer(Shop, bearer="...")``, or ``bearer=function``, which gives the token for
    each call and may be async: that is the place to renew it. A method may have its own, or
    None. It goes as the attachment "authorization", readable on the way without TLS: for
    a target on another machine the log then warns, once.

    Raises RpcError with Code.AUTHORIZATION where the function fails or gives no text, and
    DeadlineExceeded where it takes longer than the call may. Dubbo has none; its
    BasicAuthenticator uses the same attachment.
    """

    needs_loop = False
    # Of any type: an error of another type would show the token.
    keys: ClassVar[Any] = {"bearer": (object, bool)}

    def __init__(self, token: str | Callable[[], Any] | None) -> None:
        self._all = _source(token)
        self._own: dict[str, Any] = {}
        self._needs_loop_for(self._all)

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        tokens = settings.by_method("bearer")
        made = cls(tokens.default)
        made._own = {name: _source(token) for name, token in tokens.items()}
        for source in made._own.values():
            made._needs_loop_for(source)
        target = settings.get("open_target")
        if target is not None and any(source is not None for source in settings.all("bearer")):
            _warn(target)
        return made

    def _needs_loop_for(self, source: Any) -> None:
        if inspect.iscoroutinefunction(source):
            self.needs_loop = True

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        source = self._own.get(invocation.name, self._all)
        if source is None:
            return await invoker.invoke(invocation)
        if not isinstance(source, str):
            source = await self._fetch(source, invocation)
        invocation.attachments[NAME] = source
        return await invoker.invoke(invocation)

    async def _fetch(self, source: Callable[[], Any], invocation: Invocation) -> str:
        try:
            token = source()
            if inspect.isawaitable(token):
                token = await _given(token, invocation)
            return _header(token)
        except RpcError:
            raise
        except Exception as error:
            raise _none(invocation, error) from error


async def _given(token: Awaitable[Any], invocation: Invocation) -> Any:
    """Wait for it, as long as the call may take."""
    if asyncio._get_running_loop() is None:  # nothing waits on this thread: it is at hand, or fails
        return await token
    countdown = invocation.start_countdown()
    limit = asyncio.timeout(None if countdown is None else countdown.remaining)
    try:
        async with limit:
            return await token
    except TimeoutError:
        if not limit.expired():
            raise
        raise DeadlineExceeded(
            f"{invocation} was not sent: the function of bearer= gave no token in time",
            sent=Sent.NOT_SENT,
        ) from None
    except asyncio.CancelledError as error:
        if of_this_task():
            raise
        raise _none(invocation, error) from error


def _none(invocation: Invocation, error: BaseException) -> RpcError:
    return RpcError(
        f"{invocation} was not sent: the function of bearer= gave no token "
        f"({type(error).__name__})",
        code=Code.AUTHORIZATION,
        status=Status.UNAUTHENTICATED,
        sent=Sent.NOT_SENT,
    )


def _warn(target: str) -> None:
    if target not in _warned:
        _warned.add(target)
        logger.warning(
            "bearer= sends a token to %s, and who is on the way can read it: "
            "say tls= there and here",
            target,
        )


def _source(token: Any) -> Any:
    """The header, or the function that gives the token."""
    if token is None or callable(token):
        return token
    return _header(token)


def _header(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError(f"bearer is text, or a function that gives it, not {type(token).__name__}")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("bearer is no token: it is empty, or has characters that can't be sent")
    return PREFIX + token
