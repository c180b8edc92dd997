"""What a method raises."""

from dataclasses import dataclass

import pytest

import facade


@facade.error("conformance.OutOfStock")
class OutOfStock(Exception):
    def __init__(self, item: str, left: int) -> None:
        super().__init__(f"only {left} of {item} left")
        self.item = item
        self.left = left


@facade.error("conformance.Plain")
class Plain(ValueError):
    """Keeps what it is given in ``args``."""


class Undeclared(Exception):
    pass


@dataclass
class Unsendable(Exception):
    thing: object


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class BrokenEnd(BaseException):
    __str__ = __repr__ = Broken.__str__


@facade.service("exceptions.Shop")
class Shop:
    async def buy(self, item: str) -> str: ...

    def rent(self, item: str) -> str: ...


class ShopImpl(Shop):
    """Raises what it was made with."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def buy(self, item: str) -> str:
        raise self.error

    def rent(self, item: str) -> str:
        raise self.error


async def raised_by(wire, error):
    """What the caller gets where the method raises ``error``."""
    shop = await wire.refer(Shop, ShopImpl(error))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await wire.call(shop.buy, "tea")
    return raised.value


async def test_declared_exception(wire):
    """It comes back as itself, with its attributes."""
    error = await raised_by(wire, OutOfStock("tea", 2))
    assert type(error) is OutOfStock
    assert (error.item, error.left, str(error)) == ("tea", 2, "only 2 of tea left")


async def test_declared_exception_without_a_constructor(wire):
    """Its arguments come back, and its base class catches it."""
    error = await raised_by(wire, Plain("tea", 2, None))
    assert type(error) is Plain
    assert error.args == ("tea", 2, None)


@pytest.mark.parametrize(
    "sent",
    [
        ValueError("no", 1),
        KeyError("key"),
        ZeroDivisionError(),
        FileNotFoundError(2, "No such file"),
        NotImplementedError("later"),
    ],
    ids=repr,
)
async def test_exception_of_python_s_own(wire, sent):
    """It comes back as itself, with its arguments."""
    error = await raised_by(wire, sent)
    assert type(error) is type(sent)
    assert error.args == sent.args


async def test_exception_of_a_plain_method(wire):
    """What is raised in a thread comes back, too."""
    shop = await wire.refer(Shop, ShopImpl(OutOfStock("tea", 2)))
    with pytest.raises(OutOfStock):
        await wire.call(shop.rent, "tea")


async def test_undeclared_exception(wire):
    """It is a RemoteError, with the name of its type and its text."""
    error = await raised_by(wire, Undeclared("no tea"))
    assert type(error) is facade.RemoteError
    assert error.type.endswith(".Undeclared")
    assert error.message == "no tea"
    assert str(error) == f"{error.type}: no tea"
    assert (error.code, error.remote) == (facade.Code.BIZ, True)


async def test_undeclared_exception_of_a_declared_base(wire):
    """A class that derives from a declared one is still another class."""

    class VeryOut(OutOfStock):
        pass

    error = await raised_by(wire, VeryOut("tea", 0))
    assert type(error) is facade.RemoteError
    assert error.type.endswith("VeryOut")


async def test_exception_without_a_text(wire):
    """Neither an empty text nor one that can't be made stops it from coming back."""
    assert (await raised_by(wire, Undeclared())).message == ""
    assert type(await raised_by(wire, Broken())) is facade.RemoteError
    assert type(await raised_by(wire, BrokenEnd())) is facade.RemoteError


async def test_exception_whose_arguments_can_not_travel(wire):
    """It comes back as itself, with its text in their place."""
    error = await raised_by(wire, ValueError(object()))
    assert type(error) is ValueError
    assert "object object at" in str(error)
    error = await raised_by(wire, KeyError(Broken()))  # whose text is that of what it holds
    assert type(error) is KeyError


async def test_undeclared_exception_with_any_attribute(wire):
    """What an undeclared exception holds does not travel, and harms nothing."""
    error = await raised_by(wire, Unsendable(object()))
    assert type(error) is facade.RemoteError


async def test_traceback_stays_at_the_provider(wire):
    """No path and no line of the provider's code reaches the caller."""
    error = await raised_by(wire, Undeclared("no tea"))
    assert "Traceback" not in str(error)
    assert __file__ not in str(error)


async def test_call_after_an_exception(wire):
    """The next call is none the worse for it."""

    class Sometimes(ShopImpl):
        async def buy(self, item: str) -> str:
            if item == "tea":
                raise OutOfStock("tea", 0)
            return item

    shop = await wire.refer(Shop, Sometimes(Undeclared()))
    with pytest.raises(OutOfStock):
        await wire.call(shop.buy, "tea")
    assert await wire.call(shop.buy, "cake") == "cake"


async def test_rpc_error_that_the_method_raises(wire):
    """It comes through with its class, code, status and message."""
    sent = facade.LimitExceeded("enough for today", code=facade.Code.FORBIDDEN)
    error = await raised_by(wire, sent)
    assert type(error) is facade.LimitExceeded
    assert (error.code, error.status) == (facade.Code.FORBIDDEN, sent.status)
    assert str(error) == "enough for today"
    assert error.remote


async def test_rpc_error_of_a_nested_call(wire):
    """What fails between B and C comes to A with its code, and tells which method it was."""

    @facade.service("exceptions.Missing")
    class Missing:
        async def nothing(self) -> None: ...

    end = await wire.provide((Shop, ShopImpl(Undeclared())))
    missing = wire.hop(end).refer(Missing)

    class Hop(ShopImpl):
        async def buy(self, item: str) -> str:
            return str(await missing.nothing())

    shop = await wire.refer(Shop, Hop(Undeclared()))
    with pytest.raises(facade.Unimplemented, match=r"exceptions\.Missing") as raised:
        await wire.call(shop.buy, "tea")
    assert raised.value.code is facade.Code.METHOD_NOT_FOUND
    # The nested call was not executed, but the caller's own method was.
    assert raised.value.sent is facade.Sent.MAYBE_EXECUTED


@pytest.mark.parametrize("sent", [OutOfStock("tea", 2), ValueError("no"), Undeclared("no tea")])
async def test_exception_over_two_hops(wire, sent):
    """An exception of C that B lets pass comes to A as it would from B itself."""
    end = await wire.provide((Shop, ShopImpl(sent)))
    next = wire.hop(end).refer(Shop)

    class Hop(ShopImpl):
        async def buy(self, item: str) -> str:
            return await next.buy(item)

    shop = await wire.refer(Shop, Hop(sent))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await wire.call(shop.buy, "tea")
    if isinstance(sent, Undeclared):
        assert isinstance(raised.value, facade.RemoteError)
        assert raised.value.type.endswith(".Undeclared")
    else:
        assert type(raised.value) is type(sent)
    assert str(sent) in str(raised.value)


async def test_generator_exit_of_a_method(wire):
    """As elsewhere it tells of the end of the loop, it is no answer; but there is one."""
    error = await raised_by(wire, GeneratorExit())
    assert error.status is facade.Status.INTERNAL


async def test_stop_iteration_of_an_async_method(wire):
    """Python makes a RuntimeError of it, and that is what comes."""
    error = await raised_by(wire, StopIteration("no more"))
    assert type(error) is RuntimeError
