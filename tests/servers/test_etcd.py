"""What only etcd does: leases, compaction, users."""

import asyncio

import grpc.aio
import pytest

from facade.registry import Provider, open_registry
from facade.registry.etcd_api import EtcdApi, EtcdError
from tests.registry.listening import Listening

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("patient")]

KEY = "demo.Greeter"
ONE, TWO = "127.0.0.1:5001", "127.0.0.1:5002"


@pytest.fixture
async def api(etcd):
    opened = EtcdApi((etcd.address,))
    yield opened
    await opened.close()


@pytest.fixture
async def registry(etcd):
    opened = open_registry(f"etcd://{etcd.address}?session=6")
    yield opened
    await opened.close()


async def raw(etcd, method, request):
    """A call that only the tests make: serialized."""
    async with grpc.aio.insecure_channel(etcd.address) as channel:
        await channel.unary_unary(f"/etcdserverpb.{method}")(request, timeout=60)


async def keys(api):
    found = await api.call("KV/Range", "Range", key=b"/", range_end=b"0")
    return found.kvs


async def test_keys_are_those_of_zookeeper(api, registry):
    """The key is the path that the node would have in ZooKeeper, the value its last part."""
    await registry.register(Provider(ONE, KEY))
    (pair,) = await keys(api)
    assert pair.key.startswith(b"/dubbo/demo.Greeter/providers/tri%3A%2F%2F127.0.0.1%3A5001%2F")
    assert pair.value == pair.key.rpartition(b"/")[2]


async def test_lease_is_kept(api, etcd):
    """A provider stays longer than its lease lives."""
    registry = open_registry(f"etcd://{etcd.address}?session=8")
    await registry.register(Provider(ONE, KEY))
    told = Listening()
    await registry.subscribe(KEY, told)
    await asyncio.sleep(12)
    assert told.lists == [[ONE]]
    assert [pair for pair in await keys(api) if b"/providers/" in pair.key]
    await registry.close()


async def test_lost_lease(api, registry):
    """Who has lost the lease takes another, and is registered again."""
    await registry.register(Provider(ONE, KEY))
    told = Listening()
    await registry.subscribe(KEY, told)
    lease = registry._nodes._lease
    await api.call("Lease/LeaseRevoke", "LeaseRevoke", ID=lease)
    await told.holds(lambda: told.lists == [[ONE], [], [ONE]])
    assert registry._nodes._lease != lease


async def test_compacted_history(api, registry, etcd):
    """A subscriber that was away longer than etcd remembers reads the whole list again."""
    told = Listening()
    subscription = await registry.subscribe(KEY, told)
    etcd.kill()
    etcd.start()
    await told.until()
    for number in range(5):
        await api.call("KV/Put", "Put", key=b"/other", value=b"%d" % number)
    now = (await api.call("KV/Range", "Range", key=b"/other")).header.revision
    await raw(etcd, "KV/Compact", bytes([0x08, now]))
    await registry.register(Provider(ONE, KEY))
    await told.until(ONE)
    await subscription.close()


async def test_watch_of_what_was_compacted(api, etcd):
    """etcd ends such a watch with the revision that it still has: that is not an error."""
    for number in range(5):
        await api.call("KV/Put", "Put", key=b"/other", value=b"%d" % number)
    await raw(etcd, "KV/Compact", b"\x08\x05")
    answers = [answer async for answer in _until_canceled(api.watch(b"/", b"0", 2))]
    assert answers[-1].compact_revision == 5


async def _until_canceled(answers):
    async for answer in answers:
        yield answer
        if answer.canceled:
            break
    await answers.aclose()


async def test_user(api, etcd):
    """Where etcd asks who is there, user and password of the target are told; without them the
    log says what is wrong."""
    await raw(etcd, "Auth/UserAdd", b"\n\x04root\x12\x06secret")
    await raw(etcd, "Auth/RoleAdd", b"\n\x04root")
    await raw(etcd, "Auth/UserGrantRole", b"\n\x04root\x12\x04root")
    await raw(etcd, "Auth/AuthEnable", b"")
    registry = open_registry(f"etcd://root:secret@{etcd.address}")
    told = Listening()
    await registry.subscribe(KEY, told)
    await registry.register(Provider(ONE, KEY))
    await told.until(ONE)
    await registry.close()
    with pytest.raises(EtcdError, match="user name is empty"):
        await api.call("KV/Range", "Range", key=b"/")
