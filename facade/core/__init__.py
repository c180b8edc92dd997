"""All that a filter may know. Standard library only."""

from facade.core.async_context import AsyncContext
from facade.core.chain import chain
from facade.core.context import RpcContext
from facade.core.countdown import TimeoutCountDown
from facade.core.errors import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    RemoteError,
    RpcError,
    Sent,
    Status,
    Unavailable,
    Unimplemented,
)
from facade.core.exceptions import error
from facade.core.filter import CONSUMER, PROVIDER, Filter, Invoker, activate
from facade.core.identity import Identity
from facade.core.invocation import Invocation
from facade.core.method import InvokeMode, Method, Parameter, Service
from facade.core.result import Result
from facade.core.settings import FilterSettings

__all__ = [
    "CONSUMER",
    "PROVIDER",
    "AsyncContext",
    "Code",
    "DeadlineExceeded",
    "Filter",
    "FilterSettings",
    "Identity",
    "InvalidArgument",
    "Invocation",
    "InvokeMode",
    "Invoker",
    "LimitExceeded",
    "Method",
    "Parameter",
    "RemoteError",
    "Result",
    "RpcContext",
    "RpcError",
    "Sent",
    "Service",
    "Status",
    "TimeoutCountDown",
    "Unavailable",
    "Unimplemented",
    "activate",
    "chain",
    "error",
]
