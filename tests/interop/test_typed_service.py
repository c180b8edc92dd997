"""grpcurl on a typed service: its methods are gRPC's methods."""

import json
import subprocess

import pytest


@pytest.fixture
def grpcurl(tool, provider):
    """Call it with what stands before the address, and what after it: what it printed."""
    program = tool("grpcurl")

    def run(*before: str, then: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        command = [program, "-plaintext", *before, provider, *then]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return run


@pytest.fixture
def call(grpcurl):
    """Call it with a method of demo.Greeter and its arguments: the value."""

    def invoke(method: str, arguments: object, *options: str) -> object:
        body = json.dumps(arguments)
        done = grpcurl(*options, "-d", body, then=(f"demo.Greeter/{method}",))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return invoke


def test_typed_service(call, grpcurl, report):
    """An object is by name, a list by position."""
    assert call("hello", {"name": "Ann"}) == "Hello Ann"
    assert call("add", [2, 3]) == 5
    assert call("add", {"a": 2}) == 3
    version = grpcurl("--version", then=()).stderr.split()[-1]
    report("grpcurl", version, "calls of a typed service, as gRPC methods")


def test_metadata(call):
    """They are attachments."""
    assert call("baggage", [], "-H", "shop: north")["shop"] == "north"


def test_error_of_a_typed_service(grpcurl):
    """It is a status, with its message."""
    done = grpcurl("-d", '["sold out"]', then=("demo.Greeter/fail",))
    assert "sold out" in done.stderr
    assert done.returncode != 0
