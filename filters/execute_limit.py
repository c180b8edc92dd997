"""Refuse calls that are too many at once. (Dubbo: ExecuteLimitFilter)"""

from time import perf_counter
from typing import Self

from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.places import MethodPlaces, Places, whole_numbers
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import is_stream


@activate(group=PROVIDER, order=-4000, when="executes")
class ExecuteLimit(Filter):
    """At most ``executes`` calls of a method run at once; one more is refused, at once.

        server.export(Shop, impl, executes=100, methods={"report": {"executes": 2}})

    Raises LimitExceeded; its caller knows that the method did not run. 0 is no limit.
    ``places`` counts the calls of each method. Mended against Dubbo: a place comes back
    however the call ends, be it by a limit of another filter.
    A method that yields runs until its stream has ended.
    """

    needs_loop = False
    keys = {"executes": int}

    def __init__(self, *, executes: int | ByMethod) -> None:
        self.places = MethodPlaces(Places, whole_numbers("executes", executes))

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(executes=settings.by_method("executes", 0))

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        places = self.places.of(invocation)
        if not places.begin():
            raise LimitExceeded(
                f"{invocation} was refused: {places.limit} calls of it run already, and "
                "`executes` allows no more",
                sent=Sent.NOT_EXECUTED,
            )
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
