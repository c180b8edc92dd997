"""What a type checker sees of a remote method."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar, overload

from facade.consumer.proxy import RemoteMethod
from facade.core.method import InvokeMode

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F_co = TypeVar("F_co", bound=asyncio.Future[Any] | concurrent.futures.Future[Any], covariant=True)


class Bound(Protocol[P, T_co, F_co]):
    """A remote method as a type checker should see it: see ``bound``."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    def future(self, *args: P.args, **kwargs: P.kwargs) -> F_co: ...
    def oneway(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
        mode: InvokeMode | None = None,
        oneway: bool | None = None,
        sent: bool | None = None,
    ) -> Self: ...


@overload
def bound(  # type: ignore[overload-overlap]  # a coroutine is a T too; the first one fits first
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Bound[P, Awaitable[T], asyncio.Future[T]]: ...
@overload
def bound(method: Callable[P, F_co]) -> Bound[P, F_co, F_co]: ...  # type: ignore[overload-overlap]
@overload
def bound(method: Callable[P, T]) -> Bound[P, T, concurrent.futures.Future[T]]: ...
def bound(method: Any) -> Any:
    """A remote method with the type of one: ``bound(greeter.hello).future("Ann")``.

    ``greeter.hello.future("Ann")`` does the same; a type checker sees a plain method there.
    TypeError for what is no remote method.
    """
    if not isinstance(method, RemoteMethod):
        raise TypeError(f"{method!r} is no method of a remote service")
    return method
