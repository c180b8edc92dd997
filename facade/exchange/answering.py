"""From an Invocation message to a filled Result message, through the provider's chain."""

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
from facade.exchange.envelope import fill_error, fill_result, read_invocation
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
    """Who is at the other end of a stream. Addresses are gRPC's, e.g. "ipv4:127.0.0.1:50051".

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


async def answer(
    exports: Exports,
    wire: Any,
    result: Any,
    received: float,
    peer: Peer,
    channels: Channels | None = None,
    id: int = 0,
) -> tuple[Invocation, Payload | None]:
    """Call what ``wire`` names and write what came of it into ``result``. Gives the call; and, for
    one that has an ``id``, its value where that is long: it is left out, to be spliced.

    Raises nothing but cancellation: everything else becomes an error in the result.
    ``received``: when it came in, in seconds of ``monotonic``. ``channels``: where its streams
    are found under ``id``; a call that came alone has none.
    """
    try:
        invocation, payload, left = read_invocation(wire, peer.limits)
    except LimitExceeded as error:
        error.message = f"{wire.service}.{wire.method} was refused: {error.message}"
        fill_error(result, error, raised=False, attachments=None)
        return Invocation(wire.service, wire.method, oneway=wire.oneway), None
    invocation.remote_address = peer.remote_address
    invocation.local_address = peer.local_address
    invocation.remote_identity = peer.identity
    invocation.remote_application = peer.application or str(
        invocation.attachments.get("remote.application", "")
    )
    if left is not None:
        invocation.timeout = left
        invocation.countdown = TimeoutCountDown(left, received)
    try:
        export = exports.find(invocation)
        invocation.method = export.method
        invocation.arguments, invocation.keywords = export.codec.decode_arguments(payload)
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
            await _stream(channel, outcome, export, invocation, payload[0])
        if outcome.exception is not None:
            fill_error(result, outcome.exception, raised=True, attachments=outcome.attachments)
            return invocation, None
        value = None if outcome.expired else export.codec.encode_result(outcome.value, payload[0])
        if id and value is not None and type(value[1]) is bytes and len(value[1]) >= LONG:
            fill_result(result, (value[0], b""), outcome.attachments)
            return invocation, value
        fill_result(result, value, outcome.attachments)
    except RpcError as error:
        _report(error, invocation)
        fill_error(result, error, raised=False, attachments=None)
    except Exception:
        logger.exception("a filter failed in a call of %s", invocation)
        failure = RpcError(
            f"the provider failed to call {invocation}: see its log",
            code=Code.UNKNOWN,
            status=Status.INTERNAL,
        )
        fill_error(result, failure, raised=False, attachments=None)
    except asyncio.CancelledError:
        if channels is not None:
            await _end_of_thread(invocation)
        raise
    return invocation, None


async def _end_of_thread(invocation: Invocation) -> None:
    """A method in a thread can't be interrupted: its call keeps its place on the connection
    until it has ended, or cancelling would be a way to have more of them run at once."""
    thread = invocation.attributes.get(RUNS_ON)
    if thread is not None:
        await asyncio.wait([asyncio.wrap_future(thread)])


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


def log_oneway(exports: Exports, wire: Any, result: Any) -> None:
    """The only traces that a failed oneway call leaves: a line in the log, and its count."""
    if result.HasField("error"):
        exports.oneway_failures += 1
        error = result.error
        logger.warning(
            "the oneway call %s.%s failed, and nobody is told: %s %s",
            wire.service,
            wire.method,
            error.type or Code(error.code).name,
            error.message,
        )
