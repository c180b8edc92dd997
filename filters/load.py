"""Tell consumers how busy this provider is."""

import os
from collections.abc import Callable
from typing import Any, ClassVar, Self

from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.load import LOAD
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream

logger = get_logger(__name__)


@activate(group=PROVIDER, order=-9_500, when="load")
class Load(Filter):
    """Send the load with each answer, for consumers that balance with ``p2c``: they take it out.

        Server(filter_settings={"load": 100})

    ``load`` is how many calls at once are all that the provider can do: those of the service that
    run, divided by it, are its load. Or it is a function that gives the load, 0 idle and 1
    busy; or True, for the system's load average by processor.
    """

    needs_loop = False
    keys: ClassVar[Any] = {"load": (bool, int, Callable)}
    common = ("load",)

    def __init__(self, load: bool | int | Callable[[], float] = True) -> None:
        if not callable(load) and load < 1:
            raise ValueError(f"load={load!r}: how many calls at once are all it can do, 1 or more")
        self._active = 0
        self._load = (
            load if callable(load) else _average if load is True else lambda: self._active / load
        )

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        return cls(settings.get("load", True))

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        self._active += 1
        streams = False
        try:
            result = await invoker.invoke(invocation)
            streams = is_stream(result.value)
        finally:
            if not streams:
                self._active -= 1
        if streams:
            at_end(result, self._left)
        # This call has ended; its consumer wants to know of the others.
        told = self._told()
        if told is not None:
            result.attachments[LOAD] = told
        return result

    def _told(self) -> str | None:
        try:
            return f"{self._load():.3g}"
        except Exception:  # the call has run all the same
            logger.exception("load=%r does not tell a load", self._load)
            return None

    def _left(self, outcome: Result | BaseException) -> None:
        self._active -= 1


def _average() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)
