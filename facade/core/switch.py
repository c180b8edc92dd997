"""Say for one call how it is made: asynchronous, or oneway. (Dubbo: RpcUtils, RpcContext)"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol

from facade.core.errors import RpcError
from facade.core.future import FUTURES, Future, Started, completed, failed, future_of
from facade.core.invocation import Attachments, Invocation

# Names of attachments. Each may stand after the name of a method and a dot, too.
ASYNC, RETURN, SENT = "async", "return", "sent"


def scoped(method: str) -> tuple[str, str, str]:
    """The names that are about this method alone."""
    return f"{method}.{ASYNC}", f"{method}.{RETURN}", f"{method}.{SENT}"


def read(attachments: Mapping[str, str | bytes], method: str, name: str) -> bool | None:
    """What a switch says, that of the method first. None where it is not there.

    Either value decides. (Dubbo 2.7.12-2.7.15: RpcUtils#isAsync, #isOneway)
    """
    for key in (f"{method}.{name}", name):
        value = attachments.get(key)
        if value in ("true", "false"):
            return value == "true"
    return None


class Caller(Protocol):
    """Who calls: his next call's attachments."""

    client_attachments: Attachments


class Here(Protocol):
    """Where he does, and his last call."""

    caller: Any  # a Caller
    invocation: Invocation | None


def async_call(here: Here, fn: Callable[[], Any]) -> Future:
    """See ``RpcContext.async_call``."""
    before = here.invocation
    caller: Caller = here.caller
    caller.client_attachments[ASYNC] = "true"
    try:
        value = fn()
    except Exception as error:
        return failed(_wrapped("asynchronous", error))
    finally:
        caller.client_attachments.pop(ASYNC, None)  # it is still there where no call was made
    if isinstance(value, FUTURES):
        return value
    if isinstance(value, Started):
        return value.future
    if isawaitable(value):
        return asyncio.ensure_future(value)
    made = here.invocation
    if value is None and made is not None and made is not before:
        return future_of(made)
    return completed(value)


def oneway_call(caller: Caller, fn: Callable[[], Any]) -> Any:
    """See ``RpcContext.oneway_call``."""
    caller.client_attachments[RETURN] = "false"
    try:
        value = fn()
    except Exception as error:
        raise _wrapped("oneway", error) from error
    finally:
        caller.client_attachments.pop(RETURN, None)
    return _ended(value) if isawaitable(value) else None


async def _ended(call: Awaitable[Any]) -> None:
    try:
        await call
    except Exception as error:
        raise _wrapped("oneway", error) from error


def _wrapped(kind: str, error: Exception) -> RpcError:
    """An RpcError keeps its code; anything else becomes the cause of one."""
    if isinstance(error, RpcError):
        return error
    wrapped = RpcError(f"{kind} call failed: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
