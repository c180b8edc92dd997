"""RPC on gRPC, with Dubbo's invoker and filter model."""

import importlib
import os
import typing

from facade.core import (
    AsyncContext,
    Code,
    DeadlineExceeded,
    Filter,
    FilterSettings,
    Identity,
    InvalidArgument,
    Invocation,
    InvokeMode,
    Invoker,
    LimitExceeded,
    RemoteError,
    Result,
    RpcContext,
    RpcError,
    Sent,
    Status,
    TimeoutCountDown,
    Unavailable,
    Unimplemented,
    activate,
    error,
)
from facade.service import method, service

# gRPC's own handlers of forks end a child that forks beside its threads (a segmentation fault, one
# time in ten). It reads this while it is imported. Whoever relies on them has said so.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

if typing.TYPE_CHECKING:
    from facade.consumer.blocking import Client
    from facade.consumer.bound import bound
    from facade.consumer.client import AsyncClient
    from facade.consumer.listener import InvokerListener, Reference
    from facade.exchange.answering import Peer
    from facade.exchange.description import (
        MethodDescription,
        ParameterDescription,
        ProviderDescription,
        ServiceDescription,
    )
    from facade.exchange.limits import Limits
    from facade.exchange.tls import ClientTls, ServerTls
    from facade.provider.callback import callback
    from facade.provider.exporter import Exporter
    from facade.provider.listener import ExporterListener
    from facade.provider.server import Server

__all__ = [
    # interfaces
    "service",
    "method",
    "error",
    # the two ends
    "Server",
    "AsyncClient",
    "Client",
    "bound",
    "callback",
    "Peer",
    "Limits",
    "Identity",
    "ServerTls",
    "ClientTls",
    "InvokeMode",
    # who is told of services
    "ExporterListener",
    "Exporter",
    "InvokerListener",
    "Reference",
    # around a call
    "RpcContext",
    "TimeoutCountDown",
    "AsyncContext",
    # filters
    "Filter",
    "FilterSettings",
    "Invoker",
    "Invocation",
    "Result",
    "activate",
    # what a provider exports
    "ProviderDescription",
    "ServiceDescription",
    "MethodDescription",
    "ParameterDescription",
    # errors
    "RpcError",
    "DeadlineExceeded",
    "Unavailable",
    "Unimplemented",
    "InvalidArgument",
    "LimitExceeded",
    "RemoteError",
    "Code",
    "Status",
    "Sent",
]

# What is loaded when it is first asked for: who writes a consumer pays for no provider.
_PLACES = {
    "Client": "facade.consumer.blocking",
    "bound": "facade.consumer.bound",
    "AsyncClient": "facade.consumer.client",
    "InvokerListener": "facade.consumer.listener",
    "Reference": "facade.consumer.listener",
    "Peer": "facade.exchange.answering",
    "MethodDescription": "facade.exchange.description",
    "ParameterDescription": "facade.exchange.description",
    "ProviderDescription": "facade.exchange.description",
    "ServiceDescription": "facade.exchange.description",
    "Limits": "facade.exchange.limits",
    "ClientTls": "facade.exchange.tls",
    "ServerTls": "facade.exchange.tls",
    "callback": "facade.provider.callback",
    "Exporter": "facade.provider.exporter",
    "ExporterListener": "facade.provider.listener",
    "Server": "facade.provider.server",
}

if not typing.TYPE_CHECKING:  # a type checker would take any name for ours

    def __getattr__(name: str) -> typing.Any:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_PLACES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
