"""Tell who still calls what is to go. (Dubbo: DeprecatedFilter)"""

import threading
from collections.abc import Mapping
from typing import Self

from facade.core.filter import Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

logger = get_logger(__name__)

KEY = "deprecated"

# Callers that are told apart at a provider. Who comes after them is not logged.
MOST = 1024


@activate(order=-6_500, when=KEY)
class Deprecated(Filter):
    """Log a warning when a deprecated method is called, once for each method and caller::

        @facade.method(deprecated=True)
        async def hello(self, name: str) -> str: ...

        @facade.method(deprecated="use greet(), this one goes in 3.0")
        async def hi(self, name: str) -> str: ...

    The consumer learns that it calls it; the provider learns who still does: by application,
    or else by the host. Calls go on as ever, and nothing is raised. ``deprecated=`` of
    ``service``, ``export`` and ``refer`` is for all methods.

    Beyond Dubbo, which logs an error, at the consumer alone, and once in a process: this logs a
    warning, says what to do instead, and does so once for each reference.
    """

    needs_loop = False
    keys = {KEY: (bool, str)}

    def __init__(
        self,
        *,
        deprecated: bool | str = False,
        methods: Mapping[str, bool | str] | None = None,
    ) -> None:
        self._advice = ByMethod(methods or {}, deprecated)
        if not any((deprecated, *self._advice.values())):
            raise ValueError("Deprecated has no method to tell of: methods={'hello': 'use hi()'}")
        self._told: set[tuple[str, str]] = set()
        self._telling = threading.Lock()

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        advice = settings.by_method(KEY, False)
        return cls(deprecated=advice.default, methods=advice)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        advice = self._advice[invocation.name]
        if advice:
            self._tell(advice, invocation)
        return await invoker.invoke(invocation)

    def _tell(self, advice: bool | str, invocation: Invocation) -> None:
        # At the consumer nobody is at the other end yet, and the caller is this process.
        host = invocation.remote_address.rpartition(":")[0] or invocation.remote_address
        key = (invocation.name, invocation.remote_application or host)
        if key in self._told:
            return
        with self._telling:  # threads of a blocking client
            if key in self._told or len(self._told) >= MOST:
                return
            self._told.add(key)
        logger.warning(
            "%s is deprecated%s%s",
            invocation,
            f": {advice}" if isinstance(advice, str) else "",
            f"; it was called by {key[1]!r}" if key[1] else "",
        )
