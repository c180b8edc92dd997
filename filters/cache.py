"""Answer again what was answered before. (Dubbo: CacheFilter)"""

import asyncio
import copy
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self

import msgspec

from facade.core.errors import DeadlineExceeded, Sent
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import is_stream

KINDS = ("lru", "expiring")
_OFF = (None, False, "", "false", "0", "null", "N/A")

# Nobody can change these, so all may have the same one.
_FROZEN = frozenset({type(None), bool, int, float, complex, str, bytes})


class Rule(NamedTuple):
    """How many answers are kept of a method, and for how many seconds; None: for ever."""

    size: int
    seconds: float | None


@activate(group=CONSUMER, order=-5_000, when="cache")
class Cache(Filter):
    """Keep the values that a method gave, and answer equal calls with them.

    ``client.refer(Shop, methods={"price": {"cache": "expiring", "cache_seconds": 10}})``, or
    ``cache="lru"`` of an export or a method; on an interface it is for both ends. "lru" keeps
    the ``cache_size`` (1000) last used, "expiring" besides forgets what is older than
    ``cache_seconds`` (180; "lru" has no limit unless it is given).

    Only values are kept: no exceptions, no expired answers, no attachments. Equal calls at
    the same time share one (its failure, too), unless the one that went was cancelled or ran out
    of time; then the next goes. Each caller has a copy of the value, to change as he likes.
    Calls are equal by service, group, version, method and arguments, as msgpack. Who calls
    does not count: cache nothing that differs by it. What can't be encoded (callbacks), streams,
    oneway calls and names with "$" pass through.

    Raises DeadlineExceeded where the time ends while an equal call is waited for. Dubbo:
    CacheFilter. Mended: arguments are told apart by more than their text, and "expiring"
    has a bound.
    """

    keys: ClassVar[Any] = {
        "cache": (str, bool, type(None)),
        "cache_size": int,
        "cache_seconds": (int, float, type(None)),
    }
    # What a call that only waited for an equal one has done.
    _not_run = Sent.NOT_SENT

    def __init__(
        self,
        kind: str | bool = "lru",
        *,
        size: int = 1000,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._own: dict[str, Rule | None] = {}
        self._rule = _rule(kind, size, seconds)
        self._stores: dict[tuple[str, str, str, str], Store | None] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        kinds = settings.by_method("cache")
        sizes = settings.by_method("cache_size", 1000)
        seconds = settings.by_method("cache_seconds")
        names = {name for name, _, _ in settings.places()} | {""}
        rules = {name: _rule(kinds[name], sizes[name], seconds[name]) for name in names}
        made = cls()
        made._rule = rules.pop("")
        made._own = rules
        return made

    def clear(self) -> None:
        """Forget all answers, and do not keep those that are on their way."""
        for store in list(self._stores.values()):
            if store is not None:
                store.flights.clear()
                store.answers.clear()

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        place = (invocation.service, invocation.group, invocation.version, invocation.name)
        try:
            store = self._stores[place]
        except KeyError:
            store = self._make_store(place, invocation)
        if store is None or invocation.oneway:
            return await invoker.invoke(invocation)
        key = _key(invocation)
        if key is None:
            return await invoker.invoke(invocation)
        while True:
            answer = store.find(key)
            if answer is not None:
                return Result(_copy(answer.value))
            flight = store.flights.get(key)
            if flight is None:
                return await self._fly(store, key, invoker, invocation)
            await self._wait(flight, invocation)
            outcome = flight.result()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is not None:
                return Result(_copy(outcome.value), outcome.exception)

    async def _fly(
        self, store: "Store", key: bytes, invoker: Invoker, invocation: Invocation
    ) -> Result:
        """Make the call, and tell who waits. None tells them to see for themselves."""
        flight = store.flights[key] = asyncio.get_running_loop().create_future()
        outcome: Result | Exception | None = None
        try:
            result = await invoker.invoke(invocation)
            if not result.expired:
                outcome = _shared(result)
                if outcome is not None and store.flights.get(key) is flight:
                    store.keep(key, outcome)
            return result
        except DeadlineExceeded:
            raise  # this caller's time: others may have more
        except Exception as error:
            outcome = error
            raise
        finally:
            if store.flights.get(key) is flight:  # else all was to be forgotten meanwhile
                del store.flights[key]
            flight.set_result(outcome)

    async def _wait(self, flight: "asyncio.Future[Any]", invocation: Invocation) -> None:
        countdown = invocation.countdown
        left = invocation.timeout if countdown is None else max(countdown.remaining, 0)
        done, _ = await asyncio.wait((flight,), timeout=left)  # leaves it alone when cancelled
        if not done:
            raise DeadlineExceeded(
                f"{invocation} waited for an equal call of another (setting cache), and its time "
                "ran out",
                sent=self._not_run,
            )

    def _make_store(
        self, place: tuple[str, str, str, str], invocation: Invocation
    ) -> "Store | None":
        name, method = place[-1], invocation.method
        passes = name.startswith("$") or (method is not None and method.streaming)
        rule = None if passes else self._own.get(name, self._rule)
        store = self._stores[place] = None if rule is None else Store(rule, self._clock)
        return store


class Answer(NamedTuple):
    value: Any
    until: float


class Store:
    """The answers of one method, least recently used first, and its calls under way."""

    __slots__ = ("_clock", "_rule", "answers", "flights")

    def __init__(self, rule: Rule, clock: Callable[[], float]) -> None:
        self._rule = rule
        self._clock = clock
        self.answers: OrderedDict[bytes, Answer] = OrderedDict()
        self.flights: dict[bytes, asyncio.Future[Any]] = {}

    def find(self, key: bytes) -> Answer | None:
        answer = self.answers.get(key)
        if answer is None:
            return None
        if self._rule.seconds is not None and self._clock() >= answer.until:
            del self.answers[key]
            return None
        self.answers.move_to_end(key)
        return answer

    def keep(self, key: bytes, result: Result) -> None:
        """Where it is a value."""
        if result.exception is not None:
            return
        seconds = self._rule.seconds
        self.answers[key] = Answer(result.value, 0 if seconds is None else self._clock() + seconds)
        self.answers.move_to_end(key)
        if len(self.answers) > self._rule.size:
            self.answers.popitem(last=False)


def _shared(result: Result) -> Result | None:
    """What those have that waited for it. None where nobody else can have it."""
    if result.exception is not None:
        return Result(exception=result.exception)
    if is_stream(result.value):  # of a call without an interface
        return None
    try:
        return Result(_copy(result.value))
    except Exception:  # it has no copy
        return None


def _rule(kind: str | bool | None, size: int, seconds: float | None) -> Rule | None:
    if kind in _OFF:
        return None
    if kind is not True and kind not in KINDS:
        raise ValueError(f"cache={kind!r} is no kind of cache: use {' or '.join(map(repr, KINDS))}")
    if size < 1:
        raise ValueError(f"cache_size={size!r} has no room: give 1 or more, or leave cache out")
    if seconds is None:
        seconds = 180.0 if kind == "expiring" else None
    elif not seconds > 0:
        raise ValueError(f"cache_seconds={seconds!r} keeps nothing: give more than 0")
    return Rule(size, seconds)


def _plain(value: Any) -> Any:
    """A protobuf message inside of the arguments. Nothing else needs this."""
    serialize = getattr(value, "SerializeToString", None)
    if serialize is None:
        raise TypeError
    return serialize(deterministic=True)


_encode = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic").encode


def _key(invocation: Invocation) -> bytes | None:
    """The arguments as bytes: those that can't be hashed have a key, too, and 1 is not True."""
    try:
        key = _encode((invocation.arguments, invocation.keywords or None))
    except Exception:  # whatever an argument raises: then it is not for a cache
        return None
    return key if len(key) <= 64 else hashlib.sha256(key).digest()


def _copy(value: Any) -> Any:
    return value if type(value) in _FROZEN else copy.deepcopy(value)
