"""grpcurl by reflection, and grpc-health-probe: they need nothing but the address."""

import subprocess

import pytest


@pytest.fixture
def run(tool):
    """Call it with a program and its arguments: what came of it."""

    def started(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [tool(name), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return started


def test_reflection(run, provider, report):
    """It lists and describes what there is, and calls without any .proto file."""
    services = run("grpcurl", "-plaintext", provider, "list").stdout.split()
    assert {"demo.Greeter", "facade.v1.Facade", "grpc.health.v1.Health"} <= set(services)
    for service in services:
        done = run("grpcurl", "-plaintext", provider, "describe", service)
        assert f"{service} is a service" in done.stdout, done.stderr
    body = '{"service": "demo.Greeter", "method": "hello", "value": ["Ann"]}'
    done = run("grpcurl", "-plaintext", "-d", body, provider, "facade.v1.Facade/Invoke")
    assert "Hello Ann" in done.stdout, done.stderr
    version = run("grpcurl", "--version").stderr.split()[-1]
    report("grpcurl", version, "list, describe and call by reflection")


def test_health(run, provider, report):
    """It tells by its exit code whether the server, or a service, serves."""
    probe = ("grpc-health-probe", "-connect-timeout", "40s", "-rpc-timeout", "40s")
    for more in ((), ("-service", "demo.Greeter")):
        done = run(*probe, "-addr", provider, *more)
        assert (done.returncode, done.stderr.strip()) == (0, "status: SERVING")
    done = run(*probe, "-addr", provider, "-service", "demo.Nobody")
    assert done.returncode != 0
    assert "NotFound" in done.stderr
    version = run("grpc-health-probe", "--version").stdout.split(";")[0].strip()
    report("grpc-health-probe", version, "asks for the server, and for a service")
