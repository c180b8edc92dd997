"""What filters are configured with."""

import pytest

import facade
from facade.core.settings import FilterSettings
from facade.plugins import check_settings


def test_method_says_it_for_itself():
    """What a method says goes before what holds for all, and any other has that."""
    settings = FilterSettings({"executes": 10}, {"hello": {"executes": 2}, "log": {}})
    executes = settings.by_method("executes")
    assert (executes["hello"], executes["log"], executes["other"]) == (2, 10, 10)


def test_default_where_nothing_is_said():
    """A setting that is not there is what the filter says."""
    settings = FilterSettings({}, {"hello": {"executes": 2}})
    assert settings.by_method("executes", 7)["other"] == 7
    assert settings.by_method("executes")["other"] is None


class Counts(facade.Filter):
    """Reads three settings, one of them for all methods alike."""

    keys = {"executes": int, "wait": (float, type(None)), "seed": int}
    common = ("seed",)

    async def invoke(self, invoker, invocation):
        return await invoker.invoke(invocation)


@pytest.mark.parametrize(
    ("name", "value"), [("executes", 3), ("wait", 0.5), ("wait", 1), ("wait", None)]
)
def test_setting_that_fits(name, value):
    """A whole number is a number, and None is taken where it is named."""
    check_settings(FilterSettings({name: value}), [Counts()], "demo.Greeter")


@pytest.mark.parametrize(
    ("name", "value"), [("executes", "3"), ("executes", True), ("executes", 1.5), ("wait", "x")]
)
def test_setting_of_another_kind(name, value):
    """It is told where it was said, and what it may be."""
    settings = FilterSettings({}, {"hello": {name: value}})
    with pytest.raises(TypeError, match=rf"demo\.Greeter\.hello: {name} is "):
        check_settings(settings, [Counts()], "demo.Greeter")


def test_setting_for_all_methods_alike():
    """It is taken for the whole, and is an error for one method: it would say nothing there."""
    check_settings(FilterSettings({"seed": 7}), [Counts()], "demo.Greeter")
    settings = FilterSettings({}, {"hello": {"seed": 7}})
    with pytest.raises(ValueError, match=r"hello: seed is one for all methods: .*demo\.Greeter as"):
        check_settings(settings, [Counts()], "demo.Greeter")


def test_setting_that_nobody_reads():
    """A misspelt one is an error that names the right one."""
    with pytest.raises(ValueError, match=r"demo\.Greeter: .*'execute': did you mean 'executes'"):
        check_settings(FilterSettings({"execute": 1}), [Counts()], "demo.Greeter")


def test_settings_of_a_reference_and_its_methods():
    """A reference configures filters of its own; the client's other references keep theirs."""

    class Greeter:
        async def hello(self) -> str: ...
        async def bye(self) -> str: ...

    client = facade.AsyncClient("127.0.0.1:1", filters=["default", Counts()])
    client.refer(Greeter, executes=5, methods={"bye": {"executes": 1}})
    with pytest.raises(ValueError, match="has no method 'by'; did you mean 'bye'"):
        client.refer(Greeter, methods={"by": {"executes": 1}})
