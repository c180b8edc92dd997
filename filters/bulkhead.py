"""Keep one service from taking all that others need, too."""

from typing import Self

from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.places import WaitingPlaces, whole_numbers
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream

# Service, group, version.
_Key = tuple[str, str, str]


@activate(order=-2700, when="bulkhead")
class Bulkhead(Filter):
    """At most ``bulkhead`` calls at once, over all methods of a service.

        server.export(Shop, impl, bulkhead=50, bulkhead_queue=100)
        client.refer(Shop, bulkhead=50)

    ``bulkhead_queue`` (0) more wait for a place as long as the call has time; who came first
    is first. What finds no place raises LimitExceeded: the call was not sent, or the method
    did not run. A stream holds its place to its end. At a consumer a slow provider so holds
    only its share of the callers.
    """

    keys = {"bulkhead": int, "bulkhead_queue": int}

    def __init__(self, *, bulkhead: int, bulkhead_queue: int = 0) -> None:
        self._limit: int = whole_numbers("bulkhead", bulkhead).default
        self._queue: int = whole_numbers("bulkhead_queue", bulkhead_queue).default
        self._places: dict[_Key, WaitingPlaces] = {}
        self.needs_loop = self._queue > 0

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        for key in cls.keys:
            for method in settings.by_method(key):
                raise ValueError(
                    f"{key} is for a whole service, not for {method!r}: "
                    "give a method `executes` (provider) or `actives` (consumer)"
                )
        return cls(
            bulkhead=settings.get("bulkhead", 0), bulkhead_queue=settings.get("bulkhead_queue", 0)
        )

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        key = (invocation.service, invocation.group, invocation.version)
        places = self._places.get(key)
        if places is None:
            places = self._places.setdefault(key, WaitingPlaces(self._limit))
        if not (places.begin() or (self._queue and await self._wait(places, invocation))):
            raise LimitExceeded(
                f"{invocation} was refused: `bulkhead` allows {self._limit} calls of the service "
                f"at once, and `bulkhead_queue` {self._queue} to wait while they have time",
                sent=Sent.NOT_EXECUTED if invocation.caller is None else Sent.NOT_SENT,
            )
        streams = False
        try:
            result = await invoker.invoke(invocation)
            streams = is_stream(result.value)
        finally:
            if not streams:
                places.leave()
        if streams:
            at_end(result, lambda _: places.leave())
        return result

    async def _wait(self, places: WaitingPlaces, invocation: Invocation) -> bool:
        countdown = invocation.countdown
        left = invocation.timeout if countdown is None else countdown.remaining
        return await places.wait(left, self._queue)
