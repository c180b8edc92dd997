import random
from collections import Counter

import pytest

from facade.cluster.balance import (
    P2C,
    ConsistentHash,
    LeastActive,
    Random,
    RoundRobin,
    ShortestResponse,
    balancers,
    named_balancer,
)
from facade.core import FilterSettings, Method
from facade.core.method import Parameter
from facade.testing import invocation

CALL = invocation()


def picks(balancer, endpoints, count, call=CALL):
    return [balancer.select(endpoints, call) for _ in range(count)]


def counted(balancer, endpoints, count):
    """How often each was chosen, by its place."""
    found = Counter(picks(balancer, endpoints, count))
    return [found[endpoint] for endpoint in endpoints]


KINDS = [Random, RoundRobin, LeastActive, ShortestResponse, P2C]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weights", [(100, 100, 100), (100, 200, 300), (1, 2, 7), (5, 1, 1)])
@pytest.mark.behaviour("B10.21", "B10.22", "B10.23", "B10.24", "B10.26")
def test_each_has_the_share_of_its_weight_where_all_are_alike(kind, weights, endpoints, seeded):
    """Whatever the balancer: within a hundredth of all calls, of 20,000."""
    made = endpoints(*weights)
    found = counted(kind(random=seeded), made, 20_000)
    for count, weight in zip(found, weights, strict=True):
        assert count / 20_000 == pytest.approx(weight / sum(weights), abs=0.011)


@pytest.mark.parametrize("kind", [*KINDS, ConsistentHash])
@pytest.mark.behaviour("B10.20", "B10.21")
def test_one_alone_is_chosen_and_weights_of_0_are_all_alike(kind, endpoints):
    """Nothing divides by a weight that is not there."""
    (alone,) = endpoints(100)
    assert picks(kind(), (alone,), 3) == [alone] * 3
    made = endpoints(0, 0)
    assert kind().select(made, CALL) in made


@pytest.mark.parametrize("kind", [*KINDS, ConsistentHash])
def test_another_is_one_of_the_rest(kind, endpoints):
    """After a failure the balancer chooses among those that were not tried."""
    made = endpoints(1, 2, 3, 4)
    rest = [made[1], made[3]]
    assert {kind().another(made, rest, invocation("m", n)) for n in range(60)} <= set(rest)


@pytest.mark.behaviour("B10.22")
def test_round_robin_spreads_the_turns_of_a_heavy_one(endpoints):
    """Smooth: 5, 1, 1 is a a b a c a a, and not a a a a a b c."""
    made = endpoints(5, 1, 1)
    names = dict(zip(made, "abc", strict=True))
    taken = "".join(names[e] for e in picks(RoundRobin(), made, 14))
    assert taken == "aabacaa" * 2


@pytest.mark.parametrize("weights", [(3, 2, 1), (100, 100), (7, 3, 3, 1)])
def test_round_robin_is_never_far_from_the_share(weights, endpoints):
    """After any number of turns, each is less than one turn from what its weight says."""
    made = endpoints(*weights)
    found = Counter()
    for turn, chosen in enumerate(picks(RoundRobin(), made, 500), 1):
        found[chosen] += 1
        for endpoint, weight in zip(made, weights, strict=True):
            assert abs(found[endpoint] - turn * weight / sum(weights)) <= 1.0


def test_round_robin_goes_on_where_the_list_changes(endpoints):
    """A new list does not begin with the heaviest one again."""
    made = endpoints(3, 2, 1)
    robin = RoundRobin()
    found = Counter()
    for n in range(600):
        found[robin.select(tuple(made) if n % 2 else (*made,)[:], CALL)] += 1
    assert [found[e] for e in made] == pytest.approx([300, 200, 100], abs=2)


@pytest.mark.parametrize("weights", [(3, 2, 1), (1, 1, 1)])
def test_round_robin_has_turns_for_each_list(weights, endpoints):
    """Calls that routers send elsewhere do not make the others begin anew with the heaviest."""
    made, elsewhere = endpoints(*weights), endpoints(5, 1)
    robin = RoundRobin()
    found = Counter()
    for _ in range(60):
        found[robin.select(made, CALL)] += 1
        found[robin.select(elsewhere, CALL)] += 1
    assert [found[e] for e in made] == [60 * w // sum(weights) for w in weights]
    assert [found[e] for e in elsewhere] == [50, 10]


def test_round_robin_takes_the_next_where_the_list_changes(endpoints):
    """Those that connect give new lists of the same: each has its turn all the same."""
    made = endpoints(1, 1, 1)
    robin = RoundRobin()
    taken = [robin.select((*made, *made)[:3], CALL) for _ in range(30)]
    assert all(taken[n : n + 3] == taken[:3] for n in range(0, 30, 3))
    assert set(taken[:3]) == set(made)


def test_round_robin_keeps_few_lists(endpoints):
    """Weights that grow give a new one four times a second."""
    robin = RoundRobin()
    made = endpoints(3, 2, 1)
    for n in range(1000):
        robin.select((*made,)[: 2 + n % 2], CALL)
    assert len(robin._turns) <= 16


@pytest.mark.behaviour("B10.22")
def test_round_robin_has_turns_for_each_method(endpoints):
    """Two methods that are called in turn do not each find their own endpoint."""
    made = endpoints(1, 1)
    robin = RoundRobin()
    taken = [robin.select(made, invocation(name)) for name in ["one", "two"] * 10]
    assert set(taken[::2]) == set(taken[1::2]) == set(made)


@pytest.mark.behaviour("B10.23")
def test_least_active_takes_the_one_with_the_fewest_calls(endpoints):
    """The fewest under way, whatever its weight where those are the same."""
    made = endpoints(1, 1, 1)
    made[0].active, made[1].active, made[2].active = 3, 1, 2
    assert picks(LeastActive(), made, 5) == [made[1]] * 5


def test_least_active_gives_the_heavy_one_more(endpoints, seeded):
    """Twice the weight, twice the calls under way."""
    made = endpoints(100, 200)
    balance = LeastActive(random=seeded)
    for _ in range(300):
        balance.select(made, CALL).active += 1
    assert [e.active for e in made] == pytest.approx([100, 200], abs=2)


@pytest.mark.behaviour("B10.24")
def test_shortest_response_takes_the_smallest_product(endpoints):
    """Average time, times calls with this one."""
    made = endpoints(1, 1)
    made[0].latency, made[0].active = 0.010, 0
    made[1].latency, made[1].active = 0.004, 1
    assert picks(ShortestResponse(), made, 3) == [made[1]] * 3
    made[1].active = 2
    assert picks(ShortestResponse(), made, 3) == [made[0]] * 3


def test_shortest_response_does_not_flock_to_the_unknown(endpoints):
    """One without any answer yet is tried, and not by all calls there are."""
    made = endpoints(1, 1)
    made[0].latency = 0.001
    taken = Counter()
    for _ in range(40):
        chosen = ShortestResponse().select(made, CALL)
        chosen.active += 1
        taken[chosen] += 1
    assert taken[made[1]] > taken[made[0]] > 0


@pytest.mark.behaviour("B10.26")
@pytest.mark.parametrize(
    ("name", "value"), [("active", 5), ("latency", 0.1), ("load", 2.0), ("failing", 0.4)]
)
def test_p2c_leaves_out_the_loaded_one(name, value, endpoints, seeded):
    """Any sign of load counts: that of two endpoints is never chosen."""
    made = endpoints(1, 1)
    setattr(made[0], name, value)
    assert set(picks(P2C(random=seeded), made, 100)) == {made[1]}


def test_p2c_evens_the_calls_under_way(endpoints, seeded):
    """Of ten, none has many more than another, where a random choice strays far."""
    made = endpoints(*[1] * 10)
    balance = P2C(random=seeded)
    for _ in range(1000):
        balance.select(made, CALL).active += 1
    assert max(e.active for e in made) - min(e.active for e in made) <= 6
    strayed = counted(Random(random=seeded), made, 1000)
    assert max(strayed) - min(strayed) > 12


def keys(count):
    return [invocation("find", f"user-{n}") for n in range(count)]


@pytest.mark.behaviour("B10.25")
def test_consistent_hash_stays_with_an_endpoint(endpoints):
    """The same first argument, the same endpoint; other arguments don't matter."""
    made = endpoints(*[1] * 10)
    balance = ConsistentHash()
    first = balance.select(made, invocation("find", "Ann", 1))
    assert picks(balance, made, 20, invocation("find", "Ann", 2)) == [first] * 20
    assert len({balance.select(made, call) for call in keys(200)}) == 10


@pytest.mark.behaviour("B10.25")
@pytest.mark.parametrize("nodes", [5, 10, 20])
def test_only_the_keys_of_the_one_that_leaves_move(nodes, endpoints):
    """At most 1.3/n of them, and back when it comes again."""
    made = endpoints(*[1] * nodes)
    balance = ConsistentHash()
    calls = keys(2000)
    before = [balance.select(made, call) for call in calls]
    for gone in made:
        rest = tuple(e for e in made if e is not gone)
        after = [balance.select(rest, call) for call in calls]
        moved = [n for n, endpoint in enumerate(after) if endpoint is not before[n]]
        assert all(before[n] is gone for n in moved)
        assert len(moved) <= 1.3 / nodes * len(calls)
    assert [balance.select(tuple(made), call) for call in calls] == before


def test_keys_of_the_one_that_fails_go_where_they_would_go_without_it(endpoints):
    """A retry finds the endpoint that has the key once the other one is gone."""
    made = endpoints(*[1] * 5)
    balance = ConsistentHash()
    for call in keys(50):
        rest = tuple(e for e in made if e is not balance.select(made, call))
        assert balance.another(made, rest, call) is balance.select(rest, call)


@pytest.mark.behaviour("B10.25")
def test_consistent_hash_looks_at_chosen_arguments(endpoints):
    """By their places; given by name, they are found by the method's parameters."""
    made = endpoints(*[1] * 10)
    balance = ConsistentHash(hash_arguments=(1,), hash_nodes=40)
    method = Method("s", "find", (Parameter("a", str), Parameter("b", str)), str)
    for n in range(30):
        by_place = invocation("find", "any", f"k{n}")
        by_name = invocation("find", n, keywords={"b": f"k{n}"})
        by_name.method = method
        assert balance.select(made, by_place) is balance.select(made, by_name)
    assert len({balance.select(made, invocation("find", n)) for n in range(30)}) == 1


@pytest.mark.behaviour("B10.25")
def test_the_ring_is_that_of_dubbo():
    """MD5 of address and number, four words of each, the lowest byte first."""
    from hashlib import md5

    from facade.cluster.balance.consistent_hash import _points

    digest = md5(b"10.0.0.1:200000").digest()
    word = digest[3] << 24 | digest[2] << 16 | digest[1] << 8 | digest[0]
    assert _points("10.0.0.1:200000")[0] == word


def test_ring_is_kept_while_its_members_are_the_same(endpoints):
    """Weights that grow make no new ring: it is dear."""
    made = endpoints(1, 2)
    balance = ConsistentHash()
    assert balance.prepare(made) is balance.prepare((made[0], made[1]))
    assert balance.prepare(made) is not balance.prepare(made[:1])


def test_settings_of_methods_are_their_own(endpoints):
    """One method by hash, another by its second argument, all others in turn."""
    made = balancers(
        FilterSettings(
            {"loadbalance": "round_robin", "hash_nodes": 8},
            {
                "find": {"loadbalance": "consistent_hash"},
                "get": {"loadbalance": "consistent_hash", "hash_arguments": (1,)},
            },
        )
    )
    assert isinstance(made["other"], RoundRobin)
    assert made["find"]._digests == 2
    assert (made["find"]._arguments, made["get"]._arguments) == ((0,), (1,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: named_balancer("randon"), "did you mean 'random'"),
        (lambda: named_balancer("xyz"), "there are: random, round_robin"),
        (lambda: ConsistentHash(hash_arguments=(-1,)), "hash_arguments"),
        (lambda: ConsistentHash(hash_nodes=3), "hash_nodes=3"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    """When the client is made, and not by a call."""
    with pytest.raises(ValueError, match=message):
        make()


def test_a_balancer_of_ones_own_is_taken(endpoints):
    """An object instead of a name."""
    own = Random(random=random.Random(1).random)
    assert named_balancer(own) is own
    assert repr(own) == "Random()"
