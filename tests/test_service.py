"""What is read off an interface."""

import asyncio
import concurrent.futures
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import pytest

from facade.core import InvokeMode
from facade.service import describe, find_interface, method, service


@dataclass
class Order:
    item: str


@service("demo.Shop", version="1.0", group="blue", timeout=2.5)
class Shop:
    """Sells things.

    This is more than the summary.
    """

    async def buy(self, order: Order, count: int = 1, *, gift: bool = False) -> "list[Order]":
        """Buy some
        of it.

        Details.
        """
        raise NotImplementedError

    @method(timeout=0.2, idempotent=True)
    async def look(self) -> str:
        raise NotImplementedError

    @method(oneway=True)
    async def log(self, line: str) -> None:
        raise NotImplementedError

    @method(cancel_on_timeout=True)
    async def search(self, text: str) -> Order:
        raise NotImplementedError

    async def _private(self) -> None:
        raise NotImplementedError


# What is read


def test_service_is_what_the_decorator_says():
    """Name, group, version, timeout in seconds, and the first paragraph of its text."""
    described = describe(Shop)
    assert (described.name, described.group, described.version) == ("demo.Shop", "blue", "1.0")
    assert described.key == "blue/demo.Shop:1.0"
    assert described.timeout == 2.5
    assert described.summary == "Sells things."


def test_methods_are_the_public_ones():
    """What begins with an underscore can't be called; the rest can, in the order written."""
    assert list(describe(Shop).methods) == ["buy", "look", "log", "search"]


def test_method_is_read_off_its_signature():
    """Parameters by name, type, default and kind; the type of the value; the summary."""
    buy = describe(Shop).methods["buy"]
    assert [(p.name, p.type, p.required, p.keyword_only) for p in buy.parameters] == [
        ("order", Order, True, False),
        ("count", int, False, False),
        ("gift", bool, False, True),
    ]
    assert buy.returns == list[Order]
    assert buy.summary == "Buy some of it."
    assert str(buy) == "demo.Shop.buy"


def test_method_has_the_options_it_was_given():
    """What a signature can't tell comes from the decorator."""
    methods = describe(Shop).methods
    assert (methods["look"].timeout, methods["look"].idempotent) == (0.2, True)
    assert methods["log"].oneway
    assert methods["search"].cancel_on_timeout
    buy = methods["buy"]
    assert (buy.timeout, buy.oneway, buy.idempotent, buy.cancel_on_timeout) == (
        None, False, False, False,
    )  # fmt: skip


def test_class_without_the_decorator_goes_by_its_own_name():
    """A plain class is an interface too."""

    class Plain:
        def hello(self): ...

    described = describe(Plain)
    assert described.name == f"{__name__}.{Plain.__qualname__}"
    assert (described.group, described.version, described.timeout) == ("", "", None)


def test_decorator_without_a_name_keeps_the_classes():
    """Only the version is given: the name is the class's."""

    @service(version="2")
    class Plain:
        def hello(self): ...

    assert describe(Plain).key == f"{__name__}.{Plain.__qualname__}:2"


def test_hints_that_are_left_out_mean_anything():
    """An interface without types takes and gives what comes."""

    class Loose:
        def hello(self, name): ...

    hello = describe(Loose).methods["hello"]
    assert hello.parameters[0].type is Any
    assert hello.returns is Any


def test_annotated_hints_are_kept():
    """What a hint says beyond the type is there for the codec to check."""

    class Strict:
        def hello(self, name: Annotated[str, "at most 10"]) -> None: ...

    assert describe(Strict).methods["hello"].parameters[0].type == Annotated[str, "at most 10"]


# Invoke modes


class Modes:
    def sync(self) -> int: ...
    async def coroutine(self) -> int: ...
    def future(self) -> concurrent.futures.Future[int]: ...
    def asyncio_future(self) -> asyncio.Future[int]: ...
    def bare_future(self) -> concurrent.futures.Future: ...
    def named_future(self) -> "concurrent.futures.Future[int]": ...


@pytest.mark.parametrize(
    ("name", "mode", "returns"),
    [
        ("sync", InvokeMode.SYNC, int),
        ("coroutine", InvokeMode.ASYNC, int),
        ("future", InvokeMode.FUTURE, int),
        ("asyncio_future", InvokeMode.FUTURE, int),
        ("bare_future", InvokeMode.FUTURE, Any),
        ("named_future", InvokeMode.FUTURE, int),
    ],
)
def test_signature_tells_the_invoke_mode(name, mode, returns):
    """def is sync, async def is async, a Future is a future; the value's type is inside."""
    described = describe(Modes).methods[name]
    assert (described.mode, described.returns) == (mode, returns)


# Inheritance


def test_inherited_methods_can_be_called():
    """An interface has the methods of its bases, and its own over theirs."""

    class Base:
        def hello(self) -> str: ...
        def bye(self) -> str: ...

    class Derived(Base):
        def hello(self) -> int: ...
        def more(self) -> str: ...

    methods = describe(Derived).methods
    assert set(methods) == {"hello", "bye", "more"}
    assert methods["hello"].returns is int
    assert all(m.service == describe(Derived).name for m in methods.values())


def test_protocol_can_be_an_interface():
    """What typing itself puts into a class is no method of it."""

    class Greeter(Protocol):
        def hello(self, name: str) -> str: ...

    assert list(describe(Greeter).methods) == ["hello"]


def test_derived_class_does_not_inherit_the_name():
    """Two interfaces never share a name by accident."""

    class Better(Shop):
        def extra(self): ...

    assert describe(Better).name == f"{__name__}.{Better.__qualname__}"


def test_interface_of_an_implementation_is_found():
    """The nearest decorated class is what an object implements; there may be none."""

    class ShopImpl(Shop):
        pass

    assert find_interface(ShopImpl()) is Shop
    assert find_interface(Shop()) is Shop
    assert find_interface(object()) is None


# Decorators


def test_method_does_without_parentheses():
    """The bare decorator changes nothing."""

    def hello(self): ...

    assert method(hello) is hello


def test_method_with_options_gives_the_function_back():
    """It can be called as it was before."""

    def hello(self): ...

    assert method(timeout=1)(hello) is hello
