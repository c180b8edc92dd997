"""The provider's timeout filter, and what the two context filters know of time and place."""

import asyncio
from time import monotonic

import pytest

import facade
from facade import RpcContext


@facade.service("conformance.Late")
class Late:
    async def late(self) -> str | None: ...

    async def fails_late(self) -> str: ...

    async def in_time(self) -> str: ...

    @facade.method(cancel_on_timeout=True)
    async def cancelled(self) -> str: ...

    async def where(self) -> list[str]: ...


class LateImpl(Late):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.was_cancelled = asyncio.Event()

    async def late(self) -> str | None:
        RpcContext.response_attachments()["late"] = "yes"
        countdown = RpcContext.countdown()
        assert countdown is not None
        countdown.deadline = monotonic()  # as if it had taken that long
        self.ended.set()
        return "too late"

    async def fails_late(self) -> str:
        await self.late()
        raise ValueError("too late")

    async def in_time(self) -> str:
        return "in time"

    async def cancelled(self) -> str:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        return ""

    async def where(self) -> list[str]:
        service = RpcContext.service()
        return [service.local_address, service.remote_address, service.remote_application]


class Watch(facade.Filter):
    """What the filters around ``timeout`` see come back."""

    def __init__(self) -> None:
        self.results: list[tuple[object, object, object, bool]] = []

    def on_response(self, result, invoker, invocation):
        self.results.append(
            (result.value, result.exception, dict(result.attachments), result.expired)
        )


class Hurry(facade.Filter):
    """Leaves a call 0.1 s at the provider, whatever its caller has."""

    async def invoke(self, invoker, invocation):
        invocation.countdown = facade.TimeoutCountDown(0.1)
        return await invoker.invoke(invocation)


@pytest.mark.behaviour("B3.41")
@pytest.mark.parametrize("method", ["late", "fails_late"])
async def test_late_result_is_cleared(wire, method, caplog):
    """Value, exception and attachments of a result that comes after its time are cleared, with a
    warning. Ours: it is marked besides, so that a consumer that still waits gets a timeout and
    no false None."""
    watch = Watch()
    server = await wire.provide((Late, LateImpl()), filters=[watch, "timeout", "context"])
    late = wire.connect(server).refer(Late)
    with pytest.raises(facade.DeadlineExceeded, match="timed out at the provider") as raised:
        await wire.call(getattr(late, method))
    assert raised.value.remote
    ((value, exception, attachments, expired),) = watch.results
    assert (value, exception, expired) == (None, None, True)
    assert "late" not in attachments
    (warning,) = [r for r in caplog.records if "invoke timed out" in r.getMessage()]
    assert f"method: conformance.Late.{method}, invoke elapsed " in warning.getMessage()


@pytest.mark.behaviour("B3.41")
async def test_result_in_time_passes(wire):
    """What comes in time is not touched."""
    late = await wire.refer(Late, LateImpl())
    assert await wire.call(late.in_time) == "in time"


@pytest.mark.behaviour("B3.42")
async def test_late_method_is_not_interrupted(wire):
    """The filter never ends the method: it runs to its end."""
    impl = LateImpl()
    late = await wire.refer(Late, impl)
    with pytest.raises(facade.DeadlineExceeded):
        await wire.call(late.late)
    assert impl.ended.is_set()


@pytest.mark.behaviour("B3.42")
async def test_without_a_countdown_the_filter_does_nothing(wire):
    """Where the consumer does not tell its time, nothing is late at the provider."""

    class NoCountdown(LateImpl):
        async def in_time(self) -> str:
            assert RpcContext.countdown() is None
            return "whenever"

    server = await wire.provide((Late, NoCountdown()))
    late = wire.connect(server, countdown=False).refer(Late)
    assert await wire.call(late.in_time) == "whenever"


async def test_cancel_on_timeout(wire):
    """Ours: a method that says cancel_on_timeout is cancelled when its time is up, and the caller
    that still waits gets a timeout."""
    impl = LateImpl()
    server = await wire.provide((Late, impl), filters=[Hurry(), "default"])
    late = wire.connect(server).refer(Late)
    with pytest.raises(facade.DeadlineExceeded, match="timed out at the provider"):
        await wire.call(late.cancelled)
    assert impl.was_cancelled.is_set()


async def test_cancel_on_timeout_by_the_caller_s_time(wire):
    """It is the time that the caller told, also where the caller is gone by then."""
    impl = LateImpl()
    server = await wire.provide((Late, impl))
    client = wire.connect(server)
    await wire.call(client.ready)
    while not impl.started.is_set():  # else it was late before it was started
        with pytest.raises(facade.DeadlineExceeded):
            await wire.call(client.refer(Late).cancelled.options(timeout=0.1))
    await asyncio.wait_for(impl.was_cancelled.wait(), 20)


@pytest.mark.behaviour("B3.8", "B3.1")
async def test_places(wire):
    """The provider knows its own address, its caller's, and the caller's application."""
    server = await wire.provide((Late, LateImpl()))
    client = wire.connect(server, application="till")
    local, remote, application = await wire.call(client.refer(Late).where)
    assert application == "till"
    if wire.name in ("memory", "injvm"):
        assert local == remote == client.target
    else:
        assert local == f"127.0.0.1:{server.port}"
        assert remote.startswith("ipv4:127.0.0.1:")
        assert remote != f"ipv4:{local}"
