"""grpc.health.v1, over gRPC."""

from typing import Any

import grpc

from facade.exchange.envelope import parse
from facade.provider.standard.health import Health, Serving
from facade.provider.standard.messages import message

NAME = "grpc.health.v1.Health"

_Request = message("grpc.health.v1.HealthCheckRequest")
_Response = message("grpc.health.v1.HealthCheckResponse")
_ListResponse = message("grpc.health.v1.HealthListResponse")


class HealthService:
    """Answers ``Check``, ``List`` and ``Watch``."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.handler = grpc.method_handlers_generic_handler(
            NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check),
                "List": grpc.unary_unary_rpc_method_handler(self._list),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch),
            },
        )

    async def _check(self, request: bytes, context: Any) -> bytes:
        name = await _read(request, context)
        status = self._health.status(name)
        if status is Serving.SERVICE_UNKNOWN:
            # Its text travels in a header, and those are short.
            text = f"no service {name[:200]!r} is known here"
            await context.abort(grpc.StatusCode.NOT_FOUND, text)
        return _response(status)

    async def _list(self, request: bytes, context: Any) -> bytes:
        listed = _ListResponse()
        for name in self._health:
            listed.statuses[name].status = self._health.status(name)
        data: bytes = listed.SerializeToString()
        return data

    async def _watch(self, request: bytes, context: Any) -> None:
        """Tell each change until the caller leaves, or the server stops."""
        name = await _read(request, context)
        told = None
        with self._health.watched() as changed:
            while True:
                changed.clear()
                stopped, status = self._health.stopped, self._health.status(name)
                if status is not told:
                    await context.write(_response(status))
                    told = status
                if stopped:
                    break
                await changed.wait()
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the provider stops")


async def _read(request: bytes, context: Any) -> str:
    try:
        name: str = parse(request, _Request).service
    except ValueError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        raise
    return name


def _response(status: Serving) -> bytes:
    data: bytes = _Response(status=status).SerializeToString()
    return data
