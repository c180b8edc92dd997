"""How a call hands its value over: by signature, attachment and configuration."""

import asyncio
import concurrent.futures

import pytest

import facade
from facade import InvokeMode, RpcContext


@facade.service("modes.Greeter")
class Greeter:
    def hello(self, name: str) -> str: ...

    async def hi(self, name: str) -> str: ...

    def soon(self, name: str) -> asyncio.Future[str]: ...

    def later(self, name: str) -> concurrent.futures.Future[str]: ...


class GreeterImpl(Greeter):
    """Answers once it is released; notes which attachments it was sent."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.seen: list[dict[str, object]] = []

    async def hello(self, name: str) -> str:
        self.seen.append(dict(RpcContext.server_attachments()))
        await self.released.wait()
        return f"Hello {name}"

    hi = soon = later = hello


@pytest.fixture
async def impl():
    return GreeterImpl()


async def given(wire, impl, make):
    """What a call that is made by ``make`` gives at once, and what its future gives then."""
    value = await wire.do(make)
    at_once = await value if isinstance(value, facade.core.future.Started) else value
    future = await wire.do(RpcContext.future)
    assert not future.done()
    impl.released.set()
    return at_once, await wire.value(future)


@pytest.mark.behaviour("B1.7", "B1.42")
@pytest.mark.parametrize("name", ["soon", "later"])
async def test_method_that_is_declared_to_give_a_future(wire, impl, name):
    """Its call gives the future at once, of the client's kind: the one that the context holds."""
    greeter = await wire.refer(Greeter, impl)
    future = await wire.do(getattr(greeter, name), "Ann")
    assert isinstance(future, concurrent.futures.Future if wire.blocking else asyncio.Future)
    assert await wire.do(RpcContext.future) is future
    assert not future.done()
    impl.released.set()
    assert await wire.value(future) == "Hello Ann"


@pytest.mark.behaviour("B1.7", "B1.42", "B4.36")
@pytest.mark.parametrize("switch", ["async", "{}.async"])
@pytest.mark.parametrize("name", ["hello", "hi"])
async def test_async_by_an_attachment_of_the_context(wire, impl, switch, name):
    """The call gives None at once, and its value is in the context's future."""
    method = getattr(await wire.refer(Greeter, impl), name)

    def make():
        RpcContext.client_attachments()[switch.format(name)] = "true"
        return method("Ann")

    assert await given(wire, impl, make) == (None, "Hello Ann")
    # It was for one call.
    assert await wire.call(method, "Bob") == "Hello Bob"


@pytest.mark.behaviour("B1.7", "B1.42")
@pytest.mark.parametrize(
    "options",
    [
        {"mode": InvokeMode.ASYNC},
        {"attachments": {"async": "true"}},
        {"attachments": {"hello.async": "true"}},
        {"attachments": {"hello.async": "true", "async": "false"}},
        {"mode": InvokeMode.SYNC, "attachments": {"async": "true"}},
    ],
)
async def test_async_by_options(wire, impl, options):
    """Configuration and attachments of the method switch it; the attachments count for more."""
    hello = (await wire.refer(Greeter, impl)).hello.options(**options)
    assert await given(wire, impl, lambda: hello("Ann")) == (None, "Hello Ann")


@pytest.mark.behaviour("B1.7")
@pytest.mark.parametrize(
    ("context", "options"),
    [
        ({"async": "false"}, {"mode": InvokeMode.ASYNC}),
        ({"hello.async": "false"}, {"attachments": {"async": "true"}}),
        ({"hello.async": "false", "async": "true"}, {}),
        ({"async": "true"}, {"attachments": {"async": "false"}}),
        ({"async": "true"}, {"attachments": {"hello.async": "false"}}),
        ({"hi.async": "true"}, {}),
        ({"async": "yes"}, {}),
        ({}, {"mode": InvokeMode.SYNC}),
    ],
)
async def test_async_is_switched_off_as_well(wire, impl, context, options):
    """ "false" decides too, the method's own name first; another method's decides nothing."""
    impl.released.set()
    greeter = await wire.refer(Greeter, impl)
    hello = greeter.hello.options(**options)
    await wire.do(lambda: RpcContext.client_attachments().update(context))
    assert await wire.call(hello, "Ann") == "Hello Ann"


@pytest.mark.behaviour("B1.7")
async def test_async_by_the_reference(wire, impl):
    """All methods of a reference are asynchronous, but for calls that say otherwise."""
    server = await wire.provide((Greeter, impl))
    greeter = wire.connect(server).refer(Greeter, mode=InvokeMode.ASYNC)
    assert await given(wire, impl, lambda: greeter.hi("Ann")) == (None, "Hello Ann")
    assert await wire.call(greeter.hi.options(mode=InvokeMode.SYNC), "Bob") == "Hello Bob"


@pytest.mark.behaviour("B1.7", "B6.2")
async def test_async_without_an_interface(wire, impl):
    """A generic call is switched by the name of the method that it calls."""
    server = await wire.provide((Greeter, impl))
    generic = wire.connect(server).generic("modes.Greeter")

    def make():
        RpcContext.client_attachments()["hi.async"] = "true"
        return generic.invoke("hi", "Ann")

    assert await given(wire, impl, make) == (None, "Hello Ann")
    hi = generic.method("hi").options(mode=InvokeMode.FUTURE)
    future = await wire.do(hi, "Bob")
    assert await wire.do(RpcContext.future) is future
    assert await wire.value(future) == "Hello Bob"


@pytest.mark.behaviour("B1.7")
async def test_future_method_stays_one(wire, impl):
    """No switch takes from a method what its signature says; a mode that would is refused."""
    impl.released.set()
    greeter = await wire.refer(Greeter, impl)
    for value in ("true", "false"):
        await wire.do(lambda value=value: RpcContext.client_attachments().update({"async": value}))
        assert await wire.value(await wire.do(greeter.soon, "Ann")) == "Hello Ann"
    with pytest.raises(TypeError, match="always does"):
        greeter.soon.options(mode=InvokeMode.ASYNC)


@pytest.mark.behaviour("B1.7")
async def test_mode_must_be_one(wire, impl):
    """A wrong mode is an error where it is configured."""
    server = await wire.provide((Greeter, impl))
    client = wire.connect(server)
    with pytest.raises(TypeError, match="InvokeMode"):
        client.refer(Greeter, mode="async")
    with pytest.raises(TypeError, match="InvokeMode"):
        client.refer(Greeter).hello.options(mode="async")


@pytest.mark.behaviour("B1.8")
async def test_mode_is_decided_once(wire, impl):
    """A call that is tried again hands its value over as it was first decided."""

    class Twice(facade.Filter):
        needs_loop = False

        async def invoke(self, invoker, invocation):
            await invoker.invoke(invocation)
            RpcContext.client_attachments()["async"] = "false"
            return await invoker.invoke(invocation)

    server = await wire.provide((Greeter, impl))
    greeter = wire.connect(server, filters=["default", Twice()]).refer(Greeter)

    def make():
        RpcContext.client_attachments()["async"] = "true"
        return greeter.hello("Ann")

    assert await given(wire, impl, make) == (None, "Hello Ann")
    assert len(impl.seen) == 2


@pytest.mark.behaviour("B1.7", "B4.23")
async def test_switches_do_not_reach_the_method(wire, impl):
    """What steers a call at the consumer is no attachment of the request, nor goes further."""
    impl.released.set()
    greeter = await wire.refer(Greeter, impl)
    switches = {"hello.async": "false", "async": "false", "hello.return": "true", "own": "1"}
    await wire.do(lambda: RpcContext.client_attachments().update(switches))
    await wire.call(greeter.hello.options(attachments={"hello.sent": "true"}), "Ann")
    assert impl.seen == [{"own": "1"}]


@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
@pytest.mark.behaviour("B4.36")
async def test_async_call_may_be_awaited_or_left(wire, impl):
    """It is started when it is made; awaiting what it gives, or a task of it, gives None."""
    impl.released.set()
    greeter = await wire.refer(Greeter, impl, filters=["default"])
    hi = greeter.hi.options(mode=InvokeMode.ASYNC)
    started = hi("Ann")
    first = RpcContext.future()
    assert await asyncio.gather(hi("Bob"), asyncio.create_task(hi("Cid"))) == [None, None]
    assert await first == "Hello Ann"
    assert await started is None
