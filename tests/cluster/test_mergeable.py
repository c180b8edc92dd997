import pytest

from facade.cluster import Mergeable
from facade.cluster.balance import RoundRobin
from facade.core import InvalidArgument, LimitExceeded, Method, RpcError, Sent, Unavailable
from facade.core.settings import ByMethod
from facade.registry import Provider
from facade.testing import invocation


@pytest.fixture
def groups(world):
    """A cluster over one provider of each group, which answers this."""

    def make(*values, merger="default"):
        given = [Provider(f"{g}:1", "test.Service", g) for g, _ in zip("xyz", values, strict=False)]
        for provider, value in zip(given, values, strict=True):
            failed = isinstance(value, Exception)
            world.answer(provider.address, **({"error": value} if failed else {"value": value}))
        return Mergeable(world.chooser(*given), merger=merger)

    return make


@pytest.mark.behaviour("B10.15")
@pytest.mark.parametrize(
    ("merger", "values", "merged"),
    [
        ("default", ([1], [2, 3]), [1, 2, 3]),
        ("default", ({1}, {1, 2}), {1, 2}),
        ("default", ({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        ("default", ((1,), (2,)), (1, 2)),
        ("default", (1, 2, 3), 6),
        ("default", (None, None), None),
        ("list", ((1,), (2,)), [1, 2]),
        ("max", (4, 9, 2), 9),
        ("any", (False, True), True),
        (".union", ({1}, {2}), {1, 2}),
        (".extend", ([1], [2]), [1, 2]),
        (lambda values: "-".join(values), ("a", "b"), "a-b"),
    ],
)
async def test_values_of_all_groups_are_merged(merger, values, merged, groups):
    """By type, by name, by a method of the values, by a function."""
    assert (await groups(*values, merger=merger).invoke(invocation())).value == merged


@pytest.mark.behaviour("B10.15")
async def test_each_group_is_called_by_its_name(groups, world):
    """One provider of each, with the group that it serves."""
    own = invocation(group="*")
    await groups([1], [2]).invoke(own)
    assert world.ways["x:1"].invocations[0].group == "x"
    assert world.ways["y:1"].invocations[0].group == "y"
    assert own.group == "*"


@pytest.mark.parametrize("merger", [None, "default"])
async def test_address_alone_is_called_with_the_group_of_the_call(merger, world):
    """It is not known which group it serves."""
    await Mergeable(world.chooser("a:1"), merger=merger).invoke(invocation(group="x"))
    assert world.ways["a:1"].invocations[0].group == "x"


@pytest.mark.behaviour("B10.15")
async def test_group_that_fails_is_left_out(groups, caplog):
    """And logged. Where all fail, that is the error."""
    cluster = groups([1], Unavailable("gone"), [3])
    assert (await cluster.invoke(invocation())).value == [1, 3]
    assert "y:1 is left out: gone" in caplog.text
    with pytest.raises(Unavailable, match=r"\[x:1, y:1\]"):
        await groups(Unavailable("gone"), Unavailable("gone")).invoke(invocation())


async def test_all_groups_fail_and_one_may_have_run(groups):
    """The error of another that says so does not hide it."""
    fails = (Unavailable("lost"), Unavailable("no connection", sent=Sent.NOT_SENT))
    with pytest.raises(Unavailable, match="no connection") as raised:
        await groups(*fails).invoke(invocation())
    assert raised.value.sent is Sent.MAYBE_EXECUTED


@pytest.mark.behaviour("B10.15")
async def test_without_a_merger_the_first_group_answers(groups, world):
    """The first that can be called."""
    cluster = groups("a", "b", merger=ByMethod({"all": "list"}, None))
    assert (await cluster.invoke(invocation())).value == "a"
    world.ways["x:1"].available = world.ways["x:1"].reachable = False
    assert (await cluster.invoke(invocation())).value == "b"


@pytest.mark.behaviour("B10.15")
async def test_type_without_a_merger_says_what_to_do(groups):
    """Rather than to drop all but one."""
    with pytest.raises(RpcError, match=r"There is no merger to merge result .* say which one"):
        await groups("a", "b").invoke(invocation())


@pytest.mark.parametrize(
    ("merger", "values", "merged"),
    [
        ("default", ([1], None, [2]), [1, 2]),
        ("default", (None, 1, 2), 3),
        ("default", (None, "a"), "a"),
        ("dict", ({"a": 1}, None), {"a": 1}),
        ("max", (None, 4, 9), 9),
        ("last", (1, 2, None), 2),
        (".union", (None, {1}, {2}), {1, 2}),
        (lambda values: "-".join(values), ("a", None, "b"), "a-b"),
    ],
)
async def test_group_that_answers_none_has_nothing_to_merge(merger, values, merged, groups):
    """The values of the others are merged, and one that is left is the answer."""
    assert (await groups(*values, merger=merger).invoke(invocation())).value == merged


@pytest.mark.parametrize("merger", ["default", "dict", ".nothing", lambda values: values[9]])
async def test_values_that_cannot_be_merged_are_an_error_of_the_call(merger, groups):
    """It says what was to be done, and that all groups have run the call."""
    with pytest.raises(RpcError, match=r"hello: what .* can't be merged by .*Error: ") as raised:
        await groups([1], 2, merger=merger).invoke(invocation("hello"))
    assert raised.value.sent is Sent.MAYBE_EXECUTED
    assert raised.value.__cause__ is not None


async def test_merger_may_fail_the_call(groups):
    """With an error of its own choice."""

    def refuse(values):
        raise LimitExceeded("too many")

    with pytest.raises(LimitExceeded, match="too many"):
        await groups([1], [2], merger=refuse).invoke(invocation())


async def test_streamed_argument_is_refused(groups):
    """It can't be sent to two."""
    call = invocation()
    call.method = Method("s", "hello", (), int, streamed=("items",))
    with pytest.raises(InvalidArgument, match="mergeable"):
        await groups([1], [2]).invoke(call)


def test_unknown_merger_is_refused(world):
    """When the client is made."""
    with pytest.raises(ValueError, match="did you mean 'list'"):
        Mergeable(world.chooser("a:1"), merger="lists")


async def test_group_is_balanced_as_its_weights_say(world):
    """Each group for itself, and not anew for each call."""
    given = [
        Provider(f"{group}{n}:1", "test.Service", group, weight=weight)
        for group in "xy"
        for n, weight in enumerate((3, 1))
    ]
    for provider in given:
        world.answer(provider.address, value=1)
    cluster = Mergeable(world.chooser(*given, balancer=RoundRobin()), merger="sum")
    for _ in range(40):
        assert (await cluster.invoke(invocation())).value == 2
    assert [world.calls(p.address) for p in given] == [30, 10, 30, 10]
