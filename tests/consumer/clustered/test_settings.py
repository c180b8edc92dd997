"""What a client of many providers is told, by client, reference, method and interface."""

import asyncio
import json
import subprocess
import sys

import pytest

import facade
from facade.consumer.options import DIRECTORY, ClusterOptions
from facade.core.cluster import KEYS
from tests.consumer.clustered.site import Site, Where, spread, static


async def test_settings_by_client_reference_and_method(sites):
    async with facade.AsyncClient(static(sites), cluster="failfast", timeout=20) as client:
        assert repr(client.refer(Where).port).endswith("Failfast('test.Where')>")
        own = client.refer(Where, cluster="failsafe", methods={"slow": {"cluster": "failover"}})
        assert "Failsafe" in repr(own.port)
        assert await client.refer(Where, mock=7, mock_force=True).port() == 7
        broken = client.refer(Where, cluster="failsafe", methods={"port": {"mock": 1}})
        assert await broken.port() != 1


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"cluser": "failover"}, TypeError, "did you mean 'cluster'"),
        ({"timeot": 1.0}, TypeError, "did you mean 'timeout'"),
        ({"subset": 0}, ValueError, "subset=0"),
        ({"subset": 1.5}, TypeError, "subset=1.5: a number, or a Subset"),
        ({"health": 3}, TypeError, "health=3: a Health"),
        ({"zone": 3}, TypeError, "zone=3: the name"),
        ({"routers": [3]}, TypeError, "routers: 3 is none"),
        ({"idle": -1}, ValueError, "idle=-1"),
        ({"idle": float("nan")}, ValueError, "idle=nan"),
        ({"idle": "1"}, TypeError, "idle: '1' is not a number of seconds"),
        ({"keep": -1}, ValueError, "keep=-1"),
        ({"keep": "1"}, TypeError, "keep: '1' is not a number of seconds"),
        ({"cluster": "failove"}, ValueError, "did you mean 'failover'"),
        ({"loadbalance": "p3c"}, ValueError, "did you mean 'p2c'"),
        ({"retry_budget": float("nan")}, ValueError, "retry_budget=nan"),
        ({"retry_backoff": float("nan")}, ValueError, "retry_backoff=nan"),
        ({"retry_backoff_max": float("nan")}, ValueError, "retry_backoff_max=nan"),
        ({"attempt_timeout": float("nan")}, ValueError, "attempt_timeout=nan"),
        ({"cluster": "failback", "failback_pause": float("nan")}, ValueError, "pause=nan"),
        ({"cluster": 3}, TypeError, "cluster is str"),
        ({"native": True, "unary": True}, ValueError, "native=True"),
    ],
)
def test_wrong_settings_are_errors_at_once(options, error, said):
    with pytest.raises(error, match=said):
        facade.AsyncClient("static:127.0.0.1:1", **options)


async def test_wrong_settings_of_a_reference_are_errors_at_once():
    async with facade.AsyncClient("static:127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="did you mean 'failover'"):
            client.refer(Where, cluster="failove")
        with pytest.raises(ValueError, match="did you mean 'loadbalance'"):
            client.refer(Where, loadbalanse="p2c")


def test_one_address_takes_no_settings_of_many():
    """They would do nothing; repeating calls can be had there, too."""
    with pytest.raises(ValueError, match="write it as static:"):
        facade.AsyncClient("127.0.0.1:1", loadbalance="p2c")
    one = facade.AsyncClient("127.0.0.1:1", retries=1)
    assert "retry" in repr(one)
    with pytest.raises(ValueError, match="write it as static:"):
        one.refer(Where, methods={"port": {"mock": 1}})
    assert "retry" not in repr(facade.AsyncClient("static:127.0.0.1:1", retries=1))


@facade.service("test.Said", cluster="failfast", loadbalance="p2c", weight=30)
class Said:
    @facade.method(sticky=True)
    async def port(self) -> int: ...


async def test_interface_says_it_for_both_ends():
    """A client of one address, and a provider, pass over what is for clusters."""

    class Impl(Said):
        async def port(self) -> int:
            return server.port

    server = facade.Server()
    server.export(Said, Impl())
    async with server:
        async with facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as one:
            assert await one.refer(Said).port() == server.port
        async with facade.AsyncClient(f"static:127.0.0.1:{server.port}", timeout=20) as many:
            assert "Failfast" in repr(many.refer(Said).port)
            assert await many.refer(Said).port() == server.port


async def test_provider_publishes_timeouts_for_its_services_alone(sites):
    """What another one publishes does not take them away."""
    slow = Site()
    slow.server = facade.Server()
    slow.server.export(Where, slow.here, timeout=33.0)
    await slow.start()
    async with facade.AsyncClient(static([slow, *sites]), timeout=20) as client:
        where = client.refer(Where)
        await spread(where.port, [slow, *sites])
        limits = client._limits
        while "test.Other" not in limits._published:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert limits._published["test.Where"].name == "test.Where"
    await slow.server.stop()


async def test_what_a_provider_published_goes_with_it(sites, tmp_path):
    """Of many that come and go, what is there counts."""
    left = Site()
    left.server = facade.Server()
    left.server.export(Where, left.here)
    await left.start()
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([left.address, sites[0].address]))
    async with facade.AsyncClient(f"file://{path}?interval=0.01", timeout=20) as client:
        where = client.refer(Where)
        await spread(where.port, [left, sites[0]])
        while "test.Other" not in client._limits._published:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        new = path.with_suffix(".new")
        new.write_text(json.dumps([left.address]))
        new.replace(path)
        while "test.Other" in client._limits._published:
            await where.port()
            await asyncio.sleep(0.001)
        assert "test.Where" in client._limits._published
    await left.server.stop()


def test_cluster_is_imported_by_those_who_have_one():
    """Others do not wait for it."""
    code = "import facade, sys; print([m for m in sys.modules if m.startswith('facade.cl')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_parameters_of_a_client_are_those_that_clusters_read():
    """None is without a type, or without anybody who reads it."""
    assert {*ClusterOptions.__annotations__} == {*KEYS, *DIRECTORY}
