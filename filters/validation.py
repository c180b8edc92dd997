"""Refuse arguments that do not fit, before they cost anything. (Dubbo: ValidationFilter)"""

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

import msgspec
from msgspec.msgpack import Decoder, Encoder

from facade.core.errors import Code, InvalidArgument, RpcError, Sent
from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import Method
from facade.core.result import Result
from facade.core.settings import FilterSettings

# Gets the name of the method and its arguments by name, and raises.
Validator = Callable[[str, Mapping[Any, Any]], object]

_OFF = (None, False, "", "false", "0", "null", "N/A")


@activate(group=CONSUMER, order=-4_500, when="validation")
class Validation(Filter):
    """Check the arguments of a call before it is sent.

    ``client.refer(Shop, validation=True)``: against the type hints and their constraints
    (``Annotated[int, msgspec.Meta(gt=0)]``), as the provider does when it decodes them.
    ``validation=check``: these, and then ``check(name, arguments)``, with the name of the method
    and a read-only mapping of its arguments as they were given, by name (of a call without an
    interface by position). It is a plain ``def`` and refuses by raising; what it gives back is
    no matter. A method can have one of its own, or False.

    Raises InvalidArgument with Code.VALIDATION, which names the parameter and never its
    value. An RpcError of ``check`` goes to the caller as it is; of anything else it raises only
    the type is told, as its text may hold a value: raise InvalidArgument to say more.

    Dubbo: ValidationFilter. As there, names with "$" pass through. Mended: whatever refuses
    is an error of one kind, not a result with any exception.
    """

    needs_loop = False
    keys: ClassVar[Any] = {"validation": (bool, Callable, type(None))}
    _sent = Sent.NOT_SENT
    _types_at_this_end = True

    def __init__(self, validation: bool | Validator = True) -> None:
        self._own: dict[str, Any] = {}
        self._all: Any = _checked(validation)
        self._checkers: dict[tuple[str, str, str, str], Checker] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        chosen = settings.by_method("validation")
        made = cls(chosen.default)
        made._own = {name: _checked(value) for name, value in chosen.items()}
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        name = invocation.name
        validation = self._own.get(name, self._all)
        if not validation or name.startswith("$"):
            return await invoker.invoke(invocation)
        if self._types_at_this_end and invocation.method is not None:
            self._check_types(invocation, invocation.method)
        if validation is not True:
            self._ask(validation, invocation)
        return await invoker.invoke(invocation)

    def _check_types(self, invocation: Invocation, method: Method) -> None:
        place = (invocation.service, invocation.group, invocation.version, invocation.name)
        checker = self._checkers.get(place)
        if checker is None or checker.parameters != method.parameters:
            checker = self._checkers[place] = Checker(method)
        misfit = checker.find_misfit(invocation.arguments, invocation.keywords)
        if misfit is not None:
            raise self._refusal(f"{invocation}: argument {misfit}")

    def _ask(self, validator: Validator, invocation: Invocation) -> None:
        try:
            validator(invocation.name, MappingProxyType(_by_name(invocation)))
        except RpcError as error:
            error.sent = self._sent
            if type(error) is InvalidArgument:
                error.code = Code.VALIDATION
            raise
        except Exception as error:
            raise self._refusal(
                f"{invocation}: the arguments were refused by its validation with "
                f"{type(error).__name__}"
            ) from error

    def _refusal(self, text: str) -> InvalidArgument:
        return InvalidArgument(text, code=Code.VALIDATION, sent=self._sent)


class Checker:
    """What the arguments of one method must be."""

    __slots__ = ("_by_name", "_positional", "parameters")

    def __init__(self, method: Method) -> None:
        self.parameters = method.parameters
        given_later = method.callbacks + method.streamed
        checked = [p for p in method.parameters if p.name not in given_later]
        self._by_name = {p.name: Decoder(p.type, dec_hook=_from_plain).decode for p in checked}
        self._positional = [p.name for p in method.parameters if not p.keyword_only]

    def find_misfit(
        self, arguments: tuple[Any, ...], keywords: Mapping[str, Any] | None
    ) -> str | None:
        """The name of the first that does not fit, and why. Their number is no matter here."""
        for name, value in zip(self._positional, arguments, strict=False):
            misfit = self._misfit(name, value)
            if misfit is not None:
                return misfit
        for name, value in (keywords or {}).items():
            misfit = self._misfit(name, value)
            if misfit is not None:
                return misfit
        return None

    def _misfit(self, name: str, value: Any) -> str | None:
        decode = self._by_name.get(name)
        if decode is None:
            return None
        try:
            content = _encode(value)
        except Exception:
            return None  # whoever sends it says why it can't be sent
        try:
            decode(content)
        except msgspec.ValidationError as error:
            return f"{name!r}{_explain(error)}"
        return None


def _explain(error: msgspec.ValidationError) -> str:
    """Where and why, as far as msgspec's text can hold no value."""
    text, _, place = str(error).partition(" - at ")
    place = place.strip("`").removeprefix("$")
    at = f" (at {place})" if place and "`" not in place else ""
    if error.__cause__ is None and _VALUELESS.match(text):
        return f"{at}: {text}"
    return f"{at}: not a valid value"


# Not "Invalid enum value 'x'", nor what a class says of itself in __post_init__.
_VALUELESS = re.compile(r"Expected |Object missing |Invalid (UUID|RFC3339|decimal|ISO8601|base64)")


def _to_plain(value: Any) -> Any:
    """Protobuf messages: the one thing of ours that msgspec does not know."""
    return value.SerializeToString()


def _from_plain(type_: Any, value: Any) -> Any:
    parse = getattr(type_, "FromString", None)
    return value if parse is None else parse(value)


_encode = Encoder(enc_hook=_to_plain).encode


def _by_name(invocation: Invocation) -> dict[Any, Any]:
    method = invocation.method
    names: list[Any] = []
    if method is not None:
        names = [p.name for p in method.parameters if not p.keyword_only]
    names += range(len(names), len(invocation.arguments))
    return {**dict(zip(names, invocation.arguments, strict=False)), **(invocation.keywords or {})}


def _checked(validation: Any) -> Any:
    """TypeError for what can't check anything. None where nothing is to be checked."""
    if validation in _OFF:
        return None
    if validation is True:
        return True
    if not callable(validation):
        raise TypeError("validation is True, False, or a function that takes (name, arguments)")
    if inspect.iscoroutinefunction(validation):
        raise TypeError(f"validation: {validation.__qualname__} must be a plain `def`")
    return validation
