"""Sending a call once more: after which errors that is safe, and how often in all."""

from collections.abc import Callable
from time import monotonic

from facade.core.errors import Code, DeadlineExceeded, RpcError, Sent, Unavailable

# The number of an attempt, as an attribute (a number) and as an attachment (text). The first
# attempt has none. It is reserved: it does not go on to further hops.
ATTEMPT = "call.attempt"

# What is enough for an attempt: ten times a tenth is a little less than one.
_ONE = 1.0 - 1e-9

# What another attempt can't mend.
_FINAL = frozenset(
    {
        Code.AUTHORIZATION,
        Code.BIZ,
        Code.FORBIDDEN,
        Code.METHOD_NOT_FOUND,
        Code.NO_INVOKER_AVAILABLE,
        Code.SERIALIZATION,
        Code.TIMEOUT_TERMINATE,
        Code.VALIDATION,
    }
)


def may_repeat(error: RpcError, idempotent: bool) -> bool:
    """Whether another attempt may help, and can't run a method twice that minds."""
    if error.code in _FINAL:
        return False
    if error.sent is Sent.MAYBE_EXECUTED:
        return idempotent and isinstance(error, (Unavailable, DeadlineExceeded))
    # A limit of this end (the size of a message, say) would refuse it again.
    return error.code is not Code.LIMIT_EXCEEDED or error.sent is Sent.NOT_EXECUTED


class RepeatBudget:
    """How many attempts there may be beyond the first of each call: a token bucket.

    Each call that is answered pays in ``share`` of an attempt. As nothing comes in while
    nobody answers, a dead provider sees little more than the calls themselves: what was saved
    (at most ``saved`` attempts), and ``minimum`` a second, which lets rare calls try again.
    """

    __slots__ = ("_clock", "_filled", "_reserve", "_tokens", "minimum", "saved", "share")

    def __init__(
        self,
        share: float = 0.1,
        *,
        minimum: float = 0.1,
        saved: float = 10.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.share = share
        self.minimum = minimum
        self.saved = saved
        self._clock = clock
        self._tokens = 0.0
        # Filled by time alone, one attempt deep.
        self._reserve = 1.0 if minimum else 0.0
        self._filled = clock()

    def answered(self, calls: int = 1) -> None:
        """So many calls came back."""
        tokens = self._tokens + self.share * calls
        self._tokens = tokens if tokens < self.saved else self.saved

    def take(self) -> bool:
        """Whether there may be one more attempt; it is paid for then."""
        now = self._clock()
        reserve = min(1.0, self._reserve + (now - self._filled) * self.minimum)
        self._filled = now
        if self._tokens >= _ONE:
            self._tokens -= 1.0
        elif reserve < _ONE:
            self._reserve = reserve
            return False
        # Drawn on in either case, so that what time gives is a minimum and nothing on top.
        self._reserve = max(0.0, reserve - 1.0)
        return True

    def __repr__(self) -> str:
        return f"<RepeatBudget {self.share:g} of the calls, {self._tokens:.1f} saved>"
