"""The inner end of the chain of a client with ``native=True``."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakKeyDictionary

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Value

from facade.codec import ANY, VALUE, GenericStreamCodec, MethodCodec
from facade.consumer.streaming import as_stream, gives_stream
from facade.core.context import override
from facade.core.errors import InvalidArgument, RpcError, Sent
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method
from facade.core.result import Result
from facade.exchange.metadata import Pairs
from facade.exchange.native import Answers, NativeCall, Rpc
from facade.exchange.overdue import time_left
from facade.exchange.settings import Settings
from facade.exchange.transport import GrpcTransport

logger = get_logger(__name__)


class NativeInvoker:
    """Sends each call as a gRPC call of its own to ``/service/method``, with Triple's headers.

    A method of one protobuf message that gives one sends and takes these; any other has its
    arguments, and its value, in a google.protobuf.Value. (Dubbo: TripleInvoker)
    """

    def __init__(
        self, transport: GrpcTransport, settings: Settings, *, wait_for_ready: bool
    ) -> None:
        self._transport = transport
        self._application = settings.application
        self._wait_for_ready = wait_for_ready
        # Oneway calls under way.
        self._left: set[asyncio.Task[None]] = set()
        # By the codecs of the client's methods.
        self._messages: WeakKeyDictionary[Any, PlainMessages] = WeakKeyDictionary()

    @property
    def available(self) -> bool:
        return self._transport.available

    async def invoke(self, invocation: Invocation) -> Result:
        override(invocation)
        if invocation.countdown is None:
            invocation.start_countdown()
        # Without an end to it, nobody waits for a provider to be there.
        waits = self._wait_for_ready and invocation.countdown is not None
        if waits and invocation.countdown is not None:
            await self._transport.check(invocation.countdown.remaining)
        shown = await self._transport.shown(time_left(invocation.countdown))
        rpc, request = self._plain(invocation)
        call = NativeCall(
            self._transport,
            rpc,
            invocation,
            request,
            headers=(*self._headers(invocation), *shown),
            options={"wait_for_ready": waits},
        )
        if rpc.yields:
            return Result(Answers(call), attachments=call.attachments)
        if invocation.oneway:
            task = asyncio.create_task(_drop(call, invocation), name="facade-oneway")
            self._left.add(task)
            task.add_done_callback(self._left.discard)
            return Result()
        return await call.result()

    def _plain(self, invocation: Invocation) -> tuple[Rpc, Any]:
        """How a call goes, and with what."""
        method, codec = invocation.method, invocation.codec
        if codec not in self._messages:
            self._messages[codec] = PlainMessages(codec, method)
        plain = self._messages[codec]
        name = (method.wire_name if method is not None else "") or invocation.name
        streamed = method is not None and bool(method.streamed)
        yields = gives_stream(codec)
        encode = plain.item if streamed else None
        rpc = Rpc(f"/{invocation.service}/{name}", streamed, yields, encode, plain.answer)
        if method is not None and streamed:
            return rpc, _only(invocation, method)
        if method is None and yields and codec.take(invocation.arguments, None)[2]:
            raise InvalidArgument(
                f"{invocation} takes a stream: a native call needs the interface for that",
                sent=Sent.NOT_SENT,
            )
        return rpc, plain.request(invocation.arguments, invocation.keywords)

    def _headers(self, invocation: Invocation) -> Pairs:
        told = {
            "tri-service-version": invocation.version,
            "tri-service-group": invocation.group,
            "tri-consumer-appname": self._application,
        }
        countdown = invocation.countdown
        if countdown is not None and invocation.in_countdown:
            left = str(max(1, int(countdown.remaining * 1000)))
            # The second for Dubbo's own countdown. (Dubbo: TimeoutCountDown, TIME_COUNTDOWN_KEY)
            told |= {"tri-service-timeout": left, "_to": left}
        return tuple((name, value) for name, value in told.items() if value)

    def __repr__(self) -> str:
        return f"NativeInvoker({self._transport.target!r})"


async def _drop(call: NativeCall, invocation: Invocation) -> None:
    try:
        await call.value()
    except RpcError as error:
        logger.debug("the oneway call %s failed: %s", invocation, error)


def _only(invocation: Invocation, method: Method) -> AsyncIterator[Any]:
    """The stream that is all that a call takes."""
    codec = invocation.codec
    if len(method.parameters) != 1:
        raise InvalidArgument(
            f"{method} takes more than the stream {method.streamed[0]!r}: a native call has no "
            "place for it; make the client without native=True",
            sent=Sent.NOT_SENT,
        )
    arguments, keywords, streams = codec.take(invocation.arguments, invocation.keywords)
    codec.encode_arguments(arguments, keywords)  # they fit
    stream: AsyncIterator[Any] = as_stream(streams[0], codec, 0)
    return stream


class PlainMessages:
    """The values of one method, as the messages of a gRPC call."""

    __slots__ = ("_codec", "_message")

    def __init__(self, codec: Any, method: Method | None) -> None:
        if isinstance(codec, GenericStreamCodec):
            codec = codec.items
        elif method is not None and method.streaming:  # each value goes as if it were the only one
            codec = MethodCodec(method._replace(streamed=(), yields=False))
        self._codec = codec
        self._message = codec.encoding == ANY

    def request(self, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> bytes:
        data: bytes
        if not self._message:
            data = self._codec.encode_value(arguments, keywords)[1].SerializeToString()
            return data
        encoding, content = self._codec.encode_arguments(arguments, keywords)
        if encoding != ANY:  # its message has a default here, which the provider does not know
            raise InvalidArgument("a native call needs its message given", sent=Sent.NOT_SENT)
        data = content.value  # what was packed
        return data

    def item(self, value: Any) -> bytes:
        """One of a stream of requests, which goes alone."""
        if self._message:
            return self.request((value,), None)
        (item,) = self._codec.encode_value((value,), None)[1].list_value.values
        data: bytes = item.SerializeToString()
        return data

    def answer(self, data: bytes) -> Any:
        if not self._message:
            return self._codec.decode_result((VALUE, Value.FromString(data)))
        returns = self._codec.method.returns
        kind = getattr(returns, "DESCRIPTOR", None)
        content = AnyMessage(type_url=f"type/{kind.full_name if kind else ''}", value=data)
        return self._codec.decode_result((ANY, content))
