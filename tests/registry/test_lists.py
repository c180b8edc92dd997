"""Registries that only read: static, file and DNS."""

import asyncio
import json
import logging
import socket
import struct
import threading

import pytest

from facade.registry import Provider, open_registry, parse
from facade.registry.dns import DnsRegistry
from facade.registry.file import FileRegistry
from facade.registry.listing import read, write
from tests.registry.listening import Listening, eventually


async def test_static():
    """The list is there at once, for any service, each address once, in a fixed order."""
    registry = open_registry("static:b:2,a:1,b:2")
    told = Listening()
    subscription = await registry.subscribe("demo.Greeter", told)
    assert told.lists == [["a:1", "b:2"]]
    assert subscription.answered
    await subscription.close()
    await registry.close()


@pytest.mark.parametrize("target", ["static:a:1", "file:///nowhere.json", "dns:///a:1"])
async def test_lists_announce_nobody(target):
    """A list to read can't be registered at, and says where one can."""
    registry = open_registry(target)
    assert not registry.announces
    with pytest.raises(ValueError, match="announce providers at zookeeper://"):
        await registry.register(Provider("a:1", "demo.Greeter"))
    await registry.unregister(Provider("a:1", "demo.Greeter"))


# Files


def put(path, text):
    """Replace the file, as one should."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
async def listed(tmp_path):
    """A file, and who hears of it."""
    path = tmp_path / "providers.json"
    put(path, '["a:1"]')
    registry = open_registry(f"file://{path}?interval=0.01")
    told = Listening()
    await registry.subscribe("demo.Greeter", told)
    yield path, told
    await registry.close()


async def test_file_is_watched(listed):
    """A file that is replaced is read again; that of the same content tells nothing."""
    path, told = listed
    assert told.lists == [["a:1"]]
    put(path, '["a:1"]')
    put(path, '{"providers": [{"address": "b:2", "weight": 5}, "a:1"]}')
    await told.until("a:1", "b:2")
    assert told.lists == [["a:1"], ["a:1", "b:2"]]
    assert told.last[1].weight == 5
    put(path, "[]")
    await told.until()


async def test_broken_file_keeps_the_list(listed, caplog):
    """A file that is broken, or gone, is logged once; the last list holds until it is good."""
    path, told = listed
    caplog.set_level(logging.INFO)
    put(path, "[")
    await eventually(lambda: "the last list holds" in caplog.text)
    path.unlink()
    await asyncio.sleep(0.1)
    put(path, '["c:3"]')
    await told.until("c:3")
    assert told.lists == [["a:1"], ["c:3"]]
    messages = [record.getMessage() for record in caplog.records if "registry" in record.name]
    assert len(messages) == 2
    assert "the last list holds" in messages[0]
    assert "can be read again" in messages[1]


async def test_file_that_is_not_there_yet(tmp_path):
    """A subscriber does not wait for ever, and hears of it once it is there."""
    path = tmp_path / "providers.toml"
    registry = open_registry(f"file://{path}?interval=0.01")
    told = Listening()
    subscription = await registry.subscribe("demo.A:1", told, timeout=0.05)
    assert (told.lists, subscription.answered) == ([], False)
    put(
        path,
        '[[providers]]\naddress = "a:1"\nservice = "demo.A"\nversion = "1"\n'
        '[[providers]]\naddress = "b:1"\nservice = "demo.B"\n',
    )
    await told.until("a:1")
    await registry.close()


async def test_file_that_nobody_waited_for(tmp_path, monkeypatch):
    """Read in vain, as its subscriber had left, it is read again: it holds what it held."""
    path = tmp_path / "providers.json"
    put(path, '["a:1"]')
    at_it, go_on, done = threading.Event(), threading.Event(), threading.Event()
    reading = FileRegistry._read_new

    def read_slowly(self):
        at_it.set()
        assert go_on.wait(20)
        try:
            return reading(self)
        finally:
            done.set()

    monkeypatch.setattr(FileRegistry, "_read_new", read_slowly)
    registry = open_registry(f"file://{path}?interval=0.01")
    left = await registry.subscribe("demo.A", Listening(), timeout=0.0)
    await asyncio.to_thread(at_it.wait, 20)
    await left.close()
    go_on.set()
    await asyncio.to_thread(done.wait, 20)
    told = Listening()
    await registry.subscribe("demo.A", told)
    assert told.lists == [["a:1"]]
    await registry.close()


async def test_subscriber_who_does_not_wait(tmp_path):
    """Who was cancelled before there was a list has no subscription, and hears nothing."""
    path = tmp_path / "providers.json"
    registry = open_registry(f"file://{path}?interval=0.01")
    told, other = Listening(), Listening()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await registry.subscribe("demo.A", told)
    put(path, '["a:1"]')
    await registry.subscribe("demo.A", other)
    assert other.lists == [["a:1"]]
    assert told.lists == []
    await registry.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "p.json: Expecting"),
        ("3", "p.json holds no list of providers"),
        ("{}", "p.json holds no list of providers"),
        ('{"provider": []}', "'provider' is unknown"),
        ("[3]", "provider 1 is an address, or an object"),
        ('["a:1", "b"]', "provider 2: 'b' is not host:port"),
        ('[{"adress": "a:1"}]', "'adress': did you mean 'address'"),
        ('[{"weight": 1}]', "missing required field `address`"),
        ('[{"address": "a:1", "weight": "1"}]', "Expected `int`, got `str`"),
        ('[{"address": "a:1", "started": NaN}]', "provider 1: started of a:1 is no number"),
        pytest.param("[" * 100_000, "p.json: maximum recursion depth", id="deep"),
    ],
)
def test_mistakes_in_a_file(text, said):
    """What is wrong is said with its place."""
    with pytest.raises(ValueError, match=said):
        read(text, "p.json")


def test_file_round_trip():
    """What is written is read as it was, and says no more than it must."""
    full = Provider(
        "a:1", "demo.A", "g", "1", 5, 1.0, 2.0, "shop", 3.0, {"m": 1.0}, ("m",), False, {"x": "y"}
    )
    assert read(write([full, Provider("b:2")]), "x.json") == [full, Provider("b:2")]
    assert json.loads(write([Provider("b:2")])) == {"providers": [{"address": "b:2"}]}


# DNS


class Name:
    """A name whose addresses a test changes. ``asked`` counts."""

    def __init__(self, *addresses):
        self.addresses = addresses
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        if not self.addresses:
            raise socket.gaierror("no such name")
        return [Provider(address) for address in self.addresses]


@pytest.fixture
async def dns():
    """Call it with a resolver: a registry of it."""
    opened = []

    def open_it(resolve, interval=0.02):
        target = parse(f"dns:///demo:1?interval={interval}")
        opened.append(DnsRegistry(target, resolve))
        return opened[-1]

    yield open_it
    for registry in opened:
        await registry.close()


async def test_names_are_resolved_again(dns):
    """Addresses that come and go are told; a name that fails keeps them."""
    name, told = Name("a:1"), Listening()
    await dns(name).subscribe("demo.Greeter", told)
    name.addresses = ("a:1", "b:1")
    await told.until("a:1", "b:1")
    name.addresses = ()
    asked = name.asked
    await eventually(lambda: name.asked >= asked + 3)
    name.addresses = ("b:1",)
    await told.until("b:1")
    assert told.lists == [["a:1"], ["a:1", "b:1"], ["b:1"]]


async def test_refresh_asks_at_once(dns):
    """Who sees a provider fail need not wait for the interval; many such ask once a second."""
    name, told = Name("a:1"), Listening()
    registry = dns(name, interval=1000)
    subscription = await registry.subscribe("demo.Greeter", told)
    name.addresses = ("b:1",)
    for _ in range(100):
        subscription.refresh()
    await told.until("b:1")
    assert name.asked == 2


async def test_subscribers_share_a_name(dns):
    """The name is resolved for all of them together, and no more when the last has left."""
    name = Name("a:1")
    registry = dns(name, interval=1000)
    told = [Listening(), Listening()]
    subscriptions = [await registry.subscribe("demo.A", t) for t in told]
    assert ([t.lists for t in told], name.asked) == ([[["a:1"]], [["a:1"]]], 1)
    for subscription in subscriptions:
        await subscription.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "facade-registry-poll"]


async def test_system_resolver():
    """The system's resolver gives all addresses, IPv6 in brackets."""
    told = Listening()
    registry = open_registry("dns:///127.0.0.1:50051")
    await registry.subscribe("demo.Greeter", told)
    assert told.lists == [["127.0.0.1:50051"]]
    await registry.close()
    registry = open_registry("dns:///[::1]:50051")
    await registry.subscribe("demo.Greeter", told)
    assert told.lists[-1] == ["[::1]:50051"]
    await registry.close()


class NameServer(asyncio.DatagramProtocol):
    """Answers questions over UDP from a table: by type, the data of its records."""

    def __init__(self, table):
        self.table = table

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, sender):
        end = data.index(b"\0", 12) + 5  # of the question
        (kind,) = struct.unpack("!H", data[end - 4 : end - 2])
        records = self.table.get(kind, [])
        head = data[:2] + struct.pack("!HHHHH", 0x8580, 1, len(records), 0, 0)
        rest = (b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 5, len(r)) + r for r in records)
        self.transport.sendto(head + data[12:end] + b"".join(rest), sender)


@pytest.fixture
async def name_server():
    """Call it with a table: the port of its server."""
    transports = []

    async def start(table):
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            lambda: NameServer(table), local_addr=("127.0.0.1", 0)
        )
        transports.append(transport)
        return server.port

    yield start
    for transport in transports:
        transport.close()


A, AAAA, SRV = 1, 28, 33


def srv(priority, weight, port, name):
    parts = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHH", priority, weight, port) + parts + b"\0"


async def test_name_server_is_asked(name_server):
    """A and AAAA of the name server that the target names."""
    v6 = socket.inet_pton(socket.AF_INET6, "fd00::1")
    port = await name_server({A: [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])], AAAA: [v6]})
    registry = open_registry(f"dns://127.0.0.1:{port}/demo.example:50051")
    told = Listening()
    await registry.subscribe("demo.Greeter", told)
    assert told.lists == [["10.0.0.1:50051", "10.0.0.2:50051", "[fd00::1]:50051"]]
    await registry.close()


async def test_srv(name_server):
    """Ports and weights are those of the records, of the first priority alone."""
    records = [srv(1, 30, 50051, "a.demo"), srv(1, 0, 50052, "b.demo"), srv(2, 1, 1, "spare.demo")]
    port = await name_server({SRV: records})
    registry = open_registry(f"dns+srv://127.0.0.1:{port}/_grpc._tcp.demo")
    told = Listening()
    await registry.subscribe("demo.Greeter", told)
    assert [(p.address, p.weight) for p in told.last] == [("a.demo:50051", 30), ("b.demo:50052", 1)]
    await registry.close()


async def test_name_without_records(name_server, caplog):
    """A name that leads nowhere is no empty list: nothing is told, and the log says why."""
    port = await name_server({})
    registry = open_registry(f"dns+srv://127.0.0.1:{port}/_grpc._tcp.demo")
    told = Listening()
    await registry.subscribe("demo.Greeter", told, timeout=0.1)
    await eventually(lambda: "the name leads to no address" in caplog.text)
    assert told.lists == []
    await registry.close()
