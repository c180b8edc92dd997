"""grpcurl, with the .proto files at hand: it lists, describes and calls."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROTOS = ("-import-path", str(ROOT / "protos"), "-proto", "facade/v1/exchange.proto")


@pytest.fixture
def grpcurl(tool):
    """Call it with arguments: what it printed, and its exit code."""
    program = tool("grpcurl")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return run


@pytest.fixture
def call(grpcurl, provider):
    """Call it with the fields of an Invocation: the fields of the Result."""

    def invoke(**invocation) -> dict:
        body = json.dumps({"service": "demo.Greeter", **invocation})
        method = "facade.v1.Facade/Invoke"
        done = grpcurl("-plaintext", *PROTOS, "-d", body, provider, method)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return invoke


def test_list(grpcurl):
    """The .proto files are complete: all that they import is there."""
    done = grpcurl(*PROTOS, "list", "facade.v1.Facade")
    methods = ["Describe", "Exchange", "Invoke"]
    assert done.stdout.split() == [f"facade.v1.Facade.{name}" for name in methods]


def test_describe(grpcurl):
    """What a method is for can be read there."""
    done = grpcurl(*PROTOS, "describe", "facade.v1.Facade.Invoke")
    assert "rpc Invoke ( .facade.v1.Invocation ) returns ( .facade.v1.Result );" in done.stdout
    assert "// One call." in done.stdout


def test_invoke(call, grpcurl, report):
    """Arguments in JSON: a list is positional, an object is by name."""
    assert call(method="hello", value=["Ann"]) == {"value": "Hello Ann"}
    assert call(method="add", value={"b": 3, "a": 2}) == {"value": 5}
    assert call(method="add", value=[2]) == {"value": 3}
    version = grpcurl("--version").stderr.split()[-1]
    report("grpcurl", version, "list, describe and calls with the .proto files")


def test_attachments(call):
    """They go there and come back beside the value."""
    answer = call(method="baggage", attachments={"shop": "north"})
    assert answer["value"]["shop"] == "north"
    assert answer["attachments"]["seen-by"] == "python"


def test_error_of_the_method(call):
    """An exception of the method is a Result, with what can be told about it."""
    error = call(method="fail", value=["sold out"])["error"]
    assert error["code"] == "CODE_BIZ"
    assert (error["type"], error["message"], error["raised"]) == ("ValueError", "sold out", True)


def test_mistakes(call):
    """Who mistypes is told what there is, and that nothing ran."""
    error = call(method="helo", value=["Ann"])["error"]
    assert "did you mean 'hello'?" in error["message"]
    assert error["execution"] == "EXECUTION_NOT_STARTED"
    error = call(method="add", value={"a": "two"})["error"]
    assert error["status"] == 3  # INVALID_ARGUMENT
    assert "a" in error["message"]


def test_time_left(call):
    """A call that takes longer than it may is answered without a value."""
    assert call(method="sleep", value=[1.5], time_left_us=1_000_000) == {"expired": True}


def test_deadline(grpcurl, provider):
    """gRPC's own deadline holds too. It counts from before the connection."""
    body = '{"service": "demo.Greeter", "method": "sleep", "value": [9]}'
    method = "facade.v1.Facade/Invoke"
    done = grpcurl("-plaintext", "-max-time", "3", *PROTOS, "-d", body, provider, method)
    assert "DeadlineExceeded" in done.stderr


def test_describe_of_the_provider(grpcurl, provider):
    """Describe tells what can be called."""
    body = '{"service": "demo.Greeter"}'
    done = grpcurl("-plaintext", *PROTOS, "-d", body, provider, "facade.v1.Facade/Describe")
    (service,) = json.loads(done.stdout)["services"]
    methods = {method["name"]: method for method in service["methods"]}
    assert methods["add"]["parameters"] == [
        {"name": "a", "type": "int"},
        {"name": "b", "type": "int", "optional": True},
    ]
