import pytest

from facade.core import CONSUMER, PROVIDER, Filter, Invocation, Result, activate
from facade.core.filter import filter_name


@pytest.mark.parametrize(
    ("name", "called"),
    [("AccessLog", "access_log"), ("Timeout", "timeout"), ("OAuth2Check", "oauth2_check")],
)
def test_filter_is_called_as_its_class_in_snake_case(name, called):
    """The name in a chain's repr is the one that a list of filters takes."""
    cls = type(name, (Filter,), {})
    assert filter_name(cls) == called
    assert repr(cls()) == called


async def test_invoke_passes_the_call_on():
    """A filter that only listens leaves the call as it is."""
    invocation, result = Invocation("s", "m"), Result(1)

    class Invoker:
        async def invoke(self, given):
            assert given is invocation
            return result

    assert await Filter().invoke(Invoker(), invocation) is result


def test_configure_makes_the_filter_without_arguments():
    """A filter that has no settings need not say how it is made."""

    class Plain(Filter):
        pass

    assert type(Plain.configure({"timeout": 1.0})) is Plain


@pytest.mark.parametrize(
    ("group", "sides"),
    [
        (CONSUMER, {CONSUMER}),
        (PROVIDER, {PROVIDER}),
        ((CONSUMER, PROVIDER), {CONSUMER, PROVIDER}),
        ([PROVIDER], {PROVIDER}),
    ],
)
def test_group_is_a_side_or_several(group, sides):
    """activate takes one side by name, or several, and gives the class back."""

    class Plain(Filter):
        pass

    assert activate(group=group)(Plain) is Plain
    assert Plain.__facade_activation__.group == sides


def test_activate_means_both_sides_by_default():
    """A filter that says no side runs at both, at place 0, whatever the settings are."""

    @activate()
    class Plain(Filter):
        pass

    activation = Plain.__facade_activation__
    assert activation.group == {CONSUMER, PROVIDER}
    assert (activation.order, activation.when) == (0, ())


@pytest.mark.parametrize("group", ["client", ("consumer", "server"), ()])
def test_unknown_group_is_refused(group):
    """A misspelt side fails where it stands, instead of never switching on."""
    with pytest.raises(ValueError, match="group is 'consumer', 'provider' or both, not") as caught:
        activate(group=group)
    assert repr(group) in str(caught.value)
