import importlib.metadata
from typing import Any

import pytest

from facade import plugins
from facade.activations import OURS
from facade.core import Filter, FilterSettings, activate
from facade.plugins import Installed, resolve
from facade.plugins import installed as truly_installed


class Named(Filter):
    """Equal to nothing, known by its class, and keeps the settings it was made with."""

    settings: Any = None

    async def invoke(self, invoker, invocation):
        return await invoker.invoke(invocation)

    @classmethod
    def configure(cls, settings):
        filter = cls()
        filter.settings = settings
        return filter


@activate(group="consumer", order=-100)
class First(Named): ...


@activate(order=5)
class Both(Named): ...


@activate(group="provider", order=5)
class Answering(Named): ...


@activate(group="consumer", when="token")
class Token(Named): ...


class AccessLog(Named):
    """Installed, and on only where it is named."""


class Mine(Named):
    """Not installed: given as an object."""


class Entry:
    """An entry point, as the metadata of a package has it."""

    def __init__(self, name, cls):
        self.name = name
        self.value = f"{cls.__module__}:{cls.__qualname__}"
        self.load = lambda: cls


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    filters = {
        "both": Both,
        "first": First,
        "answering": Answering,
        "token": Token,
        "access_log": AccessLog,
    }
    entries = [Entry(name, cls) for name, cls in filters.items()]
    monkeypatch.setattr(plugins, "installed", lambda: Installed({e.name: e for e in entries}))
    return filters


def names(filters, side="consumer", settings=None):
    return [repr(filter) for filter in resolve(filters, side, settings or {})]


# What is on by itself


def test_filters_of_a_side_switch_themselves_on():
    """Nothing listed: each side has its own, and those for both."""
    assert names([]) == ["first", "both"]
    assert names([], side="provider") == ["answering", "both"]


def test_smaller_order_is_further_out():
    """They stand by their order, and equal ones by their name."""
    assert names([], side="consumer") == ["first", "both"]
    assert names([], side="provider") == sorted(["both", "answering"])


@pytest.mark.parametrize(
    ("settings", "on"),
    [({}, False), ({"token": ""}, False), ({"token": None}, False), ({"token": "x"}, True)],
)
def test_setting_switches_a_filter_on(settings, on):
    """A filter with ``when`` runs where that setting is there and not empty."""
    assert ("token" in names([], settings=settings)) is on


def test_filter_that_does_not_say_where_it_is_on_stays_off():
    """Being installed is not enough."""
    assert "access_log" not in names([])


# Lists


def test_default_comes_first_where_it_is_not_named():
    """What is listed stands inside of the default filters."""
    assert names(["access_log"]) == ["first", "both", "access_log"]


@pytest.mark.parametrize(
    ("filters", "order"),
    [
        (["default", "access_log"], ["first", "both", "access_log"]),
        (["access_log", "default"], ["access_log", "first", "both"]),
        ([Mine(), "default", "access_log"], ["mine", "first", "both", "access_log"]),
    ],
)
def test_default_stands_where_it_is_named(filters, order):
    """ "default" has a place in the list like any other name."""
    assert names(filters) == order


@pytest.mark.parametrize(
    ("filters", "order"),
    [
        (["+token"], ["first", "token", "both"]),
        (["access_log", "default", "+token"], ["access_log", "first", "token", "both"]),
        (["-default", "+both", "+first"], ["first", "both"]),
        (["+first"], ["first", "both"]),
        (["token", "+token"], ["first", "both", "token"]),
        (["+token", "-token"], ["first", "both"]),
    ],
)
def test_plus_adds_a_filter_at_its_own_place(filters, order):
    """It is one of the default filters, though it does not switch itself on."""
    assert names(filters) == order


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        ("+access_log", "no place of its own at a consumer; write 'access_log' where"),
        ("+answering", "no place of its own at a consumer"),
        ("+tokn", "no filter is called 'tokn': did you mean 'token'"),
    ],
)
def test_plus_needs_a_place(filter, said):
    """One that says no order, or is for the other side, has none there."""
    with pytest.raises(ValueError, match=said):
        names([filter])


def test_minus_takes_a_filter_away():
    """One default filter less; the others stay."""
    assert names(["-first"]) == ["both"]
    assert names(["-first", "access_log"]) == ["both", "access_log"]


def test_minus_default_takes_all_away():
    """Only what is listed is left."""
    assert names(["-default"]) == []
    assert names(["-default", "access_log", Mine()]) == ["access_log", "mine"]


def test_minus_wins_over_the_name():
    """A filter that is both named and taken away is away, wherever the minus stands."""
    assert names(["access_log", "-access_log"]) == ["first", "both"]
    assert names(["-access_log", "access_log"]) == ["first", "both"]


def test_named_default_filter_moves():
    """A default filter that is named stands there, and not twice."""
    assert names(["default", "access_log", "first"]) == ["both", "access_log", "first"]


def test_named_filter_is_on_at_any_side():
    """Who names a filter wants it, whatever side it would choose itself."""
    assert names(["answering"]) == ["first", "both", "answering"]
    assert names(["token"]) == ["first", "both", "token"]


def test_objects_are_taken_as_they_are():
    """An object keeps its place and is not made anew."""
    mine = Mine()
    chosen = resolve(["access_log", mine, "default"], "consumer", {})
    assert chosen[1] is mine
    assert [repr(f) for f in chosen] == ["access_log", "mine", "first", "both"]


def test_filters_are_made_with_the_settings():
    """Each that is named, or on by itself, is configured with the settings of its end."""
    settings = {"propagate": ["trace"]}
    chosen = resolve(["access_log"], "consumer", settings)
    assert [filter.settings for filter in chosen] == [settings] * 3


def test_each_end_gets_filters_of_its_own():
    """Two ends of one process share no object."""
    one, other = resolve([], "consumer", {}), resolve([], "consumer", {})
    assert not {id(filter) for filter in one} & {id(filter) for filter in other}


def test_list_is_left_as_it_was():
    """A list may be used for several ends."""
    filters = ["access_log", "-first"]
    resolve(filters, "consumer", {})
    assert filters == ["access_log", "-first"]


# What is refused


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("acces_log", "no filter is called 'acces_log': did you mean 'access_log'?"),
        ("-frist", "no filter is called 'frist': did you mean 'first'?"),
        (
            "zzz",
            "no filter is called 'zzz': there are: access_log, answering, both, first, token",
        ),
    ],
)
def test_unknown_name_is_refused(name, text):
    """A misspelt name says what was meant, or what there is."""
    with pytest.raises(ValueError, match="no filter is called") as caught:
        resolve([name], "consumer", {})
    assert str(caught.value) == text


def test_bare_text_is_no_list():
    """A name alone would be taken for its letters."""
    with pytest.raises(TypeError) as caught:
        resolve("access_log", "consumer", {})
    assert str(caught.value) == "filters is a list: filters=['access_log']"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Mine, "Mine is a class: give an object, Mine(...)"),
        (5, "5 is no filter: derive its class from facade.Filter"),
    ],
)
def test_what_is_no_filter_is_refused(item, text):
    """A class, or anything else, fails where the list is given."""
    with pytest.raises(TypeError) as caught:
        resolve([item], "consumer", {})
    assert str(caught.value) == text


# What is installed


@pytest.fixture
def load(monkeypatch):
    """What is installed where these are the entry points."""

    def load(*entries):
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries)
        return truly_installed.__wrapped__()  # past its cache

    return load


def test_builtin_filters_are_installed():
    """The entry points of our own package name the filters that are on by themselves."""
    assert {"consumer_context", "context", "timeout"} <= set(truly_installed())


def test_entry_points_are_loaded_by_name(load):
    """Each is found under the name of its entry point; twice the same is no harm."""
    assert load(Entry("log", AccessLog), Entry("b", Both), Entry("log", AccessLog)) == {
        "log": AccessLog,
        "b": Both,
    }


def test_two_filters_of_one_name_are_refused(load):
    """Which one would be taken must not depend on the order of installation."""
    with pytest.raises(ValueError, match="two filters are installed as 'log'") as caught:
        load(Entry("log", AccessLog), Entry("log", Both))
    assert f"{__name__}.AccessLog and {__name__}.Both" in str(caught.value)


def test_nothing_installed_says_what_to_do(load):
    """Without metadata there would be no filter at all, and no call would be right."""
    with pytest.raises(RuntimeError, match="no filter is installed, not even ours"):
        load()


def test_table_says_what_the_filters_say():
    """What is passed over by the table would not have switched itself on."""
    said = {}
    for cls in truly_installed().values():
        found = cls.__facade_activation__
        said[f"{cls.__module__}:{cls.__qualname__}"] = found.group, found.when
    assert {value: (set(sides), when) for value, (sides, when) in OURS.items()} == said


def test_filter_that_nothing_asks_for_is_not_loaded(load):
    """Ours that sleep, and those of the other side, cost nothing; others' are asked."""
    loaded = []

    class Noted(Entry):
        def __init__(self, name, value):
            super().__init__(name, Mine)
            self.value = value
            self.load = lambda: loaded.append(name) or Mine

    ours = (Noted(value.partition(":")[0].rpartition(".")[2], value) for value in OURS)
    known = load(*ours, Noted("theirs", "other.package:Theirs"))
    for side, expected in (
        ("consumer", ["consumer_context", "theirs"]),
        ("provider", ["context", "echo", "exception", "generic", "timeout", "theirs"]),
    ):
        assert known.awake(side, FilterSettings({})) == expected
    assert "retry" in known.awake("consumer", FilterSettings({"retries": 2}))
    assert loaded == []
