"""Errors: their codes, and what is an answer and what a failure. (Dubbo: RpcException)"""

import asyncio
import socket

import pytest

import facade
from facade import Code, Sent, Status
from facade.core import chain

CODES = {
    0: "UNKNOWN",
    1: "NETWORK",
    2: "TIMEOUT",
    3: "BIZ",
    4: "FORBIDDEN",
    5: "SERIALIZATION",
    6: "NO_INVOKER_AVAILABLE",
    7: "LIMIT_EXCEEDED",
    8: "TIMEOUT_TERMINATE",
    9: "REGISTRY",
    10: "ROUTER_CACHE_NOT_BUILT",
    11: "METHOD_NOT_FOUND",
    12: "VALIDATION",
    13: "AUTHORIZATION",
}


@facade.error("dubbo.errors.SoldOut")
class SoldOut(Exception):
    pass


class Unknown(Exception):
    """Not declared: only its name and its text travel."""


@facade.service("dubbo.errors.Shop")
class Shop:
    async def buy(self, item: str) -> str: ...

    async def count(self) -> int: ...


class ShopImpl(Shop):
    """``buy`` raises what it was made with, or waits where that is nothing."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.released = asyncio.Event()

    async def buy(self, item: str) -> str:
        if self.error is not None:
            raise self.error
        await self.released.wait()
        return item

    async def count(self) -> int:
        return 1


@facade.service("dubbo.errors.Shop")
class Loose:
    """The same service as somebody sees it who has its types wrong."""

    async def buy(self, item): ...

    async def sell(self, item): ...


class Raising(facade.Filter):
    def __init__(self, error):
        self.error = error

    async def invoke(self, invoker, invocation):
        raise self.error


class Listening(facade.Filter):
    """Notes what it hears."""

    def __init__(self):
        self.responses = []
        self.errors = []

    def on_response(self, result, invoker, invocation):
        self.responses.append(result.exception)

    def on_error(self, error, invoker, invocation):
        self.errors.append(error)


async def fails(wire, method, *arguments):
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await wire.call(method, *arguments)
    return raised.value


# The codes


@pytest.mark.behaviour("B1.51")
def test_codes_have_dubbos_numbers() -> None:
    """Each code has Dubbo's number, and an error that says nothing has 0."""
    assert {int(code): code.name for code in Code} == CODES
    assert facade.RpcError("something").code is Code.UNKNOWN


@pytest.mark.behaviour("B1.51")
def test_terminated_call_is_a_timeout() -> None:
    """Ours: an error with TIMEOUT_TERMINATE is a timeout, which Dubbo's isTimeout() denies."""
    error = facade.DeadlineExceeded("no time left", code=Code.TIMEOUT_TERMINATE)
    assert isinstance(error, TimeoutError)
    assert error.code is not Code.TIMEOUT


@pytest.mark.behaviour("B1.51", "B7.15")
async def test_code_survives_the_wire(wire) -> None:
    """Ours: the consumer sees the provider's code and status, where Dubbo makes NETWORK of all."""
    error = facade.RpcError("refused", status=Status.PERMISSION_DENIED)
    server = await wire.provide((Shop, ShopImpl()), filters=["default", Raising(error)])
    shop = wire.connect(server).refer(Shop)
    for code in Code:
        error.code = code
        raised = await fails(wire, shop.count)
        assert (raised.code, raised.status) == (code, Status.PERMISSION_DENIED)
        assert (str(raised), raised.remote) == ("refused", True)


@pytest.mark.behaviour("B1.55")
async def test_filter_may_change_the_code(wire) -> None:
    """The code of an error can be set by whoever handles it on its way out."""

    class Forbid(facade.Filter):
        def on_error(self, error, invoker, invocation):
            error.code = Code.FORBIDDEN

    filters = [Forbid(), Raising(facade.RpcError("no"))]
    server = await wire.provide((Shop, ShopImpl()), filters=filters)
    raised = await fails(wire, wire.connect(server).refer(Shop).count)
    assert raised.code is Code.FORBIDDEN


# Answers and failures


@pytest.mark.behaviour("B1.54", "B2.25")
@pytest.mark.parametrize("error", [SoldOut("tea"), Unknown("tea"), ZeroDivisionError("tea")])
async def test_exception_of_the_method_is_an_answer(wire, error) -> None:
    """Whatever the method raises is a result with an exception, at both ends."""
    near, far = Listening(), Listening()
    server = await wire.provide((Shop, ShopImpl(error)), filters=["default", far])
    shop = wire.connect(server, filters=["default", near]).refer(Shop)
    raised = await fails(wire, shop.buy, "tea")
    assert far.responses == [error]
    assert near.responses == [raised]
    assert not near.errors
    assert not far.errors


@pytest.mark.behaviour("B1.52")
async def test_rpc_error_of_the_method_is_an_answer(wire) -> None:
    """An RpcError that the method raises is its answer, and no failure of this call.

    Ours: it keeps its code, which Dubbo overwrites by BIZ. That it must not be tried again
    is told by ``sent``: this method did run, however far the call came that failed in it.
    """
    error = facade.Unavailable("the shop's own provider is away", sent=Sent.NOT_SENT)
    near = Listening()
    server = await wire.provide((Shop, ShopImpl(error)))
    shop = wire.connect(server, filters=["default", near]).refer(Shop)
    raised = await fails(wire, shop.buy, "tea")
    assert near.responses == [raised]
    assert not near.errors
    assert (raised.code, raised.sent) == (Code.NETWORK, Sent.MAYBE_EXECUTED)


@pytest.mark.behaviour("B1.53")
@pytest.mark.parametrize("code", [Code.LIMIT_EXCEEDED, Code.BIZ])
async def test_error_on_the_way_is_a_failure(wire, code) -> None:
    """What is raised between the caller and the method is raised, so that filters may retry.

    Ours: who raised it decides that, and not its code. Dubbo makes an answer of any BIZ.
    """
    near = Listening()
    error = facade.RpcError("no", code=code)
    server = await wire.provide((Shop, ShopImpl()), filters=["default", Raising(error)])
    shop = wire.connect(server, filters=["default", near]).refer(Shop)
    raised = await fails(wire, shop.buy, "tea")
    assert near.errors == [raised]
    assert not near.responses


@pytest.mark.behaviour("B1.54")
async def test_bug_of_an_invoker_is_raised() -> None:
    """Ours: what is not the method's exception is never passed off as its answer.

    Dubbo's invoker makes a result even of a programming error of its own.
    """

    class Broken:
        async def invoke(self, invocation):
            raise AttributeError("a bug")

    heard = Listening()
    with pytest.raises(AttributeError, match="a bug"):
        await chain([heard], Broken()).invoke(facade.Invocation("s", "m"))
    assert len(heard.errors) == 1


# What becomes of what


@pytest.mark.behaviour("B1.15", "B1.26")
async def test_timeout_is_an_error_of_code_timeout(wire) -> None:
    """No answer in time: TIMEOUT, with the method and the provider in the message."""
    impl = ShopImpl()
    server = await wire.provide((Shop, impl))
    client = wire.connect(server)
    shop = client.refer(Shop)
    await wire.call(shop.count)
    raised = await fails(wire, shop.buy.options(timeout=0.1), "tea")
    impl.released.set()
    assert isinstance(raised, facade.DeadlineExceeded)
    assert raised.code is Code.TIMEOUT
    assert "dubbo.errors.Shop.buy" in str(raised)
    assert client.target in str(raised)


@pytest.mark.behaviour("B1.15", "B1.26")
@pytest.mark.parametrize("wire", ["stream", "unary", "blocking"], indirect=True)
async def test_missing_provider_is_an_error_of_code_network(wire) -> None:
    """Nobody there: NETWORK, and nothing was sent."""
    kind = facade.Client if wire.blocking else facade.AsyncClient
    settings = {"wait_for_ready": False, "timeout": 20, "unary": wire.name == "unary"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        client = kind(f"127.0.0.1:{taken.getsockname()[1]}", **settings)
        raised = await fails(wire, client.refer(Shop).count)
        closed = await wire.do(client.close)
        if closed is not None:
            await closed
    assert isinstance(raised, facade.Unavailable)
    assert (raised.code, raised.sent) == (Code.NETWORK, Sent.NOT_SENT)


@pytest.mark.behaviour("B1.15", "B1.26")
async def test_unfit_argument_is_an_error_of_code_serialization(wire) -> None:
    """What can't be encoded: SERIALIZATION, and nothing was sent."""
    server = await wire.provide((Shop, ShopImpl()))
    raised = await fails(wire, wire.connect(server).refer(Loose).buy, object())
    assert isinstance(raised, facade.InvalidArgument)
    assert (raised.code, raised.sent) == (Code.SERIALIZATION, Sent.NOT_SENT)


@pytest.mark.behaviour("B1.15", "B7.14")
async def test_bug_at_the_provider_is_an_error_of_code_unknown(wire) -> None:
    """A filter that fails at the provider: UNKNOWN, and one answer that tells no insides."""
    filters = ["default", Raising(AttributeError("a secret"))]
    server = await wire.provide((Shop, ShopImpl()), filters=filters)
    raised = await fails(wire, wire.connect(server).refer(Shop).count)
    assert (raised.code, raised.status) == (Code.UNKNOWN, Status.INTERNAL)
    assert "secret" not in str(raised)


@pytest.mark.behaviour("B1.16")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_interrupted_caller_is_no_rpc_error(wire) -> None:
    """Ours: a cancelled caller gets Python's CancelledError, where Dubbo's gets code 0."""
    shop = await wire.refer(Shop, ShopImpl())
    call = wire.start(shop.buy, "tea")
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.behaviour("B1.30")
async def test_method_that_is_not_there(wire) -> None:
    """A method or arguments that do not fit fail before anything of the service runs.

    Ours: METHOD_NOT_FOUND and SERIALIZATION, where Dubbo has code 0 for both.
    """
    server = await wire.provide((Shop, ShopImpl(SoldOut("tea"))))
    shop = wire.connect(server).refer(Loose)
    missing = await fails(wire, shop.sell, "tea")
    assert (missing.code, missing.sent) == (Code.METHOD_NOT_FOUND, Sent.NOT_EXECUTED)
    unfit = await fails(wire, shop.buy, 5)
    assert (unfit.code, unfit.sent) == (Code.SERIALIZATION, Sent.NOT_EXECUTED)


# Exceptions that can travel


@pytest.mark.behaviour("B3.32")
@pytest.mark.parametrize("error", [SoldOut("tea"), ZeroDivisionError("tea")])
async def test_exception_that_the_consumer_has(wire, error) -> None:
    """Declared exceptions and the language's own come back as themselves."""
    shop = await wire.refer(Shop, ShopImpl(error))
    raised = await fails(wire, shop.buy, "tea")
    assert type(raised) is type(error)
    assert raised.args == ("tea",)


@pytest.mark.behaviour("B3.32")
async def test_exception_that_the_consumer_may_not_have(wire) -> None:
    """Any other is replaced by one that everybody has, with the name of its type and its text.

    Ours: the traceback, which Dubbo puts into the text, stays at home.
    """
    shop = await wire.refer(Shop, ShopImpl(Unknown("tea")))
    raised = await fails(wire, shop.buy, "tea")
    assert type(raised) is facade.RemoteError
    assert raised.type.endswith(".Unknown")
    assert raised.message == "tea"
    assert raised.code is Code.BIZ
    assert "Traceback" not in str(raised)
