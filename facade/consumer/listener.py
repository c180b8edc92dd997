"""Who is told of the services that a client refers to."""

from collections.abc import Sequence

import msgspec

from facade.core.filter import Invoker
from facade.core.listener import check_listeners, tell


class Reference(msgspec.Struct, frozen=True):
    """A service that a client refers to: its key, where it is, and the chain of its calls."""

    key: str
    target: str
    invoker: Invoker

    def __repr__(self) -> str:
        return f"<Reference to {self.key} at {self.target!r}: {self.invoker!r}>"


class InvokerListener:
    """Write one of these, or both. (Dubbo: InvokerListener)

    All listeners are told, in their order; what they raise is logged and goes no further.
    """

    def referred(self, reference: Reference, /) -> None:
        """The client refers to a service, for the first time."""

    def destroyed(self, reference: Reference, /) -> None:
        """The client is closed."""


class References:
    """The services that one client refers to, and who is told of them. TypeError for listeners
    that are none."""

    def __init__(self, listeners: Sequence[InvokerListener]) -> None:
        check_listeners(listeners, InvokerListener, ("referred", "destroyed"))
        self._listeners = tuple(listeners)
        self._made: dict[str, Reference] = {}

    def add(self, key: str, target: str, invoker: Invoker) -> None:
        if self._listeners and key not in self._made:
            self._made[key] = reference = Reference(key, target, invoker)
            tell(self._listeners, "referred", reference)

    def destroy(self) -> None:
        while self._made:
            _, reference = self._made.popitem()
            tell(self._listeners, "destroyed", reference)
