"""One record for each call. (Dubbo: AccessLogFilter)"""

import logging
import os
from asyncio import CancelledError
from collections.abc import Sequence
from reprlib import Repr
from time import perf_counter
from typing import Any, Self

from facade.core import log
from facade.core.errors import Code, RemoteError, RpcError
from facade.core.filter import CONSUMER, PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.stream import at_end, is_stream

DEFAULT = "facade.access"
LONGEST = 1000  # characters of one text

_problems = log.get_logger(__name__)
_short = Repr()
_short.maxstring = _short.maxother = 200


@activate(order=-8000, when="access_log")
class AccessLog(Filter):
    """Log each call at level INFO, once it has ended: who, what, how it ended, how long.

        server.export(Greeter, impl, access_log=True)         # logger facade.access.demo.Greeter
        server.export(Greeter, impl, access_log="my.access")  # logger my.access
        AccessLog("my.access", attachments=["trace-id"])      # as an object

    The facts are attributes of the record, for a formatter or a handler that wants them:
    ``service, group, version, method, side, peer, application, outcome, code, elapsed``
    (seconds), ``oneway``. ``outcome`` is "ok", "exception" (the method raised; ``code`` is the
    name of its type), "error" (the call failed; ``code`` is that of the RpcError), "expired"
    or "cancelled". Control characters in them are escaped. Arguments are told, shortened, only
    with ``arguments`` (setting: access_log_arguments), attachments only those of
    ``attachments`` (setting: access_log_attachments). With the logger off it does next to
    nothing.

    It raises nothing, whatever becomes of a record. Dubbo logs arguments always, and logs an
    asynchronous call as ended when it was started; files and their rotation are for handlers.
    """

    needs_loop = False
    keys = {
        "access_log": (bool, str),
        "access_log_arguments": bool,
        "access_log_attachments": (list, tuple),
    }
    common = ("access_log_attachments",)

    def __init__(
        self,
        logger: bool | str = True,
        *,
        arguments: bool = False,
        attachments: Sequence[str] = (),
    ) -> None:
        if isinstance(attachments, str) or not all(isinstance(name, str) for name in attachments):
            raise ValueError(
                f"attachments={attachments!r}: give a list of names, attachments=['trace-id']"
            )
        self._default = logger
        self._by_method: dict[str, bool | str] = {}
        self._arguments = arguments
        self._arguments_by_method: dict[str, bool] = {}
        self._attachments = tuple(attachments)
        self._loggers: dict[tuple[bool | str, str], logging.Logger] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        # Named, and nothing said: on. Said for single methods: on for them.
        on = settings.by_method("access_log", not any(settings.all("access_log")))
        arguments = settings.by_method("access_log_arguments", False)
        made = cls(
            on.default,
            arguments=arguments.default,
            attachments=settings.get("access_log_attachments", ()),
        )
        made._by_method, made._arguments_by_method = on, arguments
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        logger = self._logger(invocation)
        if logger is None or not logger.isEnabledFor(logging.INFO):
            return await invoker.invoke(invocation)
        arguments = self._shown_arguments(invocation)  # the method may change them
        start = perf_counter()
        outcome: Result | BaseException = CancelledError()
        streams = False
        try:
            outcome = result = await invoker.invoke(invocation)
            streams = is_stream(result.value)
        except BaseException as error:
            outcome = error
            raise
        finally:
            if not streams:
                self._end(logger, invocation, outcome, start, arguments)
        if streams:

            def end(outcome: Result | BaseException) -> None:
                self._end(logger, invocation, outcome, start, arguments)

            at_end(result, end)
        return result

    def _end(
        self,
        logger: logging.Logger,
        invocation: Invocation,
        outcome: Result | BaseException,
        start: float,
        arguments: str | None,
    ) -> None:
        try:
            self._log(logger, invocation, outcome, perf_counter() - start, arguments)
        except Exception:
            _problems.exception("a call of %s was not logged", invocation.service)

    def _logger(self, invocation: Invocation) -> logging.Logger | None:
        said = self._by_method.get(invocation.name, self._default)
        if not said:
            return None
        # What a generic call makes up shall not make loggers.
        service = invocation.service if said is True and invocation.method is not None else ""
        logger = self._loggers.get((said, service))
        if logger is None:
            name = DEFAULT if said is True else said
            logger = logging.getLogger(f"{name}.{service}" if service else name)
            self._loggers[said, service] = logger
        return logger

    def _shown_arguments(self, invocation: Invocation) -> str | None:
        if not self._arguments_by_method.get(invocation.name, self._arguments):
            return None
        shown = [_short.repr(value) for value in invocation.arguments]
        shown += [f"{k}={_short.repr(v)}" for k, v in (invocation.keywords or {}).items()]
        return printable(", ".join(shown))

    def _log(
        self,
        logger: logging.Logger,
        invocation: Invocation,
        outcome: Result | BaseException,
        elapsed: float,
        arguments: str | None,
    ) -> None:
        word, code = outcome_of(outcome)
        facts = {
            "side": PROVIDER if invocation.caller is None else CONSUMER,
            "service": printable(invocation.service),
            "group": printable(invocation.group),
            "version": printable(invocation.version),
            "method": printable(invocation.name),
            "peer": printable(invocation.remote_address),
            "application": printable(invocation.remote_application),
            "outcome": word,
            "code": code,
            "elapsed": elapsed,
            "oneway": invocation.oneway,
        }
        text = "%(side)s %(peer)s (%(application)s) %(service)s.%(method)s %(outcome)s %(code)s"
        if arguments is not None:
            facts["arguments"] = arguments
            text += " arguments: %(arguments)s"
        if self._attachments:
            sent = invocation.attachments
            facts["attachments"] = {
                name: printable(_text(sent[name])) for name in self._attachments if name in sent
            }
            text += " attachments: %(attachments)s"
        # What logger.info() makes, less its search of the stack for the caller.
        record = logger.makeRecord(
            logger.name,
            logging.INFO,
            _FILE,
            0,
            text + " %(elapsed).6f s",
            (facts,),
            None,
            "invoke",
            facts,
        )
        logger.handle(record)


_FILE = os.path.normcase(__file__)


def outcome_of(outcome: Result | BaseException) -> tuple[str, str]:
    """How a call ended: "ok", "exception", "error", "expired" or "cancelled"; and the name of
    the exception's type or of the error's code."""
    if isinstance(outcome, Result):
        if outcome.expired:
            return "expired", Code.TIMEOUT.name
        if outcome.exception is None:
            return "ok", ""
        if isinstance(outcome.exception, RemoteError):
            return "exception", printable(outcome.exception.type)
        if not isinstance(outcome.exception, RpcError):
            return "exception", type(outcome.exception).__name__
        outcome = outcome.exception
    if isinstance(outcome, CancelledError):
        return "cancelled", ""
    if isinstance(outcome, RpcError):
        return "error", outcome.code.name
    return "error", type(outcome).__name__


def printable(text: str) -> str:
    return log.printable(text, LONGEST)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value[:LONGEST])
