"""What the peer may call because it was handed over as an argument."""

from collections.abc import Callable, Iterable
from types import BuiltinMethodType, MethodType
from typing import Any

from facade.codec import Codec, MethodCodec
from facade.core.errors import LimitExceeded, Sent, Unavailable, Unimplemented
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.method import Method, Parameter
from facade.core.result import Result
from facade.exchange.answering import Export, Exports
from facade.exchange.reference import INSTANCE, SERVICE, CallbackInterface

logger = get_logger(__name__)

# The peer lets go of a callback: how often it was handed over, of what it holds no more.
RELEASE = Method(SERVICE, "_release", (Parameter("times", int),), None, oneway=True)
_RELEASE_CODEC = MethodCodec(RELEASE)


class HandedMethod:
    """One method of a callback."""

    __slots__ = ("codec", "invoker", "method")

    special = False

    def __init__(self, method: Method, codec: Codec, invoker: Invoker) -> None:
        self.method = method
        self.codec = codec
        self.invoker = invoker


class Handed:
    """A callback that the peer knows by its number.

    ``times`` counts how often it was handed over, less what the peer let go of. It goes with
    the last one: a reference that is on its way keeps it.
    """

    __slots__ = ("id", "key", "methods", "target", "times")

    def __init__(
        self, id: int, key: Any, target: Any, interface: CallbackInterface, invoker: Invoker
    ) -> None:
        self.id = id
        self.key = key
        self.target = target
        self.times = 0
        self.methods = {
            name: HandedMethod(method, interface.codecs[name], invoker)
            for name, method in interface.methods.items()
        }


class CallbackTable:
    """The callbacks of one stream, at the end that handed them over.

    It holds them until the peer lets go, they are withdrawn, or the stream ends.
    """

    oneway_failures = 0  # of oneway calls of the peer's

    def __init__(self, exports: Exports) -> None:
        self._exports = exports
        self._last = 0
        # By number, as text: so it comes in the attachment.
        self._callbacks: dict[str, Handed] = {}
        self._by_key: dict[Any, Handed] = {}
        self._release = HandedMethod(RELEASE, _RELEASE_CODEC, self)

    def __len__(self) -> int:
        return len(self._callbacks)

    def known(self, owner: object, target: Any, interface: CallbackInterface) -> Handed | None:
        """The same object, handed over by the same client for the same type, is the same
        callback."""
        return self._by_key.get((_identity(target), interface.key, id(owner)))

    def add(
        self,
        owner: object,
        target: Any,
        interface: CallbackInterface,
        invoker: Invoker,
        limit: int,
    ) -> Handed:
        """LimitExceeded where there are ``limit`` already."""
        if len(self._callbacks) >= limit:
            raise LimitExceeded(
                f"{len(self._callbacks)} callbacks of this client are in use on one stream, and it "
                f"allows {limit} (AsyncClient: callbacks): release() those that are done with",
                sent=Sent.NOT_SENT,
            )
        self._last += 1
        key = (_identity(target), interface.key, id(owner))
        callback = Handed(self._last, key, target, interface, invoker)
        self._callbacks[str(callback.id)] = self._by_key[key] = callback
        return callback

    def take_back(self, callbacks: Iterable[Handed], sent: Sent) -> None:
        """Those of a call that failed: nobody learnt of them by it."""
        for callback in callbacks:
            # Where the peer saw the reference and refused the call, it may let go as well: so
            # count it here only where this can't be too much.
            if sent is Sent.NOT_SENT or callback.times == 1:
                self._let_go(callback, 1)

    def holds(self, owner: object) -> bool:
        """Whether there are any of this client's."""
        return any(callback.key[2] == id(owner) for callback in self._callbacks.values())

    def withdraw(self, owner: object, target: Any) -> bool:
        """Forget it, whatever the peer does. False where it is not known."""
        identity = _identity(target)
        return self._withdraw(owner, lambda callback: bool(callback.key[0] == identity))

    def withdraw_all(self, owner: object) -> None:
        """Forget all that this client handed over."""
        self._withdraw(owner, lambda callback: True)

    def _withdraw(self, owner: object, chosen: Callable[[Handed], bool]) -> bool:
        mine = [c for c in self._callbacks.values() if c.key[2] == id(owner)]
        found = [callback for callback in mine if chosen(callback)]
        for callback in found:
            self._let_go(callback, callback.times)
        return bool(found)

    def clear(self) -> None:
        """The stream ended."""
        self._callbacks.clear()
        self._by_key.clear()

    def _let_go(self, callback: Handed, times: int) -> None:
        callback.times -= times
        if callback.times <= 0 and self._callbacks.pop(str(callback.id), None) is not None:
            del self._by_key[callback.key]

    # What the peer calls

    def find(self, invocation: Invocation) -> Export:
        """Raises Unavailable for a callback that was withdrawn."""
        if invocation.service != SERVICE:
            return self._exports.find(invocation)
        if invocation.name == RELEASE.name:
            return self._release
        id = str(invocation.attachments.get(INSTANCE))
        callback = self._callbacks.get(id)
        if callback is None:
            raise Unavailable(
                f"{invocation}: callback {id} was withdrawn, or never handed over on this stream",
                sent=Sent.NOT_EXECUTED,
            )
        method = callback.methods.get(invocation.name)
        if method is None:
            known = ", ".join(callback.methods)
            logger.warning(
                "%s calls the method %r of a callback which has %s: it is ignored",
                invocation.remote_address,
                invocation.name,
                known,
            )
            raise Unimplemented(
                f"the callback has no method {invocation.name!r}; it has: {known}",
                sent=Sent.NOT_EXECUTED,
            )
        return method

    async def invoke(self, invocation: Invocation) -> Result:
        """The peer lets go."""
        callback = self._callbacks.get(str(invocation.attachments.get(INSTANCE)))
        if callback is not None:
            self._let_go(callback, *invocation.arguments)
        return Result()


def _identity(target: Any) -> Any:
    """What two mentions of one callback share: ``self.on_price`` is a new object each time."""
    if isinstance(target, MethodType):
        return id(target.__self__), id(target.__func__)
    if isinstance(target, BuiltinMethodType):
        return id(target.__self__), target.__name__
    return id(target)
