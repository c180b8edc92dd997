"""``facade stubs``."""

import subprocess
import sys
from pathlib import Path

import pytest

import facade
from facade.cli import described
from facade.cli.typetext import class_name, known_type
from facade.exchange.description import (
    MethodDescription,
    ParameterDescription,
    ServiceDescription,
)

ROOT = Path(facade.__file__).resolve().parent.parent

PROTO = """
syntax = "proto3";
package demo;
import "google/protobuf/empty.proto";
// Greets people.
//
// Nobody needs to know this.
service Greeter {
  // Says "hello".
  rpc SayHello(Hello) returns (Hello.Reply);
  rpc Down(Hello) returns (stream Hello.Reply);
  rpc Up(stream Hello) returns (google.protobuf.Empty);
  rpc Both(stream Hello) returns (stream Hello);
}
service Silent {}
message Hello { string name = 1; message Reply { string text = 1; } }
"""


def executed(text: str) -> dict[str, object]:
    """What the module has, once it runs."""
    names: dict[str, object] = {"__name__": "made"}
    exec(compile(text, "made.py", "exec"), names)
    return names


def test_stubs_keep_no_password(run, provider):
    """The file is for all to read: where its services are, it says without the password."""
    made = run("stubs", f"static://ann:s3cret@{provider.address}", "demo.Greeter").out
    assert "static://ann:***@" in made
    assert "s3cret" not in made


def test_stubs_of_a_provider(run, provider, tmp_path):
    """An interface to refer to: the calls that it makes are those that the provider takes."""
    made = run("stubs", provider.address, "demo.Greeter", "--sync").out
    greeter = executed(made)["Greeter"]
    with facade.Client(provider.address, timeout=20) as client:
        remote = client.refer(greeter)
        assert remote.hello("Ann") == "hello Ann"
        assert remote.hello("Ann", loud=True) == "HELLO Ann"
        assert remote.twice(b"a") == b"aa"
        assert remote.buy({"item": "tea"}) == [{"item": "tea", "count": 1}] * 2
    assert "    # order: Order\n    # returns: list[Order]\n" in made
    assert "    @facade.method(timeout=30.0, idempotent=True)\n" in made
    assert "    @facade.method(oneway=True)\n" in made


def test_stubs_pass_a_type_checker(run, provider, tmp_path):
    """As they are written, in the strict mode."""
    file = tmp_path / "made.py"
    assert run("stubs", provider.address, "-o", str(file)).out == ""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", file]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_stubs_of_a_proto(run, tmp_path):
    """Its messages, in the modules that protoc makes; streams both ways."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "greet.proto").write_text(PROTO)
    made = run("stubs", str(tmp_path / "demo" / "greet.proto"), "-I", str(tmp_path)).out
    assert made.splitlines()[2:] == [
        "",
        "from collections.abc import AsyncIterator",
        "",
        "import facade",
        "from demo import greet_pb2",
        "from google.protobuf import empty_pb2",
        "",
        "",
        "@facade.service('demo.Greeter')",
        "class Greeter:",
        '    """Greets people."""',
        "",
        "    async def SayHello(self, request: greet_pb2.Hello) -> greet_pb2.Hello.Reply:",
        '        """Says \'hello\'."""',
        "        ...",
        "",
        "    async def Down(self, request: greet_pb2.Hello)"
        " -> AsyncIterator[greet_pb2.Hello.Reply]: ...",
        "",
        "    async def Up(self, requests: AsyncIterator[greet_pb2.Hello]) -> empty_pb2.Empty: ...",
        "",
        "    async def Both(self, requests: AsyncIterator[greet_pb2.Hello])"
        " -> AsyncIterator[greet_pb2.Hello]: ...",
        "",
        "",
        "@facade.service('demo.Silent')",
        "class Silent:",
        "    pass",
    ]


def test_stubs_of_our_own_proto(run):
    """One that imports others."""
    made = run("stubs", str(ROOT / "protos/facade/v1/exchange.proto"), "-I", str(ROOT / "protos"))
    assert "class Facade:" in made.out
    assert {"Facade"} <= executed(made.out).keys()


def test_proto_with_a_mistake(run, tmp_path):
    """protoc's own words."""
    (tmp_path / "a.proto").write_text('syntax = "proto3"; message A { B b = 1; }')
    assert '"B" is not defined' in run("stubs", str(tmp_path / "a.proto"), code=1).err


def test_proto_without_services(run, tmp_path):
    """There is nothing to write."""
    (tmp_path / "a.proto").write_text('syntax = "proto3"; message A {}')
    assert "no services" in run("stubs", str(tmp_path / "a.proto"), code=1).err


def test_proto_without_the_extra(run, tmp_path, monkeypatch):
    """The error names what to install."""
    (tmp_path / "a.proto").write_text('syntax = "proto3";')
    monkeypatch.setitem(sys.modules, "grpc_tools", None)
    done = run("stubs", str(tmp_path / "a.proto"), code=1)
    assert "facade-rpc[stubs]" in done.err


def test_proto_that_is_not_there(run):
    """Wrong usage."""
    assert "no file" in run("stubs", "no.proto", code=2).err


def test_stubs_unreachable(run, nowhere):
    """As with a call."""
    run("stubs", nowhere, code=69)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("int", "int"),
        ("None", "None"),
        ("dict[str, list[int | None]]", "dict[str, list[int | None]]"),
        ("tuple[int, ...]", "tuple[int, ...]"),
        ("Callable[[int], None]", "Callable[[int], None]"),
        ("Literal['a', 1]", "Literal['a', 1]"),
        ("AsyncIterator[datetime]", "AsyncIterator[datetime]"),
        ("UUID", "UUID"),
        ("Order", None),
        ("list[Order]", None),
        ("__import__('os')", None),
        ("int[print()]", None),
        ("Literal[print()]", None),
        ("(lambda: 1)", None),
        ("int\nimport os", None),
        ("", None),
        ("int + str", None),
        ("os.system", None),
        ("[" * 500, None),
        ("\0", None),
    ],
)
def test_types_that_are_taken_over(text, wanted):
    """What Python itself brings; nothing that could do anything."""
    assert known_type(text, {}) == wanted


def test_malicious_provider():
    """Names and texts of a peer become no code: they are quoted, or passed over."""
    evil = '"""\nimport os\n"""\\'
    method = MethodDescription(
        "fine", (ParameterDescription("a", evil, optional=True),), returns=evil, summary=evil
    )
    methods = {
        "fine": method,
        "class": MethodDescription("class", summary=evil),
        evil: MethodDescription(evil),
        "bad": MethodDescription("bad", (ParameterDescription("a=print()"),)),
    }
    service = ServiceDescription(f"demo.{evil}", methods, evil, evil, evil)
    made = described.write([service, service], evil)
    names = executed(made)
    assert "os" not in names
    interfaces = [n for n in names.values() if hasattr(n, "__facade_service__")]
    assert len(interfaces) == 2
    for interface in interfaces:
        assert interface.__facade_service__.name == f"demo.{evil}"
        assert [n for n in vars(interface) if n[0] != "_"] == ["fine"]


def test_names_of_classes():
    """The last part of the service's name; what is taken or no name gets more."""
    assert class_name("demo.Greeter", set()) == "Greeter"
    assert class_name("demo.Greeter", {"Greeter"}) == "DemoGreeter"
    assert class_name("demo.Greeter", {"Greeter", "DemoGreeter"}) == "Greeter2"
    assert class_name("a.int", set()) == "Int"
    assert class_name("a.1-2", set()) == "A12"
    assert class_name("", set()) == "Service2"
