"""Who is told of the services that a client refers to."""

from dataclasses import dataclass

from facade.core.filter import Invoker


@dataclass(frozen=True, slots=True)
class Reference:
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
