"""grpc.channelz.v1 by the official package: what gRPC's channels and sockets did."""

from importlib.util import find_spec
from typing import Any


def check_installed() -> None:
    """ImportError, which names the extra."""
    if find_spec("grpc_channelz") is None:
        raise ImportError(
            "channelz=True needs grpcio-channelz: pip install 'facade-rpc[channelz]'",
            name="grpc_channelz",
        )


def handlers() -> list[Any]:
    """The handlers that the package would add to a server of grpcio."""
    from grpc_channelz.v1.channelz import aio
    from grpc_channelz.v1.channelz_pb2_grpc import add_ChannelzServicer_to_server

    collector = _Collector()
    add_ChannelzServicer_to_server(aio.ChannelzServicer(), collector)
    return collector.handlers


class _Collector:
    """A server as generated code wants it."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        self.handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """The same again, for servers that find methods in their own way."""
