"""Keep a record of what nobody declared. (Dubbo: ExceptionFilter)"""

from collections.abc import Mapping
from typing import Literal, Self

from facade.core.errors import RpcError
from facade.core.exceptions import is_known, wire_name
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

logger = get_logger(__name__)

KEY = "log_exceptions"
UNDECLARED = "undeclared"
ALL = "all"

Which = Literal["undeclared", "all"]


@activate(group=PROVIDER, order=-7_000)
class Exception(Filter):
    """Log, with its traceback, an exception that its caller gets as a RemoteError. Always on.

    Declared exceptions (``@facade.error``), Python's own and RpcErrors leave as they are, and
    are part of what a method promises. Any other travels as its type and message alone, and
    this log is where the rest of it is found: service, method, who called, traceback. Of the
    arguments nothing is written, except for what the exception says of them itself.

    A bug is often one of Python's own, an AttributeError, say. To see those as well::

        server.export(Greeter, GreeterImpl(), log_exceptions="all")

    It raises nothing, and changes no result. Mended against Dubbo, which sends the text of the
    whole traceback to the caller: here it stays at home.
    """

    keys = {KEY: str}

    def __init__(
        self, *, log: Which = "undeclared", methods: Mapping[str, Which] | None = None
    ) -> None:
        own = dict(methods or {})
        for which in (log, *own.values()):
            if which not in (UNDECLARED, ALL):
                raise ValueError(f"{KEY}={which!r}: it is {UNDECLARED!r} or {ALL!r}")
        self._log = ByMethod(own, log)

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        which = settings.by_method(KEY, UNDECLARED)
        return cls(log=which.default, methods=which)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        result = await invoker.invoke(invocation)
        error = result.exception
        if error is not None and self._is_logged(error, invocation.name):
            _record(error, invocation)
        return result

    def _is_logged(self, error: BaseException, name: str) -> bool:
        if isinstance(error, RpcError):
            return False
        return not is_known(error) or self._log[name] == ALL


def _record(error: BaseException, invocation: Invocation) -> None:
    logger.error(
        "%s raised %s %s, called by %r at %s",
        invocation,
        "Python's own" if is_known(error) else "the undeclared",
        wire_name(error),
        invocation.remote_application,
        invocation.remote_address,
        exc_info=error,
    )
