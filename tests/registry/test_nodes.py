"""A registry as a tree, with a tree in memory: what holds for all of them."""

import asyncio
import logging

import pytest

from facade.registry import Provider, parse
from facade.registry.announcements import Announcements
from facade.registry.dubbo_url import encoded
from facade.registry.nodes import NodeRegistry
from tests.registry.listening import Listening, eventually


class Memory:
    """A tree in memory. While it is ``down`` nothing can be put there, or read."""

    def __init__(self):
        self.paths = set()
        self.watches = []
        self.down = False
        self.puts = 0
        self.forgotten = None

    def on_forgotten(self, forgotten):
        self.forgotten = forgotten

    async def put(self, path):
        self.puts += 1
        if self.down:
            raise ConnectionError("down")
        self.paths.add(path)
        self.tell()

    async def remove(self, path):
        if self.down:
            raise ConnectionError("down")
        self.paths.discard(path)
        self.tell()

    def watch(self, folder, told):
        entry = (folder, told)
        self.watches.append(entry)
        if not self.down:
            told(self.names(folder))
        return lambda: self.watches.remove(entry)

    def names(self, folder):
        below = (path for path in self.paths if path.startswith(f"{folder}/"))
        return sorted({path[len(folder) + 1 :].partition("/")[0] for path in below})

    def tell(self):
        for folder, told in list(self.watches):
            told(self.names(folder))

    async def close(self):
        self.paths.clear()
        self.tell()


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
async def registry(memory):
    opened = NodeRegistry(memory, parse("memory://h:1?application=shop"), ["127.0.0.1:1"])
    yield opened
    await opened.close()


def messages(caplog):
    """Of registries alone: others may be told by what earlier tests left."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("facade.registry")]


ONE, TWO = Provider("a:1", "demo.A", started=1.0), Provider("b:1", "demo.A", started=1.0)


async def test_unregister_takes_away(memory, registry):
    """Only what was registered is, and both may be said twice."""
    told = Listening()
    await registry.subscribe("demo.A", told)
    await registry.register(ONE)
    await registry.register(ONE)
    await registry.register(TWO)
    await registry.unregister(ONE)
    await registry.unregister(ONE)
    assert told.lists == [[], ["a:1"], ["a:1", "b:1"], ["b:1"]]


async def test_retried_and_logged_once(memory, registry, caplog):
    """What can't be registered is tried again until it can, and the log tells of the first
    failure and of the end."""
    caplog.set_level(logging.INFO)
    memory.down = True
    await registry.register(ONE)
    await eventually(lambda: memory.puts >= 3)
    memory.down = False
    await eventually(lambda: bool(memory.paths))
    await eventually(lambda: len(messages(caplog)) == 2)
    first, last = messages(caplog)
    assert first == "announcing at memory://h:1 fails, and is tried again until it works: down"
    assert last == "announcing at memory://h:1 works again"


async def test_forgotten_nodes_are_put_again(memory, registry):
    """When the registry has lost our session, all is announced anew; what was unregistered is
    not."""
    for provider in (ONE, TWO):
        await registry.register(provider)
    await registry.unregister(TWO)
    memory.paths.clear()
    memory.forgotten()
    await eventually(lambda: len(memory.paths) == 1)
    assert "a%3A1" in next(iter(memory.paths))


async def test_dropped_while_it_is_put(memory):
    """What is unregistered while it is being put does not stay."""
    going = asyncio.Event()
    go_on = asyncio.Event()

    async def put(path):
        going.set()
        await go_on.wait()
        await memory.put(path)

    announcements = Announcements("memory", put, memory.remove)
    announcements.add_soon("/x")
    await going.wait()
    await announcements.drop("/x")
    go_on.set()
    await eventually(lambda: memory.puts == 1)
    await eventually(lambda: not memory.paths)
    await announcements.close()


async def test_dropped_and_added_again_while_it_is_put(memory):
    """That it was put before it was taken away does not count: it is put again."""
    going = asyncio.Event()
    go_on = asyncio.Event()

    async def put(path):
        await memory.put(path)
        going.set()
        await go_on.wait()

    announcements = Announcements("memory", put, memory.remove)
    announcements.add_soon("/x")
    await going.wait()
    await announcements.drop("/x")
    assert not memory.paths
    tried = announcements.add_soon("/x")
    go_on.set()
    await tried.wait()
    assert memory.paths == {"/x"}
    await announcements.close()


async def test_unregistered_while_it_is_down(memory, registry):
    """What can't be taken away at once is taken away later; what is wanted stays."""
    for provider in (ONE, TWO):
        await registry.register(provider)
    memory.down = True
    await registry.unregister(TWO)
    memory.down = False
    await eventually(lambda: len(memory.paths) == 1)
    assert "a%3A1" in next(iter(memory.paths))


async def test_registered_again_while_it_is_down(memory, registry, caplog):
    """It stays there: what was asked for last counts."""
    caplog.set_level(logging.INFO)
    await registry.register(ONE)
    there = set(memory.paths)
    memory.down = True
    await registry.unregister(ONE)
    await registry.register(ONE)
    memory.down = False
    await eventually(lambda: "works again" in caplog.text)
    assert memory.paths == there


@pytest.mark.parametrize("key", ["demo.A", "*"])
async def test_subscriber_who_does_not_wait(key, memory, registry):
    """Who was cancelled before there was a list has no subscription, and hears nothing."""
    memory.down = True
    told = Listening()
    subscribing = asyncio.create_task(registry.subscribe(key, told, timeout=600))
    await eventually(lambda: bool(memory.watches))
    await asyncio.sleep(0)
    subscribing.cancel()
    await asyncio.wait((subscribing,))
    assert memory.watches == []
    memory.down = False
    await registry.register(ONE)
    await eventually(lambda: bool(memory.paths))
    assert not any("/consumers/" in path for path in memory.paths)
    assert told.lists == []


async def test_what_is_passed_over(memory, registry, caplog):
    """Providers of other protocols and broken nodes are left out, each kind logged once."""
    folder = "/dubbo/demo.A/providers"
    memory.paths = {
        f"{folder}/{encoded(url)}"
        for url in ("dubbo://c:1/demo.A?x=1", "dubbo://c:2/demo.A", "tri://nowhere", "%%")
    }
    await registry.register(ONE)
    told = Listening()
    await registry.subscribe("demo.A", told)
    memory.tell()
    assert told.lists == [["a:1"]]
    logged = messages(caplog)
    assert len(logged) == 3
    assert "providers at dubbo:// are passed over: which is not called from here" in logged


async def test_newest_of_one_place(memory, registry):
    """A provider that is back before its old node has gone is one provider, the new one."""
    told = Listening()
    await registry.subscribe("demo.A", told)
    await registry.register(Provider("a:1", "demo.A", started=2.0, weight=7))
    await registry.register(ONE)
    assert told.lists == [[], ["a:1"]]
    assert told.last[0].weight == 7


async def test_groups_and_versions(memory, registry):
    """Each subscriber hears of its own group and version only."""
    told = Listening()
    await registry.subscribe("g/demo.A:1", told)
    await registry.register(ONE)
    await registry.register(Provider("c:1", "demo.A", "g", "1"))
    assert told.lists == [[], ["c:1"]]


async def test_everything(memory, registry):
    """ "*" follows services that come and go. What Dubbo keeps beside them is no service."""
    memory.paths.add("/dubbo/metadata/demo.A/1.0.0")
    told = Listening()
    subscription = await registry.subscribe("*", told)
    assert [folder for folder, _ in memory.watches] == ["/dubbo"]
    other = Provider("c:1", "demo.B")
    await registry.register(ONE)
    await registry.register(other)
    await registry.unregister(other)
    assert told.lists == [[], ["a:1"], ["a:1", "c:1"], ["a:1"]]
    await subscription.close()
    assert not memory.watches


async def test_failing_listener(memory, registry, caplog):
    """What a listener raises is logged, and hurts no other."""

    def fail(providers):
        raise RuntimeError("oops")

    told = Listening()
    await registry.subscribe("demo.A", fail)
    await registry.subscribe("demo.A", told)
    await registry.register(ONE)
    assert told.lists == [[], ["a:1"]]
    assert "oops" in caplog.text


async def test_consumers_are_announced(memory, registry):
    """A consumer is to be seen as long as it listens."""
    subscription = await registry.subscribe("demo.A", Listening())
    await eventually(lambda: any("/demo.A/consumers/consumer%3A" in p for p in memory.paths))
    await subscription.close()
    assert not memory.paths


@pytest.mark.parametrize("text", [None, "{", "[]", '{"demo.A": 3}'])
async def test_broken_cache(memory, tmp_path, text):
    """A cache that is missing or broken is as good as none, and is written anew."""
    path = tmp_path / "cache"
    if text is not None:
        path.write_text(text)
    target = parse(f"memory://h:1?cache={path}")
    registry = NodeRegistry(memory, target, ["127.0.0.1:1"])
    memory.down = True
    told = Listening()
    await registry.subscribe("demo.A", told, timeout=0.01)
    assert told.lists == []
    memory.down = False
    await registry.register(ONE)
    await told.until("a:1")
    await registry.close()
    again = NodeRegistry(memory, target, ["127.0.0.1:1"])
    memory.down = True
    late = Listening()
    await again.subscribe("demo.A", late, timeout=0.01)
    assert late.last == (ONE,)
    await again.close()


async def test_closed_registry(registry):
    """Nothing is asked of a registry that was closed: its error says so."""
    await registry.close()
    with pytest.raises(RuntimeError, match=r"memory://h:1 was closed"):
        await registry.register(ONE)
    with pytest.raises(RuntimeError, match=r"memory://h:1 was closed"):
        await registry.subscribe("demo.A", Listening())


async def test_closed_while_somebody_subscribes(memory, registry):
    """Who subscribes hears that it was closed; nothing is announced after that."""
    memory.down = True
    subscribing = asyncio.create_task(registry.subscribe("demo.A", Listening(), timeout=600))
    await asyncio.sleep(0)
    assert memory.watches
    before = asyncio.all_tasks()
    await registry.close()
    with pytest.raises(RuntimeError, match=r"memory://h:1 was closed"):
        await subscribing
    assert memory.watches == []
    assert asyncio.all_tasks() <= before


def test_application_that_can_not_be_written(memory):
    """It is an error at once, and not one of each subscription."""
    with pytest.raises(ValueError, match="application='a&b'"):
        NodeRegistry(memory, parse("memory://h:1?application=a%26b"), ["127.0.0.1:1"])
