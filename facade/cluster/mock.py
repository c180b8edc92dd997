"""An answer of one's own where there is none, or instead of one."""

import inspect
from typing import Any

from facade.core.chain import is_available
from facade.core.errors import Code, RpcError, Sent
from facade.core.filter import Invoker
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import ByMethod


class _Unset:
    def __repr__(self) -> str:
        return "no mock"


NO_MOCK: Any = _Unset()


class Mock:
    """Stands around a cluster. (Dubbo: MockClusterInvoker)

    mock   what is answered when a call fails on its way: a value; an exception, which the method
           seems to raise then; or a function of the invocation, which may be async
    force  answer at once, and call nobody: while a provider is not written yet, or switched off

    An exception of the method is an answer, and so is an RpcError with the code BIZ. Where the
    function itself fails, RpcError says both.
    """

    def __init__(
        self, invoker: Invoker, *, mock: ByMethod | Any, force: ByMethod | bool = False
    ) -> None:
        self._invoker = invoker
        self._mocks = mock if isinstance(mock, ByMethod) else ByMethod({}, mock)
        self._forced = force if isinstance(force, ByMethod) else ByMethod({}, force)

    @property
    def available(self) -> bool:
        return is_available(self._invoker)

    async def invoke(self, invocation: Invocation) -> Result:
        mock = self._mocks[invocation.name]
        if mock is NO_MOCK:
            return await self._invoker.invoke(invocation)
        if self._forced[invocation.name]:
            return await _answer(mock, invocation, None)
        try:
            result = await self._invoker.invoke(invocation)
        except RpcError as error:
            if error.code is Code.BIZ:
                raise
            return await _answer(mock, invocation, error)
        raised = result.exception
        if isinstance(raised, RpcError) and raised.code is not Code.BIZ:
            return await _answer(mock, invocation, raised)
        return result

    def __repr__(self) -> str:
        return f"Mock({self._invoker!r})"


async def _answer(mock: Any, invocation: Invocation, failure: RpcError | None) -> Result:
    if isinstance(mock, type) and issubclass(mock, BaseException):
        mock = mock(f"mocked exception for service degradation of {invocation}")
    if isinstance(mock, BaseException):
        # One object for many calls: it would keep what each of them had at hand.
        return Result(exception=mock.with_traceback(None))
    if not callable(mock):
        return Result(mock)
    try:
        value = mock(invocation)
        if inspect.isawaitable(value):
            value = await value
    except Exception as error:
        called = "" if failure is None else f", invoke error is: {failure}"
        raise RpcError(
            f"mock error of {invocation}: {type(error).__name__}: {error}{called}",
            sent=Sent.NOT_SENT if failure is None else failure.sent,
        ) from error
    return value if isinstance(value, Result) else Result(value)
