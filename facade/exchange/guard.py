"""Lets gRPC calls of any service in only where the server's gate does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any

import grpc

from facade.exchange.metadata import EXECUTION, NOT_STARTED
from facade.exchange.security import identity_of

# Given gRPC's context of a call: lets it in and gives who calls, or ends it.
Admit = Callable[[Any], Awaitable[Any]]

# A probe asks without credentials whether the server as a whole is there, and no more.
_PROBE = "/grpc.health.v1.Health/Check", b""

_caller: ContextVar[Any] = ContextVar("facade-caller", default=None)

_KINDS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def caller_of(context: Any) -> Any:
    """Who makes this call: as the gate has it, else by his certificate."""
    known = _caller.get()
    return identity_of(context.auth_context()) if known is None else known


class Guarded(grpc.GenericRpcHandler):  # type: ignore[misc]
    """These handlers, behind the gate. Who is not let in learns not even what there is."""

    def __init__(self, handlers: Sequence[grpc.GenericRpcHandler], admit: Admit) -> None:
        self._handlers = handlers
        self._admit = admit

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        for handlers in self._handlers:
            found = handlers.service(details)
            if found is not None:
                return self._guarded(found, details.method)
        return grpc.stream_stream_rpc_method_handler(self._serve_nothing)

    async def _serve_nothing(self, _: Any, context: Any) -> None:
        await self._admit(context)
        text = "there is no such method here"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text, ((EXECUTION, NOT_STARTED),))

    def _guarded(self, handler: Any, path: str) -> grpc.RpcMethodHandler:
        function = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )

        async def serve(request: Any, context: Any) -> Any:
            if (path, request) != _PROBE:
                _caller.set(await self._admit(context))
            if inspect.iscoroutinefunction(function):
                return await function(request, context)
            if inspect.isasyncgenfunction(function):
                return await _write(function(request, context), context)
            return await asyncio.to_thread(function, request, context)  # gRPC does so too

        kind = _KINDS[handler.request_streaming, handler.response_streaming]
        return kind(serve, handler.request_deserializer, handler.response_serializer)


async def _write(answers: Any, context: Any) -> None:
    async for answer in answers:
        await context.write(answer)
