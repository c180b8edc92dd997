import pytest

from facade.cluster import ConditionRouter, Endpoint, TagRouter
from facade.core import Method, Parameter, Unavailable
from facade.registry import Provider
from facade.testing import invocation


def made(*facts):
    """Endpoints of these: (address, parameters)."""
    return tuple(
        Endpoint(Provider(address, application="shop", parameters=parameters), lambda p: None)
        for address, parameters in facts
    )


EAST, WEST, GRAY = {"zone": "east"}, {"zone": "west"}, {"dubbo.tag": "gray"}
FOUR = made(("10.0.0.1:1", EAST), ("10.0.1.1:1", WEST), ("10.0.1.2:2", WEST), ("10.9.0.1:9", GRAY))


def routed(router, call, endpoints=FOUR):
    return [endpoint.address for endpoint in router.route(endpoints, call)]


ALL = [endpoint.address for endpoint in FOUR]
UNTAGGED = ALL[:3]


@pytest.mark.behaviour("B10.34")
@pytest.mark.parametrize(
    ("own", "attachments", "expected"),
    [
        ("", {}, UNTAGGED),
        ("", {"dubbo.tag": "gray"}, ALL[3:]),
        ("gray", {}, ALL[3:]),
        ("gray", {"dubbo.tag": "blue"}, UNTAGGED),
        ("", {"dubbo.tag": "blue"}, UNTAGGED),
        ("", {"dubbo.tag": "blue", "dubbo.force.tag": "true"}, []),
        ("", {"dubbo.force.tag": "true"}, UNTAGGED),
    ],
)
def test_tag_of_a_call_finds_its_providers(own, attachments, expected):
    """That of the call before that of the consumer; those without a tag stand in, unless it is
    forced; and calls without a tag never find one with one."""
    assert routed(TagRouter(own), invocation(attachments=attachments)) == expected


@pytest.mark.behaviour("B10.34")
def test_router_may_force_the_tag():
    """For all calls of this consumer."""
    assert routed(TagRouter("blue", force=True), invocation()) == []


CALL = invocation("find", "vip", 7, service="demo.Shop", attachments={"user": "ann", "raw": b"x"})


@pytest.mark.behaviour("B10.35")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("=> host = 10.0.1.*", ALL[1:3]),
        ("true => host = 10.0.1.*", ALL[1:3]),
        ("method = find* => host = 10.0.1.*", ALL[1:3]),
        ("method = get*,find => host = 10.0.1.*", ALL[1:3]),
        ("method = get* => host = 10.0.1.*", ALL),
        ("method != get* => host != 10.0.1.*", [ALL[0], ALL[3]]),
        ("method = find => zone = east,west & port = 1", ALL[:2]),
        ("arguments[0] = vip => zone = east", ALL[:1]),
        ("arguments[0] = pip => zone = east", ALL),
        ("arguments[1] = 5~9 => zone = east", ALL[:1]),
        ("arguments[1] = ~6 => zone = east", ALL),
        ("arguments[1] = 7~ => zone = east", ALL[:1]),
        ("arguments[9] = x => zone = east", ALL),
        ("attachments[user] = a*n => zone = east", ALL[:1]),
        ("attachments[raw] = x => zone = east", ALL[:1]),
        ("attachments[none] != x => zone = east", ALL[:1]),
        ("service = demo.* => zone = east", ALL[:1]),
        ("host = 10.5.* => zone = $zone", ALL[1:3]),
        ("host = 10.6.* => zone = $zone", ALL),
        ("application = batch => application = shop & tag = gray", ALL[3:]),
        ("method = find =>", []),
        ("=> zone = north", ALL),
        ("=> address = 10.0.0.1:1", ALL[:1]),
        ("method=find=>zone=east", ALL[:1]),
        ("method = f*n* & method = *d => zone = *a*t", ALL[:1]),
    ],
)
def test_condition_says_where_a_call_goes(rule, expected):
    """What Dubbo's rules can say, but for scripts."""
    consumer = {"host": "10.5.0.7", "zone": "west", "application": "batch"}
    assert routed(ConditionRouter(rule, consumer=consumer), CALL) == expected


NAMED = Method("demo.Shop", "buy", (Parameter("n", int), Parameter("who", str)), None)


@pytest.mark.parametrize(
    ("rule", "kept_away"),
    [
        ("arguments[1] = banned =>", True),
        ("arguments[0] = 7 =>", True),
        ("arguments[0] = banned =>", False),
        ("arguments[2] = banned =>", False),
    ],
)
def test_argument_by_name_counts_at_its_place(rule, kept_away):
    """A caller does not get around a rule by how he writes his call."""
    for call in (
        invocation("buy", 7, "banned"),
        invocation("buy", 7, keywords={"who": "banned"}),
        invocation("buy", keywords={"who": "banned", "n": 7}),
    ):
        call.method = NAMED
        assert routed(ConditionRouter(rule), call) == ([] if kept_away else ALL)
    without_interface = invocation("buy", keywords={"who": "banned", "n": 7})
    assert routed(ConditionRouter(rule), without_interface) == ALL


@pytest.mark.parametrize(
    ("range_", "number", "within"),
    [
        ("1~9", "9" * 5000, False),
        ("10~", "9" * 5000, True),
        ("~9", "0" * 5000 + "9", True),
        (f"~{'9' * 5000}", "8" * 5000, True),
        ("007~010", "9", True),
        ("7~10", "11", False),
        ("0~0", "000", True),
        ("~", "5", True),
        ("1~9", "²", False),
        ("1~9", "", False),
        ("~9", "-3", False),
    ],
)
def test_range_takes_numbers_of_any_length(range_, number, within):
    """What a caller sends is no error of the rule; what is no whole number is in no range."""
    router = ConditionRouter(f"arguments[0] = {range_} =>")
    assert (routed(router, invocation("find", number)) == []) is within


@pytest.mark.behaviour("B10.35")
def test_forced_rule_lets_nobody_through():
    """Where no provider is as it says."""
    assert routed(ConditionRouter("=> zone = north", force=True), CALL) == []


@pytest.mark.parametrize("router", [TagRouter(), ConditionRouter("method = find => zone = west")])
def test_same_list_gives_the_same_list(router):
    """Or balancers would begin anew with each call."""
    assert router.route(FOUR, CALL) is router.route(FOUR, invocation("find"))
    plain = FOUR[1:3]
    assert router.route(plain, CALL) is plain


@pytest.mark.parametrize(
    ("rule", "place", "message"),
    [
        ("method = find", 14, "there is no =>"),
        ("a = b => c = d => e = f", 16, "there is a second =>"),
        ("method find => host = x", 8, "write = or != behind 'method'"),
        ("method = => host = x", 10, "a value is missing"),
        ("=> host = 1 2", 13, "'2': write & between"),
        ("=> host = a, & zone = b", 14, "a value is missing before '&'"),
        ("=> host = a &", 14, "a condition is missing behind &"),
        ("= x => host = a", 1, "a name is missing before '='"),
        ("=> host", 8, "write = or != behind 'host'"),
        ("=> host ! a", 9, "write != or ="),
        ("9x = a => host = b", 1, "'9x' is no name"),
        ("arguments = a => host = b", 1, "write arguments[0]"),
        ("attachments = a => host = b", 1, "write attachments[name]"),
    ],
)
def test_rule_that_cannot_be_read_shows_the_place(rule, place, message):
    """When it is made, and not by a call."""
    with pytest.raises(ValueError, match="can't be read at") as raised:
        ConditionRouter(rule)
    text = str(raised.value)
    assert message in text
    assert f"at {place}:" in text
    assert text.splitlines()[-1] == "  " + " " * (place - 1) + "^"


@pytest.mark.behaviour("B10.30", "B10.32")
async def test_directory_asks_its_routers_in_order(world):
    """Those that connect count too: at the start a call does not miss its tag. When nobody is
    let through, the error says that it was the routers."""
    world.unreachable.add("c:1")
    directory = world.directory(
        Provider("a:1"),
        Provider("b:1", parameters={"dubbo.tag": "gray"}),
        Provider("c:1", parameters={"dubbo.tag": "blue"}),
        routers=[TagRouter(force=True), ConditionRouter("method = never =>")],
    )

    def found(tag, name="hello"):
        call = invocation(name, attachments={"dubbo.tag": tag} if tag else {})
        return [e.address for e in directory.list(call)]

    assert found("") == ["a:1"]
    world.pass_time(0.5)
    assert (found(""), found("gray"), found("blue")) == (["a:1"], ["b:1"], ["c:1"])
    assert found("red") == found("gray", "never") == []
    assert directory.list(invocation()) is directory.list(invocation())
    await directory.close()


@pytest.mark.behaviour("B10.32", "B10.34")
@pytest.mark.parametrize("routers", [[], [ConditionRouter("=> host = a,b")]])
async def test_tags_are_looked_at_where_nothing_is_said(routers, world):
    """As Dubbo does: who publishes a tag gets no calls without; before all routers of one's own."""
    gray = Provider("b:1", parameters={"dubbo.tag": "gray"})
    chooser = world.chooser("a:1", gray, routers=routers)
    tagged = invocation(attachments={"dubbo.tag": "gray"})
    forced = invocation(attachments={"dubbo.tag": "red", "dubbo.force.tag": "true"})
    for _ in range(3):  # what holds for calls without a tag is known after the first
        assert {chooser.choose(invocation()).address for _ in range(20)} == {"a:1"}
        assert {chooser.choose(tagged).address for _ in range(20)} == {"b:1"}
        with pytest.raises(Unavailable, match="let through by the routers"):
            chooser.choose(forced)
    chooser.directory.update([gray])
    with pytest.raises(Unavailable, match=r"take only calls with a tag, .* dubbo\.tag: gray\."):
        chooser.choose(invocation())


async def test_error_says_that_it_was_the_routers(world):
    """And not that providers are missing."""
    chooser = world.chooser("a:1", routers=[ConditionRouter("=>")])
    with pytest.raises(Unavailable, match="None of the 1 that are registered is let through"):
        chooser.choose(invocation())
