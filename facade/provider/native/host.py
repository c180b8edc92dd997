"""The part of a server that takes generated services."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from facade.plugins import FilterList
from facade.provider.native.door import NativeDoor

if TYPE_CHECKING:
    from facade.provider.native.mounts import Mounted


class Host:
    """What generated ``add_GreeterServicer_to_server`` calls, and ``mount``."""

    _native: NativeDoor

    def mount(
        self,
        add: Callable[[Any, Any], None],
        servicer: object,
        *,
        filters: FilterList = (),
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> "Mounted":
        """Serve a generated servicer: ``mount(add_GreeterServicer_to_server, MyGreeter())``.

        ``filters``, ``methods`` and settings are as with ``export``. Where none are needed,
        ``add_GreeterServicer_to_server(MyGreeter(), server)`` does the same. ValueError where
        a service of that name is mounted already, RuntimeError once the server has stopped.
        """
        return self._native.calls.mount(add, servicer, filters=filters, methods=methods, **settings)

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """For generated code. (grpc.Server#add_generic_rpc_handlers)"""
        self._native.calls.add(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """For generated code. (grpc.Server#add_registered_method_handlers)"""
        self._native.calls.register(service, handlers)

    @property
    def mounted(self) -> list[str]:
        """The names of the generated services, as far as their handlers say them."""
        return self._native.mounted
