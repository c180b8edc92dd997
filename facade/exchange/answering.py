"""From an Invocation message to an Envelope with its Result, through the provider's chain."""

import asyncio
from typing import Any, Protocol

from facade.codec import Payload
from facade.core.chain import INTERRUPTED, RUNS_ON, accuse, explain, swallowers
from facade.core.countdown import TimeoutCountDown
from facade.core.errors import Code, LimitExceeded, RpcError, Sent, Status, Unimplemented
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method
from facade.core.result import Result, within
from facade.exchange.channel import Channel
from facade.exchange.envelope import Envelope, fill_error, fill_result, read_invocation
from facade.exchange.limits import DEFAULT
from facade.exchange.splice import LONG

logger = get_logger(__name__)


class Export(Protocol):
    """A method that can be called: what it is, how its values travel, who answers."""

    method: Method
    codec: Any
    invoker: Invoker
    # Whether it has callbacks or streams.
    special: bool


class Exports(Protocol):
    """All methods that can be called at one end.

    ``oneway_failures``: how many oneway calls failed, as no caller learns of it.
    """

    oneway_failures: int

    def find(self, invocation: Invocation) -> Export:
        """Raises Unimplemented, which lists what there is."""
        ...


class Listens(Protocol):
    """Makes callbacks of the references that came on a stream. As long as it is how many are
    held."""

    def __len__(self) -> int: ...

    def bind(self, invocation: Invocation, codec: Any) -> None: ...


class Channels(Protocol):
    """The streams of the calls on one connection."""

    def channel(self, id: int) -> Channel: ...


class NoStream:
    """There is none to call back on."""

    def __len__(self) -> int:
        return 0

    def bind(self, invocation: Invocation, codec: Any) -> None:
        codec.refuse_callbacks(invocation, "it came alone, and not over a stream")


class Peer:
    """Who is at the other end of a stream. The address of a consumer is gRPC's, as
    "ipv4:127.0.0.1:40312"; that of a provider is the target.

    ``identity``: who a consumer is: what ``authenticate`` of the server said, else what his
    certificate says, where he had to show one (mTLS).
    """

    __slots__ = (
        "application",
        "identity",
        "limits",
        "listeners",
        "local_address",
        "remote_address",
    )

    def __init__(self, remote_address: str, local_address: str = "", identity: Any = None) -> None:
        self.remote_address = remote_address
        self.local_address = local_address
        self.identity = identity
        self.application = ""
        # What this end takes of him.
        self.limits = DEFAULT
        # What he lets us call.
        self.listeners: Listens = _NO_STREAM

    def __repr__(self) -> str:
        who = f"{self.application!r} at " if self.application else ""
        return f"<Peer {who}{self.remote_address}>"


_NO_STREAM = NoStream()


def read_call(wire: Any, received: float, peer: Peer) -> tuple[Invocation, Payload | RpcError]:
    """The call that ``wire`` names, and its arguments as they came; or why it is refused.

    ``received``: when it came in, in seconds of ``monotonic``. Of the message nothing is kept:
    it would keep all that came in one frame with it.
    """
    try:
        invocation, payload, left = read_invocation(wire, peer.limits)
    except LimitExceeded as error:
        error.message = f"{wire.service}.{wire.method} was refused: {error.message}"
        return Invocation(wire.service, wire.method, oneway=wire.oneway), error
    invocation.remote_address = peer.remote_address
    invocation.local_address = peer.local_address
    invocation.remote_identity = peer.identity
    invocation.remote_application = peer.application or str(
        invocation.attachments.get("remote.application", "")
    )
    if left is not None:
        invocation.timeout = left
        invocation.countdown = TimeoutCountDown(left, received)
    return invocation, payload


async def answer(
    exports: Exports,
    invocation: Invocation,
    payload: Payload | RpcError,
    peer: Peer,
    channels: Channels | None = None,
    id: int = 0,
) -> tuple[Any, Payload | None]:
    """Make a call that ``read_call`` gave. An Envelope with what came of it, under ``id``; or None
    for a oneway call that went well. And, where there is an ``id``, its value if that is long: it
    is left out, to be spliced.

    Raises nothing but cancellation: everything else becomes an error in the result.
    ``channels``: where its streams are found under ``id``; a call that came alone has none.
    """
    try:
        if isinstance(payload, RpcError):
            raise payload
        export = exports.find(invocation)
        invocation.method = export.method
        invocation.arguments, invocation.keywords = export.codec.decode_arguments(payload)
        encoding, oneway = payload[0], invocation.oneway
        del payload  # a call may take long
        channel = None
        if export.special:
            channel = _bind(export, invocation, peer, channels, id)
        try:
            outcome = await export.invoker.invoke(invocation)
        except AttributeError as error:
            explain(export.invoker, error)
            raise
        if not isinstance(outcome, Result):
            raise accuse(export.invoker, outcome)
        if channel is not None and export.method.yields and outcome.exception is None:
            await _stream(channel, outcome, export, invocation, encoding)
        value = None
        if outcome.exception is None and not outcome.expired:
            value = export.codec.encode_result(outcome.value, encoding)
            if oneway:
                return None, None
        # Not made before there is an outcome: a call in flight takes 8.0 KB instead of 10.3, both
        # ends together, without this and without its message.
        envelope = Envelope()
        envelope.id = id
        if outcome.exception is not None:
            raised = outcome.exception
            fill_error(envelope.result, raised, raised=True, attachments=outcome.attachments)
            return envelope, None
        if id and value is not None and type(value[1]) is bytes and len(value[1]) >= LONG:
            fill_result(envelope.result, (value[0], b""), outcome.attachments)
            return envelope, value
        fill_result(envelope.result, value, outcome.attachments)
        return envelope, None
    except RpcError as error:
        _report(error, invocation)
        return failed(id, error), None
    except asyncio.CancelledError:
        if channels is not None:
            await _end_of_thread(invocation)
        raise
    except BaseException as error:
        if ends_the_loop(error):
            raise
        logger.exception("a filter failed in a call of %s", invocation)
        failure = RpcError(
            f"the provider failed to call {invocation}: see its log",
            code=Code.UNKNOWN,
            status=Status.INTERNAL,
        )
        return failed(id, failure), None


def ends_the_loop(error: BaseException) -> bool:
    """Whether it is the operator's wish, or comes as the loop has ended. Of whatever else is
    raised a caller is told: he must neither end the process nor wait in vain."""
    if isinstance(error, GeneratorExit):
        return asyncio._get_running_loop() is None
    return isinstance(error, KeyboardInterrupt)


def failed(id: int, error: RpcError) -> Any:
    """An Envelope with an error of this end."""
    envelope = Envelope()
    envelope.id = id
    try:
        fill_error(envelope.result, error, raised=False, attachments=None)
    except Exception:  # a filter made it of what is no code, or no message
        logger.exception("an error can't be told as it is: %r", error)
        text = f"the provider failed, with a {type(error).__name__} that can't be told: see its log"
        return failed(id, RpcError(text, status=Status.INTERNAL, sent=error.sent))
    return envelope


async def _end_of_thread(invocation: Invocation) -> None:
    """A method in a thread can't be interrupted: its call keeps its place on the connection
    until it has ended, or cancelling would be a way to have more of them run at once."""
    thread = invocation.attributes.get(RUNS_ON)
    if thread is not None:
        await thread.ended()


def _bind(
    export: Export, invocation: Invocation, peer: Peer, channels: Channels | None, id: int
) -> Channel | None:
    """What only some methods need: callbacks, or streams."""
    if export.method.callbacks:
        peer.listeners.bind(invocation, export.codec)
        return None
    if channels is None:
        raise Unimplemented(
            f"{invocation} has streams, and came alone: call it over an Exchange stream",
            sent=Sent.NOT_EXECUTED,
        )
    channel = channels.channel(id)
    channel.bind(invocation, export.codec)
    return channel


async def _stream(
    channel: Channel, outcome: Result, export: Export, invocation: Invocation, encoding: str
) -> None:
    """Send the values of its stream, as long as there is time; what is left of the outcome is
    how it ended."""

    async def pour() -> Result:
        outcome.exception = await channel.pour(outcome, export.codec, encoding)
        return outcome

    if not outcome.expired:
        outcome.expired = (await within(invocation.countdown, pour())).expired


def log_swallowed(exports: Exports, invocation: Invocation) -> None:
    """A call was cancelled, and answered all the same: say whose fault it is."""
    try:
        invoker = exports.find(invocation).invoker
    except RpcError:  # unexported meanwhile
        return
    who = swallowers(invoker)
    if INTERRUPTED not in invocation.attributes:
        who = f"its method, or {who}" if who else "its method"
    logger.warning(
        "%s was cancelled, and answered all the same: %s swallowed CancelledError; "
        "catch Exception instead, or raise it again (%r)",
        invocation,
        who,
        invoker,
    )


def _report(error: RpcError, invocation: Invocation) -> None:
    """What the caller did wrong he learns himself; what we did wrong is for our log."""
    if error.status in (Status.INTERNAL, Status.UNKNOWN) and not error.remote:
        logger.error("%s: %s", invocation, error)


def log_oneway(exports: Exports, service: str, method: str, result: Any) -> None:
    """The only traces that a failed oneway call leaves: a line in the log, and its count."""
    if result.HasField("error"):
        exports.oneway_failures += 1
        error = result.error
        logger.warning(
            "the oneway call %s.%s failed, and nobody is told: %s %s",
            service,
            method,
            error.type or Code(error.code).name,
            error.message,
        )
