"""Tell the application of its calls as they go. (Dubbo: FutureFilter)"""

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar, Self

from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import FilterSettings

logger = get_logger(__name__)

# Called with the invocation and what came of it.
Event = Callable[[Invocation, Any], None]


@activate(group=CONSUMER, order=-7_500, when=("oninvoke", "onreturn", "onthrow"))
class FutureEvents(Filter):
    """Call ``oninvoke``, ``onreturn`` and ``onthrow`` of a method.

    ``client.refer(Shop, methods={"buy": {"onreturn": bought, "onthrow": failed}})``. They are
    plain functions, must not block, and run where the call runs:

    - ``oninvoke(*arguments)`` before the call. If it raises, ``onthrow`` has that, and the call
      is made all the same.
    - ``onreturn(value)``, ``onreturn(value, *arguments)``, or ``onreturn(value, arguments: tuple)``
      by what it takes. If it raises, ``onthrow`` has that.
    - ``onthrow(error)``, with arguments as ``onreturn``, for what the method raised, and for a
      call that failed on its way; if its first parameter has a type hint, only for errors of
      that type, else for each Exception. (A cancelled call is none.)

    Nothing they raise reaches the caller; where no ``onthrow`` has it, it is logged by its type.
    Keyword arguments of the call are passed as such.

    Dubbo: FutureFilter. Mended: a callback is one function, so none can be half there.
    """

    needs_loop = False
    keys: ClassVar[Any] = dict.fromkeys(("oninvoke", "onreturn", "onthrow"), (Callable, type(None)))

    def __init__(
        self,
        *,
        oninvoke: Callable[..., Any] | None = None,
        onreturn: Callable[..., Any] | None = None,
        onthrow: Callable[..., Any] | None = None,
    ) -> None:
        self._all = Events(oninvoke, onreturn, onthrow)
        self._own: dict[str, Events] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        found = [settings.by_method(key) for key in ("oninvoke", "onreturn", "onthrow")]
        made = cls()
        made._all = Events(*(by_name.default for by_name in found))
        for name in {name for by_name in found for name in by_name}:
            made._own[name] = Events(*(by_name[name] for by_name in found))
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        events = self._own.get(invocation.name, self._all)
        events.invoked(invocation)
        try:
            result = await invoker.invoke(invocation)
        except BaseException as error:
            events.threw(invocation, error)
            raise
        if result.exception is None:
            events.returned(invocation, result.value)
        else:
            events.threw(invocation, result.exception)
        return result


class Events:
    """The callbacks of one method."""

    __slots__ = ("_errors", "_oninvoke", "_onreturn", "_onthrow")

    def __init__(self, oninvoke: Any, onreturn: Any, onthrow: Any) -> None:
        for name, given in (("oninvoke", oninvoke), ("onreturn", onreturn), ("onthrow", onthrow)):
            if given is not None and not callable(given):
                raise TypeError(f"{name} is a function, not {given!r}")
            if inspect.iscoroutinefunction(given):
                raise TypeError(f"{name}: {given.__qualname__} must be a plain `def`")
        self._oninvoke = oninvoke
        self._onreturn = _shaped(onreturn)
        self._onthrow = _shaped(onthrow)
        self._errors = _first_type(onthrow)

    def invoked(self, invocation: Invocation) -> None:
        if self._oninvoke is not None:
            try:
                self._oninvoke(*invocation.arguments, **(invocation.keywords or {}))
            except Exception as error:
                self._failed("oninvoke", invocation, error)

    def returned(self, invocation: Invocation, value: Any) -> None:
        if self._onreturn is not None:
            try:
                self._onreturn(invocation, value)
            except Exception as error:
                self._failed("onreturn", invocation, error)

    def threw(self, invocation: Invocation, error: BaseException) -> bool:
        """Whether anybody was told."""
        if self._onthrow is None or not isinstance(error, self._errors):
            return False
        try:
            self._onthrow(invocation, error)
        except Exception as own:
            logger.error("onthrow of %s raised %s", invocation, type(own).__name__)
        return True

    def _failed(self, what: str, invocation: Invocation, error: Exception) -> None:
        if not self.threw(invocation, error):
            logger.error("%s of %s raised %s", what, invocation, type(error).__name__)


def _shaped(callback: Callable[..., Any] | None) -> Event | None:
    """The callback with the arguments that it takes."""
    if callback is None:
        return None
    takes = _positional(callback)
    several = any(p.kind is p.VAR_POSITIONAL for p in takes) or len(takes) > 1
    if not several:
        return lambda invocation, outcome: callback(outcome)
    second = _hint(callback, takes[1].name) if len(takes) == 2 else None
    if (typing.get_origin(second) or second) is tuple:
        return lambda invocation, outcome: callback(outcome, invocation.arguments)
    return lambda invocation, outcome: callback(
        outcome, *invocation.arguments, **(invocation.keywords or {})
    )


def _positional(callback: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(callback).parameters.values()
    except (TypeError, ValueError):  # of a built-in, which tells nothing
        return []
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return [p for p in parameters if p.kind in kinds]


def _hint(callback: Callable[..., Any], name: str) -> Any:
    function = callback
    if not inspect.isroutine(callback) and not isinstance(callback, type):
        function = getattr(callback, "__call__", callback)  # noqa: B004  # an object's
    try:
        return typing.get_type_hints(function).get(name)
    except (NameError, TypeError):
        return None


def _first_type(callback: Callable[..., Any] | None) -> Any:
    """The errors that ``onthrow`` wants to hear of."""
    takes = [] if callback is None else _positional(callback)
    if callback is None or not takes:
        return Exception
    hint = _hint(callback, takes[0].name)
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    members = typing.get_args(hint) if union else (hint,)
    errors = tuple(m for m in members if isinstance(m, type) and issubclass(m, BaseException))
    return errors or Exception
