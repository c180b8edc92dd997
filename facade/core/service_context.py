"""The facts of one call."""

from typing import Any

from facade.core.invocation import Invocation


class ServiceContext:
    """Facts of the call at hand: the one that is served here, or else the last one made.

    ``side`` is "provider" or "consumer". The address of a consumer is gRPC's, as
    "ipv4:127.0.0.1:40312"; that of a provider is the target, or where it listens. A consumer
    does not know its own.
    """

    __slots__ = ("_invocation", "side")

    def __init__(self, side: str, invocation: Invocation) -> None:
        self.side = side
        self._invocation = invocation

    @property
    def service(self) -> str:
        return self._invocation.service

    @property
    def group(self) -> str:
        return self._invocation.group

    @property
    def version(self) -> str:
        return self._invocation.version

    @property
    def method(self) -> str:
        return self._invocation.name

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self._invocation.arguments

    @property
    def remote_address(self) -> str:
        return self._invocation.remote_address

    @property
    def local_address(self) -> str:
        return self._invocation.local_address

    @property
    def remote_application(self) -> str:
        return self._invocation.remote_application

    @property
    def remote_identity(self) -> Any:
        """Who calls: what ``authenticate`` of the server said, else the Identity of his
        certificate. None where he had to show nothing, and at the consumer."""
        return self._invocation.remote_identity

    def __repr__(self) -> str:
        return f"<ServiceContext {self.side} of {self._invocation}>"
