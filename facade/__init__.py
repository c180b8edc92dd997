"""RPC on gRPC, with Dubbo's invoker and filter model."""

from facade.consumer.blocking import Client
from facade.consumer.bound import bound
from facade.consumer.client import AsyncClient
from facade.consumer.listener import InvokerListener, Reference
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
from facade.service import method, service

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
