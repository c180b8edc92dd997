"""Which type hints stand for a callback."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Optional, Protocol

import pytest

import facade
from facade.callbacks import callback_type, takes_none
from facade.service import describe


class Listener(Protocol):
    async def heard(self, text: str) -> None: ...


@facade.service("callback.Service")
class Service:
    async def heard(self, text: str) -> None: ...


@pytest.mark.parametrize(
    "hint",
    [
        Callable[[int], str],
        Callable[..., Any],
        Callable,
        Callable[[int], Awaitable[str]],
        Listener,
        Service,
        Annotated[Listener, "whose"],
    ],
)
@pytest.mark.parametrize("wrap", [lambda hint: hint, lambda hint: Optional[hint]])  # noqa: UP045
def test_callbacks(hint, wrap):
    """Callables, protocols and interfaces are called where they are, and may be None besides."""
    assert callback_type(wrap(hint)) in (hint, Listener)
    assert takes_none(wrap(hint)) == (wrap(hint) != hint)


@pytest.mark.parametrize(
    "hint", [int, str | None, list[int], Any, None, type, dict[str, int] | int]
)
def test_data(hint):
    """Everything else travels as it is."""
    assert callback_type(hint) is None


def test_described():
    """A method knows which of its parameters are callbacks."""

    class Prices:
        async def watch(self, symbol: str, listener: Listener, *, ended: Callable[[], None]): ...

        async def plain(self, symbol: str) -> None: ...

    methods = describe(Prices).methods
    assert methods["watch"].callbacks == ("listener", "ended")
    assert methods["plain"].callbacks == ()


def test_callback_or_data():
    """A parameter that may be either is an error, which says where."""

    class Wrong:
        async def watch(self, listener: Listener | int) -> None: ...

    with pytest.raises(TypeError, match=r"Wrong\.watch\(listener\): a callback may be None"):
        describe(Wrong)
