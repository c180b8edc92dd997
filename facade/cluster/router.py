"""Which endpoints a call may go to at all."""

from collections.abc import Callable, Sequence
from typing import Protocol

from facade.cluster.endpoint import Endpoint
from facade.core.invocation import Invocation

# Lists keep their identity while nothing in them changes: it is what is cached by.
Endpoints = Sequence[Endpoint]

_MOST = 64


class Router(Protocol):
    """Filters a list. What it gives for one list and the same facts of a call should be the
    same object each time: see ``Filtered``. (Dubbo: StateRouter)"""

    def route(self, endpoints: Endpoints, invocation: Invocation, /) -> Endpoints: ...


class Filtered:
    """The parts of lists, found once for each list and key."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        # The list is kept beside what was found, so that its id stays its own.
        self._found: dict[tuple[int, object], tuple[Endpoints, Endpoints]] = {}

    def of(
        self, endpoints: Endpoints, key: object, wanted: Callable[[Endpoint], bool]
    ) -> Endpoints:
        """Those that are ``wanted``; the list itself where all are."""
        found = self._found.get((id(endpoints), key))
        if found is not None:
            return found[1]
        part = tuple(endpoint for endpoint in endpoints if wanted(endpoint))
        if len(part) == len(endpoints):
            part = endpoints  # type: ignore[assignment]
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[id(endpoints), key] = (endpoints, part)
        return part
