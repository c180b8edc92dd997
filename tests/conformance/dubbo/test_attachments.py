"""What travels beside the arguments, attempt by attempt; and the invocation's id."""

import asyncio

import pytest

import facade
from facade import InvokeMode, RpcContext


@facade.service("attachments.Mirror")
class Mirror:
    async def show(self, text: str) -> str: ...


class MirrorImpl(Mirror):
    """Notes what the provider's filters see; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.seen: list[dict[str, object]] = []
        self.failures = failures

    async def show(self, text: str) -> str:
        if self.failures:
            self.failures -= 1
            raise ConnectionError(text)
        return text


class Note(facade.Filter):
    """Notes all that came with a call."""

    def __init__(self, impl: MirrorImpl) -> None:
        self.impl = impl

    async def invoke(self, invoker, invocation):
        self.impl.seen.append(dict(invocation.attachments))
        return await invoker.invoke(invocation)


class Retry(facade.Filter):
    needs_loop = False

    async def invoke(self, invoker, invocation):
        for _ in range(5):
            result = await invoker.invoke(invocation)
            if result.exception is None:
                break
        return result


class Trace(facade.Filter):
    """A new span for each attempt, set in the context."""

    needs_loop = False

    def __init__(self) -> None:
        self.spans = 0

    async def invoke(self, invoker, invocation):
        self.spans += 1
        RpcContext.client_attachments()["span"] = str(self.spans)
        return await invoker.invoke(invocation)


async def mirror(wire, impl, *filters, **settings):
    server = await wire.provide((Mirror, impl), filters=["default", Note(impl)])
    return wire.connect(server, filters=["default", *filters], **settings).refer(Mirror)


def named(impl, name):
    return [attachments.get(name) for attachments in impl.seen]


# The merge


@pytest.mark.behaviour("B1.20", "B1.21", "B1.24")
async def test_context_of_each_attempt_overrides(wire):
    """What a filter sets for an attempt goes with it, over what the attempt before left."""
    impl = MirrorImpl(failures=2)
    show = (await mirror(wire, impl, Retry(), Trace())).show
    await wire.do(lambda: RpcContext.client_attachments().update({"span": "0", "user": "Ann"}))
    assert await wire.call(show, "hi") == "hi"
    assert named(impl, "span") == ["1", "2", "3"]
    assert named(impl, "user") == ["Ann"] * 3
    assert await wire.do(RpcContext.client_attachments) == {}


@pytest.mark.behaviour("B1.20", "B1.21")
async def test_each_attempt_of_an_asynchronous_call(wire):
    """The same where the call runs for a future: its filters have a context of their own."""
    impl = MirrorImpl(failures=2)
    show = (await mirror(wire, impl, Retry(), Trace())).show

    def make():
        RpcContext.client_attachments()["user"] = "Ann"
        future = show.future("hi")
        RpcContext.client_attachments().update({"user": "Bob", "span": "none"})
        return future

    assert await wire.value(await wire.do(make)) == "hi"
    assert named(impl, "span") == ["1", "2", "3"]
    assert named(impl, "user") == ["Ann"] * 3
    # What was set for the next call has waited for it.
    assert await wire.do(RpcContext.client_attachments) == {"user": "Bob", "span": "none"}


@pytest.mark.behaviour("B1.20")
@pytest.mark.parametrize("filters", [[], [Trace]])
async def test_chain_without_consumer_context(wire, filters):
    """The innermost invoker merges by itself what a filter sets."""
    impl = MirrorImpl()
    server = await wire.provide((Mirror, impl), filters=["default", Note(impl)])
    show = wire.connect(server, filters=[make() for make in filters]).refer(Mirror).show
    assert await wire.call(show, "hi") == "hi"
    assert named(impl, "span") == (["1"] if filters else [None])


@pytest.mark.behaviour("B1.21")
@pytest.mark.parametrize("wire", ["memory", "stream", "unary"], indirect=True)
async def test_call_never_takes_what_is_set_after_it(wire):
    """Awaited late, a call leaves the attachments that were set for the one after it."""
    impl = MirrorImpl()
    show = (await mirror(wire, impl)).show
    RpcContext.client_attachments()["user"] = "Ann"
    first = show("hi")
    RpcContext.client_attachments()["user"] = "Bob"
    await first
    second = asyncio.create_task(show("hi"))
    RpcContext.client_attachments()["user"] = "Cid"
    await second
    await show("hi")
    assert named(impl, "user") == ["Ann", "Bob", "Cid"]


@pytest.mark.behaviour("B4.11", "B4.21")
async def test_attachments_go_once(wire):
    """They are for one call; those of ``options`` are for all calls of that method."""
    impl = MirrorImpl()
    show = (await mirror(wire, impl)).show.options(attachments={"table": "4"})
    await wire.do(lambda: RpcContext.client_attachments().update({"user": "Ann"}))
    for _ in range(2):
        await wire.call(show, "hi")
    assert named(impl, "user") == ["Ann", None]
    assert named(impl, "table") == ["4", "4"]


# The id


@pytest.mark.behaviour("B1.18", "B1.17")
async def test_asynchronous_calls_have_an_id(wire):
    """A number of this process that rises; a call that is waited for has none."""
    impl = MirrorImpl()
    show = (await mirror(wire, impl)).show
    await wire.call(show, "plain")
    await wire.value(await wire.do(show.future, "future"))
    await wire.call(show.options(mode=InvokeMode.ASYNC), "switched")
    await wire.value(await wire.do(RpcContext.future))
    plain, first, second = named(impl, "id")
    assert plain is None
    assert 0 <= int(first) < int(second)


@pytest.mark.behaviour("B1.18")
@pytest.mark.parametrize("source", ["context", "options"])
async def test_id_is_not_replaced(wire, source):
    """Whoever gives one keeps it, over all attempts."""
    impl = MirrorImpl(failures=1)
    show = (await mirror(wire, impl, Retry())).show
    if source == "options":
        show = show.options(attachments={"id": "mine"})
    else:
        await wire.do(lambda: RpcContext.client_attachments().update({"id": "mine"}))
    await wire.value(await wire.do(show.future, "hi"))
    assert named(impl, "id") == ["mine", "mine"]


@pytest.mark.behaviour("B1.18")
@pytest.mark.parametrize("setting", [True, False])
async def test_ids_by_configuration(wire, setting):
    """On for all calls, or off for all."""
    impl = MirrorImpl()
    show = (await mirror(wire, impl, invocation_ids=setting)).show
    await wire.call(show, "plain")
    await wire.value(await wire.do(show.future, "future"))
    assert [id is not None for id in named(impl, "id")] == [setting, setting]


@pytest.mark.behaviour("B1.18")
async def test_id_does_not_reach_the_method(wire):
    """Nor further hops: it is of one call."""

    class Impl(Mirror):
        async def show(self, text: str) -> str:
            return str(RpcContext.server_attachments().get("id"))

    show = (await wire.refer(Mirror, Impl(), invocation_ids=True)).show
    assert await wire.call(show, "hi") == "None"
