"""Servers that announce themselves at real registries, and clients that find them there."""

import asyncio
import os
import signal
import sys

import pytest

import facade
from facade.registry import open_registry
from tests.servers.where import Here, Where

pytestmark = pytest.mark.timeout(120)

KEY = "test.Where"


@pytest.fixture(params=["zookeeper", "etcd"])
def server(request):
    return request.param, request.getfixturevalue(request.param)


@pytest.fixture
def url(server):
    kind, program = server
    return f"{kind}://{program.address}?session=30"  # that of a busy machine must not end


class Heard:
    """What a registry tells."""

    def __init__(self):
        self.providers = ()
        self._changed = asyncio.Event()

    def __call__(self, providers):
        self.providers = providers
        self._changed.set()

    async def until(self, count):
        while len(self.providers) != count:
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
async def heard(url):
    registry, heard = open_registry(url), Heard()
    await registry.subscribe(KEY, heard)
    yield heard
    await registry.close()


async def test_server_is_found_with_what_it_says_of_itself(url, heard):
    """Consumers that were there before are told; and of its end before it ends."""
    async with facade.AsyncClient(url, timeout=20.0) as client:
        server = facade.Server(registry=url, application="shop")
        server.export(Where, Here(), weight=30, warmup=7.0, tag="gray")
        await server.start()
        await heard.until(1)
        (told,) = heard.providers
        assert (told.address, told.weight, told.warmup) == (f"127.0.0.1:{server.port}", 30, 7.0)
        assert (told.tag, told.application) == ("gray", "shop")
        where = facade.bound(client.refer(Where).where)
        assert await where.options(attachments={"dubbo.tag": "gray"})() > 0
        await server.stop()
        await heard.until(0)


async def test_server_starts_while_the_registry_is_down(server, url):
    """It is announced once that is there."""
    program = server[1]
    before = open_registry(url)
    await before.subscribe(KEY, Heard())  # it has been up
    await before.close()
    program.kill()
    announced = facade.Server(registry=url)
    announced.export(Where, Here())
    await announced.start()
    async with facade.AsyncClient(f"127.0.0.1:{announced.port}", timeout=20) as client:
        assert await client.refer(Where).where() > 0
    await asyncio.to_thread(program.start)
    registry, heard = open_registry(url), Heard()
    await registry.subscribe(KEY, heard)
    await heard.until(1)
    await registry.close()
    await announced.stop()


async def test_stop_does_not_wait_for_a_registry_that_is_gone(server, url):
    announced = facade.Server(registry=url)
    announced.export(Where, Here())
    await announced.start()
    server[1].freeze()
    await asyncio.wait_for(announced.stop(), 25.0)  # less than a session
    server[1].thaw()


class Entries:
    """The entries themselves, as consumers of Dubbo's see them."""

    def __init__(self, registry):
        self.lists = []
        self._changed = asyncio.Event()
        registry.watch(KEY, self._told)

    def _told(self, providers):
        entries = [(p.address, p.started) for p in providers]
        if self.lists[-1:] != [entries]:  # they are read again after each new connection
            self.lists.append(entries)
        self._changed.set()

    async def until(self, count):
        while not self.lists or len(self.lists[-1]) != count:
            self._changed.clear()
            await self._changed.wait()
        return self.lists[-1]


async def said(process, part):
    while part not in (line := (await process.stderr.readline()).decode()):
        assert line, part


async def test_workers_of_facade_serve_are_one_provider(url):
    """They share an address, and are one entry: it stays the same when a worker dies and when all
    are replaced; a stop takes it off the list."""
    registry = open_registry(url)
    entries = Entries(registry)
    await entries.until(0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "facade", "serve", "tests.servers.where:Here"),
        *("--address", "127.0.0.1:0", "--registry", url, "--workers", "2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    (entry,) = await entries.until(1)
    await process.stdout.readline()
    await process.stdout.readline()  # all of them serve
    async with facade.AsyncClient(url, connections=8, timeout=20.0) as client:
        where = client.refer(Where)
        pid = await where.where()
        os.kill(pid, signal.SIGKILL)
        await said(process, "serves")
        process.send_signal(signal.SIGHUP)
        await said(process, "all workers were replaced")
        assert await where.look() != pid
    assert entries.lists == [[], [entry]]
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    await entries.until(0)
    assert entries.lists == [[], [entry], []]
    await registry.close()
