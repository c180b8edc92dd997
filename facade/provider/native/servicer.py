"""The inner end of the chain of a mounted service."""

import asyncio
import inspect
from typing import Any

import grpc

from facade.core.chain import INTERRUPTED
from facade.core.errors import Code, RpcError, Status
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method, Parameter
from facade.core.result import Result
from facade.exchange.metadata import Pairs
from facade.provider.local import NOT_OF_THE_METHOD
from facade.provider.native.blocking import BlockingAnswers, BlockingRequests
from facade.provider.native.call import CALL, Call
from facade.provider.native.context import AioContext, Context, SyncContext, unexpected
from facade.provider.native.written import Written
from facade.provider.pool import ThreadPool

logger = get_logger(__name__)


class ServicerMethod:
    """One method of a servicer, of any kind and style."""

    group = ""
    version = ""

    def __init__(
        self, service: str, name: str, handler: grpc.RpcMethodHandler, invoker: Invoker, pool: Any
    ) -> None:
        self.invoker = invoker
        self.handler = handler
        self._pool: ThreadPool = pool
        self._function: Any = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        self._is_async = _is_async(self._function)
        self._decode = handler.request_deserializer or bytes
        self._encode = handler.response_serializer or bytes
        self.method = Method(
            service,
            name,
            # A message's class is where its deserializer is from.
            (Parameter("request", getattr(self._decode, "__self__", None) or Any),),
            Any,
            streamed=("request",) if handler.request_streaming else (),
            yields=bool(handler.response_streaming),
        )

    # How its messages travel

    def arguments(self, invocation: Invocation, request: Any) -> None:
        call: Call = invocation.attributes[CALL]
        streamed = self.method.streamed
        argument = call.requests(self._read) if streamed else self._read(request)
        invocation.arguments = (argument,)

    def _read(self, data: bytes) -> Any:
        try:
            return self._decode(data)
        except Exception as error:
            raise self._broken(f"Exception deserializing request! {error}") from None

    def encode(self, value: Any) -> bytes:
        try:
            data: bytes = self._encode(value)
        except Exception as error:
            kind = type(value).__name__
            raise self._broken(f"Failed to serialize response! {kind}: {error}") from None
        return data

    def _broken(self, text: str) -> RpcError:
        return RpcError(f"{self.method}: {text}", code=Code.SERIALIZATION, status=Status.INTERNAL)

    def failure(self, error: BaseException, invocation: Invocation) -> tuple[str, Pairs]:
        return unexpected(error), ()

    # The call itself

    async def call(self, invocation: Invocation, call: Call) -> Result:
        """What the servicer raises is a result."""
        argument, context = self._surroundings(invocation, call)
        if self.method.yields:

            async def body(written: Written) -> None:
                if self._is_async:
                    context.write = written.emit  # type: ignore[attr-defined]
                await self._produce(argument, context, written)

            stream = Written(body, context)
            call.streams.append(stream)
            return stream.result
        raised: BaseException | None = None
        value: Any = None
        try:
            value = await self._call(argument, context)
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError:
            invocation.attributes[INTERRUPTED] = True
            raise
        except NOT_OF_THE_METHOD:
            raise
        except BaseException as error:
            raised = error
        return Result(value, context.failure(raised), context.attachments())

    def _surroundings(self, invocation: Invocation, call: Call) -> tuple[Any, Context]:
        argument = invocation.arguments[0]
        requests = aiter(argument) if self.method.streamed else None
        if self._is_async:
            return requests or argument, AioContext(call, invocation, requests)
        if requests is not None:
            argument = BlockingRequests(requests, call.loop)
            if not call.on_end(argument.end):
                argument.end()
        return argument, SyncContext(call, invocation)

    async def _call(self, argument: Any, context: Context) -> Any:
        if self._is_async:
            return await self._function(argument, context)
        return await self._pool.run(self._function, (argument, context), None)

    async def _produce(self, argument: Any, context: Context, written: Written) -> None:
        if inspect.isasyncgenfunction(self._function) or inspect.isgeneratorfunction(
            self._function
        ):
            produced = self._function(argument, context)  # nothing of it runs yet
        else:
            produced = await self._call(argument, context)
            if inspect.isawaitable(produced):
                produced = await produced
        if hasattr(produced, "__aiter__"):
            try:
                async for item in produced:
                    await written.emit(item)
            finally:
                if hasattr(produced, "aclose"):
                    await produced.aclose()
        elif produced is not None and not self._is_async:
            await BlockingAnswers(produced, self._pool).write(written.emit)


class ServicerInvoker:
    """Calls the servicer's method."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def invoke(self, invocation: Invocation) -> Result:
        call: Call = invocation.attributes[CALL]
        target: Any = call.target
        result: Result = await target.call(invocation, call)
        return result

    @property
    def available(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"ServicerInvoker({self._name!r})"


def _is_async(function: Any) -> bool:
    own = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return any(
        inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f) for f in (function, own)
    )
