"""Settings, where Dubbo has parameters of a URL."""

import pytest

import facade
from facade import RpcContext

NO_TIME = [0, -1, float("inf"), float("nan")]


@facade.service("dubbo.settings.Told", timeout=300)
class Told:
    """Each method gives the seconds that it was given."""

    async def plain(self) -> float: ...

    @facade.method(timeout=200)
    async def own(self) -> float: ...


class ToldImpl(Told):
    async def plain(self) -> float:
        countdown = RpcContext.countdown()
        assert countdown is not None
        return countdown.timeout

    async def own(self) -> float:
        return await self.plain()


class Asked(facade.Filter):
    """Notes what a filter can learn of the method, before any call of it is sent."""

    def __init__(self):
        self.methods = []

    async def invoke(self, invoker, invocation):
        self.methods.append(invocation.method)
        return await invoker.invoke(invocation)


def about(expected):
    """What was given, less a little for the way."""
    return pytest.approx(expected - 25, abs=25)


@pytest.mark.behaviour("B9.4")
async def test_method_goes_before_its_interface(wire) -> None:
    """A setting of the method holds; where it has none, that of the interface does."""
    told = await wire.refer(Told, ToldImpl(), timeout=400)
    assert await wire.call(told.own) == about(200)
    assert await wire.call(told.plain) == about(300)


@pytest.mark.behaviour("B9.5")
async def test_settings_of_the_method_alone(wire) -> None:
    """A filter finds what the method itself says, apart from its interface's settings."""
    asked = Asked()
    told = await wire.refer(Told, ToldImpl(), filters=["default", asked])
    await wire.call(told.own)
    await wire.call(told.plain)
    assert [method.timeout for method in asked.methods] == [200, None]


@pytest.mark.behaviour("B9.6")
async def test_settings_are_read_once(wire) -> None:
    """What is known of a method is worked out when it is referred to, and not for each call."""
    asked = Asked()
    told = await wire.refer(Told, ToldImpl(), filters=["default", asked])
    for _ in range(3):
        await wire.call(told.own)
    first, *others = asked.methods
    assert all(method is first for method in others)


@pytest.mark.behaviour("B5.7", "B9.3")
@pytest.mark.parametrize("seconds", NO_TIME)
def test_timeout_that_is_no_time_is_refused(seconds) -> None:
    """Ours: no time, or no end of it, is an error where it is written.

    Dubbo takes the default instead, and nobody learns of the mistake.
    """
    with pytest.raises(ValueError, match="timeout of the client"):
        facade.AsyncClient("127.0.0.1:1", timeout=seconds)
    with pytest.raises(ValueError, match="timeout of the service"):
        facade.service("dubbo.settings.None", timeout=seconds)
    with pytest.raises(ValueError, match="timeout of the method"):
        facade.method(timeout=seconds)
    with pytest.raises(ValueError, match="timeout of the reference"):
        facade.AsyncClient("127.0.0.1:1").refer(Told, timeout=seconds)
    with pytest.raises(ValueError, match="timeout of the export"):
        facade.Server().export(Told, ToldImpl(), timeout=seconds)


@pytest.mark.behaviour("B9.2")
def test_setting_that_does_not_exist_is_refused() -> None:
    """Ours: a misspelt setting is an error, and no parameter that nobody reads."""
    with pytest.raises(TypeError, match="timout"):
        facade.AsyncClient("127.0.0.1:1", timout=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="'timout': did you mean 'timeout'"):
        facade.Server().export(Told, ToldImpl(), timout=1)
