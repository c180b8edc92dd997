"""What a client is told of the providers of one service."""

import asyncio
from collections.abc import Sequence
from contextvars import Context

from facade.cluster import Directory
from facade.core.errors import Code, Sent, Unavailable
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.loops import Home
from facade.registry.provider import Provider
from facade.registry.registry import FIRST_LIST, Registry
from facade.registry.subscription import Subscription

logger = get_logger(__name__)


class Watch:
    """One subscription for all directories of a service. It begins with the first call."""

    def __init__(self, registry: Registry, place: str, key: str, *, wait: bool, home: Home) -> None:
        self.key = key
        self._home = home
        self._registry = registry
        self._place = place
        # Whether calls wait for the first list as long as they may take.
        self._wait = wait
        self._directories: list[Directory] = []
        self._task: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._providers: Sequence[Provider] | None = None
        self._first = asyncio.Event()
        # Why the registry could not be asked last.
        self._failure: Exception | None = None

    async def follow(self, directory: Directory, timeout: float | None, what: object) -> None:
        """Keep it up to date from now on; wait for the first list as ``told`` does."""
        self._home.check()
        if directory not in self._directories:
            self._directories.append(directory)
            if self._providers is not None:
                directory.update(self._providers)
        await self.told(timeout, what)

    async def told(self, timeout: float | None, what: object) -> Sequence[Provider]:
        """The providers. Unavailable where no list came for so many seconds; RuntimeError in
        another event loop than that of the client."""
        self._home.check()
        if self._providers is not None:
            return self._providers
        if self._task is None:
            self._failure = None
            # Nothing of who called first is to live on in it.
            self._task = asyncio.create_task(
                self._subscribe(), name="facade-subscribe", context=Context()
            )
        patience = timeout if self._wait else min(FIRST_LIST, timeout or FIRST_LIST)
        try:
            async with asyncio.timeout(patience):
                await self._first.wait()
        except TimeoutError:
            raise Unavailable(
                f"{what}: the registry {self._place} has not told within {patience:.3g} s who "
                f"provides {self.key}",
                code=Code.NO_INVOKER_AVAILABLE,
                sent=Sent.NOT_SENT,
            ) from None
        if self._providers is None and self._failure is not None:
            raise Unavailable(
                f"{what}: the registry {self._place} can't be asked who provides {self.key}: "
                f"{self._failure}",
                code=Code.NO_INVOKER_AVAILABLE,
                sent=Sent.NOT_SENT,
            ) from self._failure
        return self._providers or ()

    async def called(self, directory: Directory, invocation: Invocation) -> None:
        """The same for the first call of a directory."""
        countdown = invocation.start_countdown()
        await self.follow(directory, None if countdown is None else countdown.remaining, invocation)

    async def _subscribe(self) -> None:
        try:
            self._subscription = await self._registry.subscribe(self.key, self._changed)
        except Exception as error:
            logger.exception("the providers of %s can't be asked for", self.key)
            self._task, self._failure = None, error  # the next call tries again
            waiting, self._first = self._first, asyncio.Event()
            waiting.set()

    def _changed(self, providers: Sequence[Provider]) -> None:
        self._providers = providers
        for directory in self._directories:
            directory.update(providers)
        self._first.set()

    def refresh(self) -> None:
        """One of the providers has just failed."""
        if self._subscription is not None:
            self._subscription.refresh()

    async def close(self) -> None:
        """Tell nobody any more. The subscription ends with its registry."""
        self._directories.clear()
        self._first.set()  # who waits for it finds that the client is closed
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
