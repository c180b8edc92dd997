"""Hold calls back while too many are under way. (Dubbo: ActiveLimitFilter)"""

from time import perf_counter
from typing import Self

from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.places import MethodPlaces, WaitingPlaces, whole_numbers
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import is_stream


@activate(group=CONSUMER, order=-2000, when="actives")
class ActiveLimit(Filter):
    """At most ``actives`` calls of a method are under way; one more waits for a place.

        client.refer(Shop, actives=10, methods={"report": {"actives": 1}})

    It waits as long as the call has time, and then raises LimitExceeded: nothing was sent.
    Who came first is first. 0 is no limit. ``places`` counts the calls of each method.

    Mended against Dubbo: the wait is a part of the call's time, where it is a second
    timeout there; nobody is overtaken; a place comes back however the call ends,
    with the end of its stream where it gives one.
    """

    per_attempt = True
    keys = {"actives": int}

    def __init__(self, *, actives: int | ByMethod) -> None:
        self.places = MethodPlaces(WaitingPlaces, whole_numbers("actives", actives))

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(actives=settings.by_method("actives", 0))

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        places = self.places.of(invocation)
        if not places.begin():
            await _wait(places, invocation)
        start = perf_counter()
        succeeded = streams = False
        try:
            result = await invoker.invoke(invocation)
            succeeded, streams = True, is_stream(result.value)
        finally:
            if not streams:
                places.end(perf_counter() - start, succeeded)
        if streams:
            places.end_with_stream(result, start)
        return result


async def _wait(places: WaitingPlaces, invocation: Invocation) -> None:
    countdown = invocation.start_countdown()  # the time runs while the call waits
    start = perf_counter()
    if not await places.wait(None if countdown is None else countdown.remaining):
        raise LimitExceeded(
            f"{invocation} was not sent: it waited {(perf_counter() - start) * 1000:.0f} ms, until "
            f"its time was up, for one of {places.limit} places, and `actives` allows no more",
            sent=Sent.NOT_SENT,
        )
