"""The consumer's ``consumer_context`` filter. (Dubbo: ConsumerContextFilter)"""

import pytest

import facade
from facade import RpcContext


@facade.service("dubbo.consumer_context.Mirror")
class Mirror:
    async def show(self) -> dict[str, str]: ...

    async def fail(self) -> None: ...


class MirrorImpl(Mirror):
    """``show`` gives the attachments that came; both say how often they were called."""

    calls = 0

    async def show(self) -> dict[str, str]:
        self._receipt()
        return {k: str(v) for k, v in RpcContext.server_attachments().items()}

    async def fail(self) -> None:
        self._receipt()
        raise ValueError("no")

    def _receipt(self) -> None:
        self.calls += 1
        RpcContext.response_attachments()[f"call {self.calls}"] = "done"


class Hop(MirrorImpl):
    """Asks another mirror."""

    def __init__(self, next: Mirror) -> None:
        self.next = next

    async def show(self) -> dict[str, str]:
        return await self.next.show()


class Within(facade.Filter):
    """Notes what it finds inside of the filter that is tested."""

    needs_loop = False  # so that it runs where the caller is

    def __init__(self, look):
        self.look = look
        self.seen = []

    async def invoke(self, invoker, invocation):
        self.seen.append(self.look(invocation))
        return await invoker.invoke(invocation)


class Refusing(facade.Filter):
    """Lets nothing out while it is shut."""

    shut = True

    async def invoke(self, invoker, invocation):
        if self.shut:
            raise facade.Unavailable("shut", sent=facade.Sent.NOT_SENT)
        return await invoker.invoke(invocation)


def attach(**attachments):
    RpcContext.client_attachments().update(attachments)


def came_back():
    return dict(RpcContext.response_attachments())


async def mirror(wire, *inner, **settings):
    server = await wire.provide((Mirror, MirrorImpl()))
    return wire.connect(server, filters=["default", *inner], **settings).refer(Mirror)


# Before the call


@pytest.mark.behaviour("B3.1")
async def test_service_context_is_that_of_the_call(wire) -> None:
    """Filters further in find the call at hand, and its caller does afterwards."""
    within = Within(lambda _: RpcContext.service().method)
    service = await mirror(wire, within)
    await wire.call(service.show)
    with pytest.raises(ValueError, match="no"):
        await wire.call(service.fail)
    assert within.seen == ["show", "fail"]
    facts = await wire.do(RpcContext.service)
    assert (facts.side, facts.method) == ("consumer", "fail")


@pytest.mark.behaviour("B3.1", "B3.3")
async def test_provider_learns_the_consumers_application(wire) -> None:
    """Who calls is told with the connection or the call, and no caller has to set it."""
    seen = []

    class Asking(MirrorImpl):
        async def show(self) -> dict[str, str]:
            seen.append(RpcContext.service().remote_application)
            return await super().show()

    server = await wire.provide((Mirror, Asking()))
    service = wire.connect(server, application="front").refer(Mirror)
    assert await wire.call(service.show) == {}
    assert seen == ["front"]


@pytest.mark.behaviour("B3.1", "B4.23")
async def test_received_attachments_go_downstream(wire) -> None:
    """What a provider received goes along with the calls that it makes in turn."""
    end = await wire.provide((Mirror, MirrorImpl()))
    service = await wire.refer(Mirror, Hop(wire.hop(end).refer(Mirror)))
    await wire.do(attach, trace="1")
    assert await wire.call(service.show) == {"trace": "1"}


@pytest.mark.behaviour("B3.1")
async def test_own_attachments_override_received_ones(wire) -> None:
    """Between those that came and those that the provider sets, its own go."""

    class Setting(Hop):
        async def show(self) -> dict[str, str]:
            attach(trace="2")
            return await super().show()

    end = await wire.provide((Mirror, MirrorImpl()))
    service = await wire.refer(Mirror, Setting(wire.hop(end).refer(Mirror)))
    await wire.do(attach, trace="1", user="ann")
    assert await wire.call(service.show) == {"trace": "2", "user": "ann"}


@pytest.mark.behaviour("B3.1")
@pytest.mark.parametrize(
    ("propagate", "forwarded"), [(["trace"], {"trace": "1"}), (None, {}), ([], {})]
)
async def test_propagate_selects_what_goes_downstream(wire, propagate, forwarded) -> None:
    """A client that names keys forwards those. (Dubbo: PenetrateAttachmentSelector)"""
    end = await wire.provide((Mirror, MirrorImpl()))
    client = wire.hop(end, propagate=propagate)
    service = await wire.refer(Mirror, Hop(client.refer(Mirror)))
    await wire.do(attach, trace="1", user="ann")
    assert await wire.call(service.show) == forwarded


@pytest.mark.behaviour("B3.1", "B4.11")
async def test_response_attachments_are_cleared_before_the_call(wire) -> None:
    """A filter further in does not take what an earlier call brought back for this one's."""
    within = Within(lambda _: came_back())
    service = await mirror(wire, within)
    await wire.call(service.show)
    await wire.call(service.show)
    assert within.seen == [{}, {}]


# After it


@pytest.mark.behaviour("B3.2")
async def test_response_attachments_are_those_of_the_last_call(wire) -> None:
    """They replace what an earlier call brought, and come with an exception too."""
    service = await mirror(wire)
    await wire.call(service.show)
    assert await wire.do(came_back) == {"call 1": "done"}
    with pytest.raises(ValueError, match="no"):
        await wire.call(service.fail)
    assert await wire.do(came_back) == {"call 2": "done"}


@pytest.mark.behaviour("B3.2")
async def test_failed_call_leaves_no_response_attachments(wire) -> None:
    """After a call that failed on its way there is nothing that came back."""
    refusing = Refusing()
    refusing.shut = False
    service = await mirror(wire, refusing)
    await wire.call(service.show)
    refusing.shut = True
    with pytest.raises(facade.Unavailable, match="shut"):
        await wire.call(service.show)
    assert await wire.do(came_back) == {}


@pytest.mark.behaviour("B3.5", "B4.21")
async def test_request_attachments_go_once(wire) -> None:
    """Set before a call, they go with it and are gone after it."""
    service = await mirror(wire)
    await wire.do(attach, trace="1")
    assert await wire.call(service.show) == {"trace": "1"}
    assert await wire.do(lambda: dict(RpcContext.client_attachments())) == {}
    assert await wire.call(service.show) == {}


@pytest.mark.behaviour("B3.2", "B3.5")
async def test_request_attachments_go_once_though_the_call_fails(wire) -> None:
    """A call that failed, or whose method raised, takes its attachments with it."""
    refusing = Refusing()
    service = await mirror(wire, refusing)
    await wire.do(attach, trace="1")
    with pytest.raises(facade.Unavailable, match="shut"):
        await wire.call(service.show)
    refusing.shut = False
    assert await wire.call(service.show) == {}
    await wire.do(attach, trace="2")
    with pytest.raises(ValueError, match="no"):
        await wire.call(service.fail)
    assert await wire.call(service.show) == {}


@pytest.mark.behaviour("B1.38", "B3.5")
async def test_request_attachments_are_gone_once_the_call_is_made(wire) -> None:
    """A call that is only started has taken them: what is set then is for the next one."""
    service = await mirror(wire)

    def start():
        attach(trace="1")
        future = service.show.future()
        left = dict(RpcContext.client_attachments())
        attach(trace="2")
        return future, left

    future, left = await wire.do(start)
    assert left == {}
    assert await wire.call(service.show) == {"trace": "2"}
    assert await wire.value(future) == {"trace": "1"}


@pytest.mark.behaviour("B1.12", "B4.10")
async def test_attachments_that_are_to_stay(wire) -> None:
    """Those of a method object go with each call of it.

    Ours: they belong to an object that is kept, and not to a thread that must be told so.
    """
    service = await mirror(wire)
    show = service.show.options(attachments={"tenant": "blue", "trace": "0"})
    for _ in range(2):
        assert await wire.call(show) == {"tenant": "blue", "trace": "0"}


@pytest.mark.behaviour("B3.5")
async def test_request_attachments_go_once_with_a_oneway_call(wire) -> None:
    """A oneway call takes them too."""
    service = await mirror(wire)
    await wire.do(attach, trace="1")
    await wire.call(service.show.oneway)
    assert await wire.call(service.show) == {}


@pytest.mark.behaviour("B3.4")
async def test_values_are_left_after_the_call(wire) -> None:
    """Only attachments are cleared: values stay with their caller, and do not travel."""
    service = await mirror(wire)
    await wire.do(lambda: RpcContext.values().update(basket="tea"))
    assert await wire.call(service.show) == {}
    assert await wire.do(lambda: dict(RpcContext.values())) == {"basket": "tea"}
