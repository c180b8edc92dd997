"""Which connection a call takes."""

import asyncio
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Protocol

from facade.consumer.lease import Lease
from facade.core.errors import RpcError
from facade.core.invocation import Invocation
from facade.exchange.connection import Connection
from facade.exchange.handlers import Handlers
from facade.exchange.stream import ConsumerStream
from facade.service import is_count


class Connections(Protocol):
    """What a client has to send its calls on: a Lease, or several of them."""

    @property
    def target(self) -> str: ...
    @property
    def current(self) -> Connection | None:
        """What the next call is to try first. Where it is not usable: ``connect``."""
        ...

    @property
    def steady(self) -> Connection | None:
        """The same one as long as it lasts, for calls that hand over what it is to bring back."""
        ...

    @property
    def available(self) -> bool: ...
    @property
    def busy(self) -> bool:
        """Whether calls of this client are under way."""
        ...

    @property
    def stream(self) -> ConsumerStream | None:
        """One of those at hand: for what is asked beside the calls."""
        ...

    @property
    def late(self) -> int:
        """How many answers came when nobody waited any more."""
        ...

    def begin(self) -> None:
        """Connect where we are not, without waiting for it."""
        ...

    async def connect(self, invocation: Invocation) -> Connection: ...
    async def ready(self, timeout: float | None, what: Invocation | str) -> object: ...
    async def close(self, grace: float) -> None: ...


class RoundRobin:
    """Several connections of one client, for each call the next. (Dubbo: DubboInvoker#doInvoke)

    One that is not usable is passed over, and connected meanwhile.
    """

    def __init__(self, leases: Sequence[Lease]) -> None:
        self._leases = leases
        self._turns = cycle(leases)
        self._reviving = False
        self.target = leases[0].target

    @property
    def current(self) -> Connection | None:
        connection = next(self._turns).current
        if connection is None or not connection.usable:
            return self._pass_over()
        return connection

    @property
    def steady(self) -> Connection | None:
        return next((lease.current for lease in self._leases if lease.available), None)

    @property
    def available(self) -> bool:
        """Whether a call would find a connection at once."""
        return any(lease.available for lease in self._leases)

    @property
    def busy(self) -> bool:
        return any(lease.busy for lease in self._leases)

    @property
    def stream(self) -> ConsumerStream | None:
        return next((lease.stream for lease in self._leases if lease.available), None)

    @property
    def late(self) -> int:
        return sum(lease.late for lease in self._leases)

    def _pass_over(self) -> Connection | None:
        loop = asyncio.get_running_loop()
        for lease in islice(self._turns, len(self._leases)):
            connection = lease.current
            if connection is None or connection.calls.loop is not loop:
                continue
            if connection.usable:
                if not self._reviving:
                    self._reviving = True
                    # Not now: the loop may be about to run, and run no task yet.
                    loop.call_soon(self._revive)
                return connection
        return None

    def _revive(self) -> None:
        self._reviving = False
        self.begin()

    def begin(self) -> None:
        for lease in self._leases:
            lease.begin()

    async def connect(self, invocation: Invocation) -> Connection:
        """The next usable one; where there is none, the first that comes to be."""
        connection = self.current
        loop = asyncio.get_running_loop()
        while connection is None or not connection.usable or connection.calls.loop is not loop:
            # By the time that the others are called off, it may drain again.
            connection = await self._first(invocation)
        return connection

    async def _first(self, invocation: Invocation) -> Connection:
        waits = [asyncio.ensure_future(lease.connect(invocation)) for lease in self._leases]
        failure: RpcError | None = None
        self._reviving = False
        try:
            for wait in asyncio.as_completed(waits):
                try:
                    return await wait
                except RpcError as error:
                    failure = error
            assert failure is not None
            raise failure
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def ready(self, timeout: float | None, what: Invocation | str) -> None:
        """Wait for all of them."""
        await asyncio.gather(*(lease.ready(timeout, what) for lease in self._leases))

    async def close(self, grace: float) -> None:
        await asyncio.gather(*(lease.close(grace) for lease in self._leases))


def check_connections(connections: int, handlers: Handlers, none_kept: bool) -> None:
    if not is_count(connections):
        raise ValueError(f"connections={connections!r}: 0 to share one, or how many of its own")
    if none_kept and (connections or handlers):
        raise ValueError(
            "with unary=True or native=True, or within the process, no call goes over a connection "
            "that is kept: leave connections=, on_connect= and on_disconnect= out"
        )
