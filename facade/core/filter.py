"""Filters: code that runs around an invocation."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import ClassVar, Protocol, Self, TypeVar

from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.core.result import Result
from facade.core.settings import FilterSettings

CONSUMER = "consumer"
PROVIDER = "provider"


class Invoker(Protocol):
    """What can answer an invocation: a remote service, a local object, a chain.

    (Dubbo: Invoker)
    """

    def invoke(self, invocation: Invocation, /) -> Awaitable[Result]: ...


class Filter:
    """Code around an invocation, on either side. (Dubbo: Filter, Filter.Listener)

    Write ``invoke``, or the two listeners, or all three. One object serves all calls
    at once: keep what belongs to a call in ``invocation.attributes``.

    An exception of the method arrives in ``on_response``, inside the result. What is
    raised on the way (a timeout, a lost connection, another filter's refusal, a
    cancelled caller) arrives in ``on_error``. Callbacks run innermost first. What a
    callback raises is what the filters around it see.

    ``needs_loop = False`` says that a filter awaits nothing but the invoker. A blocking
    client whose filters all say so runs them on the calling thread, and spares two switches
    between threads for each call.

    ``per_attempt = True`` says that a filter of a consumer is about one provider: where there are
    several, each has one of its own, and it sees each attempt. The others see the call once.
    """

    needs_loop: bool = True
    per_attempt: ClassVar[bool] = False

    # The settings that it reads in ``configure``, and what they may be: {"executes": int}.
    keys: ClassVar[Mapping[str, type | tuple[type, ...]]] = {}

    # Those of them that are one for all methods: said for a single one, they are an error.
    common: ClassVar[Collection[str]] = ()

    # Methods that every exported service has by this filter, such as "$echo". A filter with
    # such runs in calls of them alone, so that it costs other calls nothing.
    answers: ClassVar[Sequence[Method]] = ()

    async def invoke(self, invoker: Invoker, invocation: Invocation, /) -> Result:
        """Call ``invoker`` not at all (refuse, answer from a cache), once, or several times."""
        return await invoker.invoke(invocation)

    def on_response(self, result: Result, invoker: Invoker, invocation: Invocation, /) -> None:
        """The call ended. ``result`` may be changed."""

    def on_error(self, error: BaseException, invoker: Invoker, invocation: Invocation, /) -> None:
        """The call failed on its way."""

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        """Make the filter for an end or a service with these settings, when it is named or
        switches itself on, and is not given as an object."""
        return cls()

    def __repr__(self) -> str:
        return filter_name(type(self))


class Activation:
    """Where a filter switches itself on: which sides, its place, and by which settings."""

    __slots__ = ("group", "order", "when")

    def __init__(self, group: frozenset[str], order: int, when: tuple[str, ...]) -> None:
        self.group = group
        self.order = order
        self.when = when


F = TypeVar("F", bound=type[Filter])


def activate(
    *,
    group: str | Sequence[str] = (CONSUMER, PROVIDER),
    order: int = 0,
    when: str | Sequence[str] = (),
) -> Callable[[F], F]:
    """Switch an installed filter on by itself. (Dubbo: @Activate)

    ``group``: "consumer", "provider", or both. The smaller ``order``, the further out;
    equal ones stand by name. ``when`` names a setting that must be there and not empty, or
    be what is said behind a colon ("cache:lru"); of several, one is enough.
    """
    groups = frozenset((group,) if isinstance(group, str) else group)
    if not groups or groups - {CONSUMER, PROVIDER}:
        raise ValueError(f"group is 'consumer', 'provider' or both, not {group!r}")

    keys = (when,) if isinstance(when, str) else tuple(when)

    def mark(cls: F) -> F:
        cls.__facade_activation__ = Activation(groups, order, keys)  # type: ignore[attr-defined]
        return cls

    return mark


def filter_name(cls: type) -> str:
    """``AccessLog`` is called ``access_log``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
