"""Keep a record of what nobody declared, and its text at home. (Dubbo: ExceptionFilter)"""

import builtins
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, Self

from facade.core.errors import Quoting, RemoteError, RpcError
from facade.core.exceptions import is_declared, is_known, restore, wire_name
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings
from facade.core.stream import NOT_OF_THE_STREAM, Watched, at_end, is_stream

logger = get_logger(__name__)

KEY = "log_exceptions"
TEXTS = "error_texts"
UNDECLARED = "undeclared"
DECLARED = "declared"
ALL = "all"

Which = Literal["undeclared", "all"]
Texts = Literal["all", "declared"]


@activate(group=PROVIDER, order=-7_000)
class Exception(Filter):
    """Log, with its traceback, an exception that its caller gets as a RemoteError. Always on.

    Declared exceptions (``@facade.error``), Python's own and RpcErrors leave as they are, and
    are part of what a method promises. Any other travels as its type and message alone, and
    this log is where the rest of it is found: service, method, who called, traceback. Of the
    arguments nothing is written, except for what the exception says of them itself.

    A bug is often one of Python's own, an AttributeError, say. To see those as well::

        server.export(Greeter, GreeterImpl(), log_exceptions="all")

    What an exception says may be secret: a password in a URL, a row of a table. To send the
    texts of declared exceptions and RpcErrors alone::

        server = Server(filter_settings={"error_texts": "declared"})

    The caller of any other then learns its type, and a number that is in the log beside the
    text: Python's own still come as themselves, with that for their text.

    It raises nothing, and changes no result but for that. Mended against Dubbo, which sends the
    text of the whole traceback to the caller: here it stays at home.
    """

    keys = {KEY: str, TEXTS: str}

    def __init__(
        self,
        *,
        log: Which = "undeclared",
        methods: Mapping[str, Which] | None = None,
        texts: Texts = "all",
        texts_of: Mapping[str, Texts] | None = None,
    ) -> None:
        self._log = _chosen(KEY, (UNDECLARED, ALL), log, methods)
        self._texts = _chosen(TEXTS, (ALL, DECLARED), texts, texts_of)
        # Whether any method keeps something back.
        self._keeps = DECLARED in (texts, *self._texts.values())

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        which = settings.by_method(KEY, UNDECLARED)
        texts = settings.by_method(TEXTS, ALL)
        return cls(log=which.default, methods=which, texts=texts.default, texts_of=texts)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        result = await invoker.invoke(invocation)
        keeps = self._keeps and self._texts[invocation.name] == DECLARED
        error = result.exception
        if keeps and error is not None and not _may_leave(error):
            result.exception = _kept(error, invocation)
            return result
        if error is not None:
            self._look(invocation, result)
        method = invocation.method
        if method is not None and method.yields and is_stream(result.value):
            if keeps:
                result.value = Kept(result.value, invocation)
            else:
                at_end(result, partial(self._look, invocation))
        return result

    def _look(self, invocation: Invocation, outcome: Result | BaseException) -> None:
        error = outcome.exception if isinstance(outcome, Result) else None
        if error is not None and self._is_logged(error, invocation.name):
            _record(error, invocation)

    def _is_logged(self, error: BaseException, name: str) -> bool:
        if isinstance(error, RpcError):
            return False
        # What is in a group does not travel: it comes as a RemoteError, though it is Python's own.
        kept = isinstance(error, BaseExceptionGroup) or not is_known(error)
        return kept or self._log[name] == ALL


def _chosen(
    key: str, known: tuple[str, ...], default: str, own: Mapping[str, str] | None
) -> ByMethod:
    for one in (default, *(own or {}).values()):
        if one not in known:
            raise ValueError(f"{key}={one!r}: it is {' or '.join(map(repr, known))}")
    return ByMethod(dict(own or {}), default)


def _may_leave(error: BaseException) -> bool:
    """What was meant for callers. A RemoteError is what another provider did not declare."""
    if isinstance(error, RemoteError):
        return False
    if isinstance(error, Quoting) and error.__cause__ is not None:
        return _may_leave(error.__cause__)
    return isinstance(error, RpcError) or is_declared(error)


class Kept(Watched):
    """A stream that keeps the text of what it raises."""

    __slots__ = ("_invocation",)

    def __init__(self, stream: Any, invocation: Invocation) -> None:
        super().__init__(stream)
        self._invocation = invocation

    async def __anext__(self) -> Any:
        try:
            return await super().__anext__()
        except (StopAsyncIteration, *NOT_OF_THE_STREAM):
            raise
        except BaseException as error:
            if _may_leave(error):
                raise
            raise _kept(error, self._invocation) from None


def _kept(error: BaseException, invocation: Invocation) -> builtins.Exception:
    """What its caller gets in its place."""
    number = secrets.token_hex(4)
    _record(error, invocation, f" ({number})")
    name = error.type if isinstance(error, RemoteError) else wire_name(error)
    text = f"the provider keeps the text of this: its log has it under {number}"
    if isinstance(error, Quoting):
        error.message = text
        return error
    own = restore(name, (text,)) if is_known(error) else None
    return own or RemoteError(text, type=name)


def _record(error: BaseException, invocation: Invocation, number: str = "") -> None:
    logger.error(
        "%s raised %s %s%s, called by %r at %s",
        invocation,
        "Python's own" if is_known(error) else "the undeclared",
        wire_name(error),
        number,
        invocation.remote_application,
        invocation.remote_address,
        exc_info=error,
    )
