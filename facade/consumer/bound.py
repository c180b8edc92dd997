"""What a type checker sees of a remote method."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from facade.consumer.proxy import RemoteMethod
from facade.core.method import InvokeMode

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
F_co = TypeVar("F_co", bound=asyncio.Future[Any] | concurrent.futures.Future[Any], covariant=True)


class Bound(Protocol[P, T_co]):
    """A remote method as a type checker should see it: see ``bound``."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    def oneway(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...


class BoundAsync(Bound[P, Awaitable[T]], Protocol[P, T]):
    """Of a method that is awaited."""

    def future(self, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]: ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
        mode: InvokeMode | None = None,
        oneway: bool | None = None,
        sent: bool | None = None,
    ) -> "BoundAsync[P, T]": ...


class BoundSync(Bound[P, T], Protocol[P, T]):
    """Of a method that waits."""

    def future(self, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[T]: ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
        mode: InvokeMode | None = None,
        oneway: bool | None = None,
        sent: bool | None = None,
    ) -> "BoundSync[P, T]": ...


class BoundFuture(Bound[P, F_co], Protocol[P, F_co]):
    """Of a method that is declared to give a future."""

    def future(self, *args: P.args, **kwargs: P.kwargs) -> F_co: ...
    def options(
        self,
        *,
        timeout: float | None = None,
        attachments: Mapping[str, str | bytes] | None = None,
        mode: InvokeMode | None = None,
        oneway: bool | None = None,
        sent: bool | None = None,
    ) -> "BoundFuture[P, F_co]": ...


@overload
def bound(  # type: ignore[overload-overlap]  # a coroutine is a T too; the first one fits first
    method: Callable[P, Coroutine[Any, Any, T]],
) -> BoundAsync[P, T]: ...
@overload
def bound(method: Callable[P, F_co]) -> BoundFuture[P, F_co]: ...  # type: ignore[overload-overlap]
@overload
def bound(method: Callable[P, T]) -> BoundSync[P, T]: ...
def bound(method: Any) -> Any:
    """A remote method with the type of one: ``bound(greeter.hello).future("Ann")``.

    ``greeter.hello.future("Ann")`` does the same; a type checker sees a plain method there.
    TypeError for what is no remote method.
    """
    if not isinstance(method, RemoteMethod):
        raise TypeError(f"{method!r} is no method of a remote service")
    return method
