"""grpcurl without any .proto file: the provider itself says what it has."""

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


def test_list(grpcurl):
    """What is exported is there, beside what every provider serves."""
    services = grpcurl(then=("list",)).stdout.split()
    assert {"demo.Greeter", "facade.v1.Facade", "grpc.reflection.v1.ServerReflection"} <= {
        *services
    }


def test_describe(grpcurl):
    """A typed service is a gRPC service whose methods take and give any JSON."""
    told = grpcurl(then=("describe", "demo.Greeter")).stdout
    assert "rpc hello ( .google.protobuf.Value ) returns ( .google.protobuf.Value );" in told


def test_invoke(grpcurl, report):
    """Invoke needs no files either."""
    body = '{"service": "demo.Greeter", "method": "hello", "value": ["Ann"]}'
    done = grpcurl("-d", body, then=("facade.v1.Facade/Invoke",))
    assert json.loads(done.stdout) == {"value": "Hello Ann"}
    version = grpcurl("--version", then=()).stderr.split()[-1]
    report("grpcurl", version, "list, describe and Invoke by reflection")
