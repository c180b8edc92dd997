"""What is there for Java's Dubbo to see, and what we see of it."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from facade.registry import Provider, open_registry
from tests.ports import free_port
from tests.registry.listening import Listening

pytestmark = [
    pytest.mark.timeout(600),  # Maven may build
    pytest.mark.usefixtures("patient"),
]

ROOT = Path(__file__).resolve().parents[2]
DUBBO = ROOT / "examples/interop/dubbo"
SERVICE = "demo.PetStore"


@pytest.fixture
def nodes(zookeeper):
    """Call it with a folder: its nodes, decoded, with what ZooKeeper says of them."""
    from kazoo.client import KazooClient

    client = KazooClient(zookeeper.address)
    client.start(timeout=60)

    def look(folder):
        names = client.get_children(folder)
        return {unquote_plus(name): client.exists(f"{folder}/{name}") for name in names}

    yield look
    client.stop()
    client.close()


@pytest.fixture
def java(program):
    """Call it with a class and its arguments: it, running."""
    running = []
    java, maven = program("java"), program("mvn")
    build = [maven, "-q", "-B", "-Dstyle.color=never", "compile"]
    if subprocess.run([*build, "-o"], cwd=DUBBO, capture_output=True).returncode:
        done = subprocess.run(build, cwd=DUBBO, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    async def start(name, *arguments):
        command = [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        command += ["-cp", "target/classes:target/lib/*", name, *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=DUBBO, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()


def parameters(url):
    return dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))


async def test_layout(zookeeper, nodes):
    """Providers and consumers are ephemeral nodes in the folders of Dubbo 2.7."""
    registry = open_registry(f"zookeeper://{zookeeper.address}", application="shop")
    provider = Provider("10.0.0.1:5001", SERVICE, "north", "1.0.0", started=1_700_000_000.0)
    await registry.register(provider)
    (url,) = providers = nodes(f"/dubbo/{SERVICE}/providers")
    assert re.fullmatch(
        r"tri://10\.0\.0\.1:5001/demo\.PetStore\?deprecated=false&dubbo=2\.0\.2&dynamic=true"
        r"&facade\.exchange=true&generic=false&group=north&interface=demo\.PetStore&methods=\*"
        r"&pid=\d+&release=facade&side=provider&timestamp=1700000000000&version=1\.0\.0&warmup=0",
        url,
    )
    assert providers[url].ephemeralOwner
    told = Listening()
    subscription = await registry.subscribe(f"{SERVICE}:1.0.0", told)
    other = Provider("10.0.0.1:5002", "demo.Other")
    await registry.register(other)  # the consumer's node was put before this one
    (url,) = consumers = nodes(f"/dubbo/{SERVICE}/consumers")
    assert url.startswith(f"consumer://127.0.0.1/{SERVICE}?application=shop&category=consumers&")
    assert consumers[url].ephemeralOwner
    await subscription.close()
    assert not nodes(f"/dubbo/{SERVICE}/consumers")
    await registry.close()
    assert not nodes(f"/dubbo/{SERVICE}/providers")


async def test_we_see_a_provider_of_java(zookeeper, nodes, java):
    """A provider of Dubbo 3 is in our list, as one that speaks Triple alone. What we write
    says all that it says, but for what is its own affair."""
    url = f"zookeeper://{zookeeper.address}"
    registry = open_registry(url)
    plain, north = Listening(), Listening()
    await registry.subscribe(f"{SERVICE}:1.0.0", plain)
    await registry.subscribe(f"north/{SERVICE}:1.0.0", north)
    process = await java("demo.DubboProvider", str(free_port()), url)
    for told in (plain, north):
        await told.holds(lambda told=told: bool(told.last))
        (found,) = told.last
        assert found.application == "dubbo-petstore"
        assert found.methods[0] == "adopt"
        assert (found.exchange, found.weight, found.warmup) == (False, 100, 600.0)
        assert abs(found.started - time.time()) < 600
    theirs = parameters(next(iter(nodes(f"/dubbo/{SERVICE}/providers"))))
    port = north.last[0].address.rpartition(":")[2]
    await registry.register(
        Provider("10.0.0.1:1", "demo.Ours", "north", "1.0.0", application="a", started=1.0)
    )
    ours = parameters(next(iter(nodes("/dubbo/demo.Ours/providers"))))
    own = {"prefer.serialization", "proxy", "revision", "service-name-mapping"}
    assert theirs.keys() - own - {"group"} <= ours.keys()
    same = ("deprecated", "dubbo", "dynamic", "generic", "side", "version")
    assert {name: theirs[name] for name in same} == {name: ours[name] for name in same}
    everything = Listening()
    await registry.subscribe("*", everything)
    assert {p.service for p in everything.last} == {SERVICE, "demo.Ours"}
    assert port in {p.address.rpartition(":")[2] for p in everything.last}
    process.terminate()
    await process.wait()
    await plain.until()
    await registry.close()


async def test_a_consumer_of_java_finds_us(zookeeper, java):
    """A consumer of Dubbo 3 that knows the registry alone calls a provider in Python."""
    provider = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.interop.dubbo.provider"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert provider.stdout is not None
    line = (await provider.stdout.readline()).decode()
    port = line.rpartition(":")[2].strip()
    url = f"zookeeper://{zookeeper.address}"
    registry = open_registry(url)
    # Dubbo takes 127.0.0.1 for "this machine", and would call its public address instead.
    await registry.register(Provider(f"[::ffff:127.0.0.1]:{port}", SERVICE, "", "1.0.0"))
    consumer = await java("demo.DubboConsumer", url)
    printed, _ = await consumer.communicate()
    assert printed.decode() == 'adopt: Rex of ""\n'
    await registry.close()
    provider.terminate()
    await provider.communicate()
