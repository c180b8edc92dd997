"""The ways to the providers of a cluster: connections, and what is around them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import Context

from facade.consumer.chains import Chains, Ends
from facade.consumer.wire import Wire
from facade.core.chain import is_available
from facade.core.filter import Filter, Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.registry.provider import Provider

# Seconds between looks at whether the last calls to a provider that is gone have ended.
_LOOK = 0.05

# Seconds that calls under way have at a provider that is gone, where they can't be watched.
_GRACE = 30.0

_Place = tuple[str, bool]


class Wires:
    """The wires of one client by address, each as long as a service uses it. ``gone`` is told of
    an address that has none any more."""

    def __init__(
        self, make: Callable[[Provider], Wire], gone: Callable[[str], None] = lambda address: None
    ) -> None:
        self._make = make
        self._gone = gone
        self._open: dict[_Place, Wire] = {}
        self._users: dict[Wire, int] = {}
        self._closing = asyncio.Event()
        # For calls that `busy` does not see: unary ones.
        self._grace = _GRACE
        # Of those that are being hung up: a close of the client may not wait so long for them.
        self._limits: set[asyncio.Timeout] = set()
        self._leaving: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Wire]:
        """All that are open; those of providers that are gone, too."""
        return iter(list(self._users))

    def take(self, provider: Provider) -> Wire:
        """Give it back."""
        place = provider.address, provider.exchange
        wire = self._open.get(place)
        if wire is None:
            wire = self._open[place] = self._make(provider)
            self._users[wire] = 0
        self._users[wire] += 1
        return wire

    async def give_back(self, wire: Wire) -> None:
        """The last one hangs up, when all calls have ended: their providers still answer."""
        self._users[wire] -= 1
        if self._users[wire]:
            return
        left = [place for place, each in self._open.items() if each is wire]
        for place in left:
            del self._open[place]
        try:
            while wire.busy and not self._closing.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._closing.wait()
        finally:
            self._users.pop(wire, None)
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    self._limits.add(limit)
                    try:
                        await wire.close(self._grace)
                    finally:
                        self._limits.discard(limit)
            for address in {place[0] for place in left} - {place[0] for place in self._open}:
                self._gone(address)

    def leave(self, wire: Wire) -> None:
        """Give it back, and don't wait for it."""
        # Nothing of who used it is to live on in it.
        task = asyncio.create_task(self.give_back(wire), name="facade-close", context=Context())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def close(self, grace: float) -> None:
        """From now on calls under way have so many seconds."""
        self._grace = grace
        self._closing.set()
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time() + grace)

    async def left(self) -> None:
        """Wait for those that nobody waits for."""
        await asyncio.gather(*self._leaving, return_exceptions=True)


class Way:
    """The way of one service to one provider: its filters of attempts, and the wire."""

    def __init__(
        self, wires: Wires, wire: Wire, filters: Sequence[Filter], lost: Callable[[], None]
    ) -> None:
        self._wires = wires
        self._wire = wire
        self._lost = lost
        self._begun = False
        self._lease = wire.lease
        self._chains = Chains(filters, Ends(wire.end, wire.callbacks, wire.streams))
        # By the class of the codec: found once, not for each call.
        self._by_codec: dict[type, Invoker] = {}

    @property
    def available(self) -> bool:
        lease = self._lease
        if lease is not None:  # asked for each call: without detours where it can be
            current = lease.current
            if current is not None and current.usable:
                return True
        return is_available(self._wire.end)

    @property
    def held(self) -> bool:
        return self._wire.callbacks.held

    def begin(self) -> None:
        if self._begun:
            self._lost()
        self._begun = True
        self._wire.begin()

    def invoke(self, invocation: Invocation) -> Awaitable[Result]:
        codec = invocation.codec
        invoker = self._by_codec.get(type(codec))
        if invoker is None:
            invoker = self._by_codec[type(codec)] = self._chains.of(codec)
        return invoker.invoke(invocation)

    async def close(self) -> None:
        await self._wires.give_back(self._wire)

    def __repr__(self) -> str:
        return repr(self._chains.plain)
