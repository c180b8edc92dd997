"""Which filters an end has: by themselves, and by its lists. (Dubbo: getActivateExtension)"""

import pytest

import facade
from facade import plugins
from facade.plugins import merge, resolve


class Plain(facade.Filter):
    async def invoke(self, invoker, invocation):
        return await invoker.invoke(invocation)


@facade.activate(group="consumer", order=-5)
class Early(Plain): ...


@facade.activate()
class Both(Plain): ...


@facade.activate()
class Also(Plain): ...


@facade.activate(group="provider", order=5)
class Late(Plain): ...


@facade.activate(order=9, when="token")
class Token(Plain): ...


@facade.activate(order=9, when=("cache:lru", "cache:lfu"))
class Cache(Plain): ...


class Audit(Plain): ...


class Mine(Plain): ...


class Entry:
    """The entry point of a filter."""

    def __init__(self, cls):
        self.value = f"{__name__}:{cls.__name__}"
        self.load = lambda: cls


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    classes = {
        "early": Early,
        "both": Both,
        "also": Also,
        "late": Late,
        "token": Token,
        "cache": Cache,
        "audit": Audit,
    }
    known = plugins.Installed({name: Entry(cls) for name, cls in classes.items()})
    monkeypatch.setattr(plugins, "installed", lambda: known)


def names(filters=(), side="consumer", **settings):
    return [repr(filter) for filter in resolve(filters, side, settings)]


# By themselves


@pytest.mark.behaviour("B2.10", "B2.16")
def test_group_and_order():
    """On are those whose group has this side; the smaller order is further out, and equal ones
    stand by name."""
    assert names() == ["early", "also", "both"]
    assert names(side="provider") == ["also", "both", "late"]


@pytest.mark.behaviour("B2.11")
@pytest.mark.parametrize("empty", ["", "false", "0", "null", "N/A", None, False, 0])
def test_setting_that_is_empty(empty):
    """A filter that asks for a setting stays off where it says nothing."""
    assert "token" not in names(token=empty)
    assert "token" not in names()


@pytest.mark.behaviour("B2.11")
@pytest.mark.parametrize("set_", ["secret", "true", True, 1, ["a"]])
def test_setting_that_is_there(set_):
    """Anything else switches it on."""
    assert names(token=set_) == ["early", "also", "both", "token"]


@pytest.mark.behaviour("B2.11")
def test_setting_of_one_value():
    """``key:value`` wants this value, and of several keys one is enough."""
    assert "cache" in names(cache="lru")
    assert "cache" in names(cache="lfu")
    assert "cache" not in names(cache="threadlocal")
    assert "cache" not in names(cache=True)


@pytest.mark.behaviour("B2.11")
def test_settings_of_an_end():
    """They are given to a server and to a client alike."""

    @facade.service("activation.Echo")
    class Echo:
        async def echo(self) -> None:
            pass

    server = facade.Server(filter_settings={"token": "secret"})
    assert "token" in repr(server.export(Echo, Echo()).invoker)
    assert "token" in repr(facade.AsyncClient("injvm", filter_settings={"token": "x"}).invoker)
    assert "token" not in repr(facade.AsyncClient("injvm").invoker)


# By lists


@pytest.mark.behaviour("B2.13")
def test_minus():
    """``-name`` takes one away, listed or on by itself; ``-default`` takes all that are on by
    themselves."""
    assert names(["-both"]) == ["early", "also"]
    assert names(["audit", "-audit"]) == ["early", "also", "both"]
    assert names(["-default", "audit"]) == ["audit"]


@pytest.mark.behaviour("B2.13")
@pytest.mark.parametrize("name", ["adit", "-adit"])
def test_unknown_name(name):
    """Our decision: an error that says what was meant, where Dubbo 3 goes on without it."""
    with pytest.raises(ValueError, match="did you mean 'audit'"):
        names([name])


@pytest.mark.behaviour("B2.10", "B2.14")
def test_default_has_a_place():
    """Names keep their written place, and "default" is all others that are on: one that is named
    stands where it is named."""
    mine = Mine()
    assert names(["audit", "default", mine]) == ["audit", "early", "also", "both", "mine"]
    assert names(["both", "default"]) == ["both", "early", "also"]


@pytest.mark.behaviour("B2.15")
def test_list_without_default():
    """As in 2.7: those that are on come first, then the list as it is written, whatever order its
    filters say."""
    assert names(["audit", "early"]) == ["also", "both", "audit", "early"]


@pytest.mark.behaviour("B2.17")
def test_name_that_is_listed_twice():
    """It stands once, where it is first."""
    assert names(["audit", "default", "audit"]) == ["audit", "early", "also", "both"]


@pytest.mark.behaviour("B2.18")
def test_lists_of_an_end_and_of_a_service():
    """One list: the end's filters, then the service's. What either takes away is away."""
    assert names(merge(["audit"], [Mine()])) == ["early", "also", "both", "audit", "mine"]
    assert names(merge(["audit"], ["-audit", "-both"])) == ["early", "also"]
    assert names(merge(["-both"], ["audit", "both"])) == ["early", "also", "audit"]
    assert names(merge(["audit", "default"], ["default", Mine()])) == [
        "audit",
        *("early", "also", "both"),
        "mine",
    ]
    with pytest.raises(TypeError, match="filters is a list"):
        merge(["audit"], "token")


@pytest.mark.behaviour("B2.18")
async def test_lists_are_each_process_s_own():
    """Our decision: a provider publishes no filters to its consumers. What code runs in a process
    is said there, and known before there is a connection."""

    @facade.service("activation.Echo")
    class Echo:
        async def echo(self) -> None:
            pass

    server = facade.Server("injvm", filters=["audit"])
    exporter = server.export(Echo, Echo(), filters=[Mine()])
    assert repr(exporter.invoker) == "also -> both -> late -> audit -> mine -> " + (
        "LocalInvoker('activation.Echo')"
    )
    async with server, facade.AsyncClient("injvm", timeout=20) as client:
        before = repr(client.invoker)
        await client.refer(Echo).echo()
        assert repr(client.invoker) == before
        assert "audit" not in before
