"""RPC on gRPC, with Dubbo's invoker and filter model."""

from facade.consumer.blocking import Client
from facade.consumer.client import AsyncClient
from facade.consumer.proxy import bound
from facade.core import (
    Code,
    DeadlineExceeded,
    Filter,
    InvalidArgument,
    Invocation,
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
from facade.provider.callback import callback
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
    # around a call
    "RpcContext",
    "TimeoutCountDown",
    # filters
    "Filter",
    "Invoker",
    "Invocation",
    "Result",
    "activate",
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
