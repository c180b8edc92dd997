"""What holds at each registry that providers announce themselves at, with a real server."""

import asyncio
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facade.registry import Provider, open_registry
from tests.registry.listening import Listening

pytestmark = pytest.mark.timeout(120)

KEY = "demo.Greeter"
ONE, TWO, THREE = (f"127.0.0.1:{port}" for port in (5001, 5002, 5003))
# Seconds after which who dies is forgotten, where a test waits for that: etcd's are whole ones.
SESSION = 1


def greeter(address, **facts):
    return Provider(address, KEY, started=1_700_000_000.0, **facts)


@pytest.fixture(params=["zookeeper", "etcd"])
def kind(request):
    return request.param


@pytest.fixture
def server(kind, request):
    """The server of this kind, running."""
    return request.getfixturevalue(kind)


@pytest.fixture
def url(kind, server):
    return f"{kind}://{server.address}?session=30"  # that of a busy machine must not end


@pytest.fixture
def brief(kind, server):
    """The same with short sessions: those of a busy machine may end, and come back."""
    return f"{kind}://{server.address}?session={SESSION}"


@pytest.fixture
async def open_at():
    """Call it with a target: the registry, closed with the test."""
    opened = []

    def open_it(url):
        opened.append(open_registry(url, application="test"))
        return opened[-1]

    yield open_it
    for registry in opened:
        await registry.close()


@pytest.fixture
def announce():
    """Call it with a target and an address: a process that announces it."""
    processes = []

    def start(url, address):
        program = Path(__file__).parent / "announcer.py"
        process = subprocess.Popen(
            [sys.executable, str(program), url, address], stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "there\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_come_and_go(patient, url, open_at):
    """A subscriber is told of who comes and who leaves, with all that was published."""
    provider = Provider(
        ONE, KEY, "north", "1.0.0",
        weight=50, warmup=30.0, started=1_700_000_000.5, application="shop", timeout=2.0,
        timeouts={"hello": 0.5}, methods=("hello", "bye"), parameters={"dubbo.tag": "gray"},
    )  # fmt: skip
    providing, asking = open_at(url), open_at(url)
    told = Listening()
    await asking.subscribe("north/demo.Greeter:1.0.0", told)
    assert told.lists == [[]]
    await providing.register(provider)
    await told.until(ONE)
    assert told.last == (provider,)
    await providing.register(greeter(TWO))  # of no group: others ask for it
    await providing.unregister(provider)
    await told.until()
    assert told.lists == [[], [ONE], []]


async def test_first_list_comes_with_the_subscription(patient, url, open_at):
    """Who subscribes later has the list when that returns."""
    await open_at(url).register(greeter(ONE))
    told = Listening()
    subscription = await open_at(url).subscribe(KEY, told)
    assert (told.lists, subscription.answered) == ([[ONE]], True)


async def test_everything(patient, url, open_at):
    """ "*" tells the providers of all services, also of one that comes later."""
    providing = open_at(url)
    await providing.register(greeter(ONE))
    told = Listening()
    await open_at(url).subscribe("*", told)
    assert told.lists[-1] == [ONE]
    await providing.register(Provider(TWO, "demo.Other", "north", "2.0.0"))
    await told.until(ONE, TWO)


async def test_close_takes_back(url, open_at):
    """A registry that is closed leaves nothing behind: its providers are gone at once."""
    providing = open_registry(url)
    await providing.register(greeter(ONE))
    await providing.register(greeter(TWO))
    told = Listening()
    await open_at(url).subscribe(KEY, told)
    await told.until(ONE, TWO)
    await providing.close()
    await told.until()


async def test_closed_subscription_hears_nothing(patient, url, open_at):
    """After close() nothing is told, and the last list stays."""
    providing, asking = open_at(url), open_at(url)
    told, other = Listening(), Listening()
    subscription = await asking.subscribe(KEY, told)
    await asking.subscribe(KEY, other)
    await subscription.close()
    await providing.register(greeter(ONE))
    await other.until(ONE)
    assert (told.lists, subscription.providers) == ([[]], ())


async def test_dead_provider_is_forgotten(url, brief, open_at, announce):
    """A process that is killed goes from the list with its session."""
    told = Listening()
    await open_at(url).subscribe(KEY, told)
    process = announce(brief, ONE)
    await told.until(ONE)
    process.kill()
    await told.until()


async def test_expired_session_is_registered_again(url, brief, open_at, announce):
    """A process that slept longer than its session is forgotten, and comes back by itself."""
    told = Listening()
    await open_at(url).subscribe(KEY, told)
    process = announce(brief, ONE)
    await told.until(ONE)
    process.send_signal(signal.SIGSTOP)
    await told.until()
    process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    await told.until(ONE)
    print(f"registered again after {time.monotonic() - began:.2f} s")


async def test_registry_down_keeps_the_list(brief, server, open_at, caplog):
    """While the server is away nothing is told. What comes meanwhile is told afterwards, and
    the whole is logged a few times, not for each attempt."""
    caplog.set_level(logging.INFO, "facade.registry")
    providing, asking = open_at(brief), open_at(brief)
    told = Listening()
    await asking.subscribe(KEY, told, timeout=60)
    await providing.register(greeter(ONE))
    await told.until(ONE)
    server.kill()
    lists = list(told.lists)
    later = asyncio.create_task(providing.register(greeter(TWO)))
    await asyncio.sleep(3 * SESSION)
    assert told.lists == lists
    server.start()
    await later
    await told.until(ONE, TWO)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(caplog.records) < 20, [record.getMessage() for record in caplog.records]


async def test_registry_restarts(brief, server, open_at):
    """After a restart of the server, providers and subscribers find each other again."""
    providing, asking = open_at(brief), open_at(brief)
    told = Listening()
    await asking.subscribe(KEY, told)
    await providing.register(greeter(ONE))
    await told.until(ONE)
    server.kill()
    server.start()
    await providing.register(greeter(TWO))
    await told.until(ONE, TWO)


async def test_registry_down_at_the_start(brief, server, open_at):
    """Without a server register() and subscribe() return all the same. Once it is there, all
    that was asked for is done."""
    server.kill()
    providing, asking = open_at(brief), open_at(brief)
    told = Listening()
    subscription = await asking.subscribe(KEY, told, timeout=0.1)
    assert (told.lists, subscription.answered) == ([], False)
    await providing.register(greeter(ONE))
    server.start()
    await told.until(ONE)


async def test_frozen_server(brief, server, open_at):
    """A server that hangs holds nobody up for long, and all is as it was when it goes on."""
    providing, asking = open_at(brief), open_at(brief)
    told = Listening()
    await asking.subscribe(KEY, told)
    await providing.register(greeter(ONE))
    await told.until(ONE)
    server.freeze()
    await providing.register(greeter(TWO))
    server.thaw()
    await told.holds(lambda: told.lists[-1] == [ONE, TWO])


async def test_close_without_a_server(url, server):
    """A registry closes although its server is gone."""
    registry = open_registry(url)
    await registry.subscribe(KEY, Listening())
    await registry.register(greeter(ONE))
    server.kill()
    await registry.close()


async def test_cache_stands_in(patient, url, server, open_at, tmp_path):
    """With ``cache`` a subscriber has the last list although no server is there."""
    cached = f"{url}&cache={tmp_path / 'providers.cache'}"
    await open_at(url).register(greeter(ONE, weight=7))
    first = open_registry(cached)
    await first.subscribe(KEY, Listening())
    await first.close()
    server.kill()
    told = Listening()
    subscription = await open_at(cached).subscribe(KEY, told, timeout=0.1)
    assert (told.lists, subscription.answered) == ([[ONE]], False)
    assert told.last[0].weight == 7


async def test_next_server_is_asked(kind, server, open_at):
    """Of several servers of one registry the first that answers is used."""
    from tests.ports import free_port

    url = f"{kind}://127.0.0.1:{free_port()},{server.address}"
    told = Listening()
    await open_at(url).subscribe(KEY, told, timeout=60)
    assert told.lists == [[]]
    await open_at(url).register(greeter(ONE))
    await told.until(ONE)


async def test_roots_are_apart(url, open_at):
    """Two roots on one server know nothing of each other."""
    one, two = Listening(), Listening()
    await open_at(f"{url}&root=one").subscribe(KEY, one)
    await open_at(f"{url}&root=two").subscribe(KEY, two)
    await open_at(f"{url}&root=one").register(greeter(ONE))
    await open_at(f"{url}&root=two").register(greeter(TWO))
    await one.until(ONE)
    await two.until(TWO)


async def test_side_by_side(zookeeper, etcd, open_at):
    """One process announces itself at two registries, and each tells its own subscribers."""
    urls = [f"{k}://{s.address}" for k, s in (("zookeeper", zookeeper), ("etcd", etcd))]
    heard = []
    for url in urls:
        heard.append(Listening())
        await open_at(url).subscribe(KEY, heard[-1])
    registries = [open_at(url) for url in urls]
    await asyncio.gather(*(registry.register(greeter(ONE)) for registry in registries))
    for told in heard:
        await told.until(ONE)
    await registries[0].close()
    await heard[0].until()
    assert heard[1].lists[-1] == [ONE]


async def test_folder_is_watched_after_many_changes(url, open_at):
    """Changes that come quickly, one upon the other, end in the list of the last one."""
    providing, told = open_at(url), Listening()
    await open_at(url).subscribe(KEY, told)
    providers = [greeter(f"127.0.0.1:{6000 + n}") for n in range(50)]
    await asyncio.gather(*(providing.register(p) for p in providers))
    await asyncio.gather(*(providing.unregister(p) for p in providers[1:]))
    await told.until(providers[0].address)
