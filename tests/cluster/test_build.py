import pytest

from facade.cluster import (
    CLUSTERS,
    KEYS,
    Broadcast,
    Cluster,
    Clusters,
    Failfast,
    Failover,
)
from facade.core import FilterSettings, Unavailable
from facade.testing import invocation


@pytest.mark.parametrize("name", CLUSTERS)
async def test_each_cluster_is_made_by_its_name(name, world):
    """And answers; it prints as what it is."""
    made = world.clusters("a:1", cluster=name)
    assert (await made.invoke(invocation())).value == "a:1"
    assert made.available
    assert repr(made).lower() == f"{name}('test.service')"
    await made.close()
    assert world.ways["a:1"].closed
    with pytest.raises(Unavailable, match="is closed"):
        await made.invoke(invocation())


async def test_failover_is_the_default(world):
    """Two retries, as in Dubbo, where it is safe."""
    made = world.clusters("a:1", "b:1", "c:1")
    cluster = made._by_method.default
    assert isinstance(cluster, Failover)
    assert cluster._plans["any"].retries == 2
    assert not made.available
    await made.close()


async def test_methods_have_clusters_and_settings_of_their_own(world):
    """Over the same endpoints."""
    made = world.clusters(
        "a:1",
        "b:1",
        methods={
            "order": {"cluster": "failfast"},
            "clear": {"cluster": "broadcast"},
            "find": {"retries": 5},
        },
        broadcast_fail_percent=50,
    )
    kinds = {name: type(made._by_method[name]) for name in ("order", "clear", "find")}
    assert kinds == {"order": Failfast, "clear": Broadcast, "find": Failover}
    assert made._by_method["find"]._plans["find"].retries == 5
    assert all(isinstance(each, Cluster) for each in made._made.values())
    await made.invoke(invocation("clear"))
    assert (world.calls("a:1"), world.calls("b:1")) == (1, 1)
    await made.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cluster": "failovr"}, "did you mean 'failover'"),
        ({"loadbalance": "round-robin"}, "did you mean 'round_robin'"),
        ({"retries": -1}, "retries=-1"),
        ({"retry_budget": -1.0}, "retry_budget"),
        ({"cluster": "forking", "forks": -1}, "forks=-1"),
        ({"cluster": "mergeable", "merger": "what"}, "merger='what'"),
    ],
)
def test_wrong_settings_are_refused(settings, message, world):
    """When the client is made."""
    with pytest.raises(ValueError, match=message):
        Clusters(world.directory("a:1"), FilterSettings(settings))


def test_each_setting_is_known():
    """What the builder reads is what it says that it reads."""
    assert {"cluster", "loadbalance", "retries", "sticky", "forks", "mock"} <= set(KEYS)
