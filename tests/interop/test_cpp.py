"""C++, by grpc++: its consumer and our provider."""

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "interop" / "cpp"

WALK = """\
by position: Hello Ann
by name: 5
with a default: 3
attachments: north there, python back
error of the method: ValueError no such shop
no such method: status 12, not started
timeout: status 4
expired at the provider: true
described: add(a: int, b: int) -> int
at once: 20
exchange: Hello Ann; Hello Bob; Hello Cid;
"""


@pytest.fixture(scope="module")
def consumer(tool, missing):
    """The program. It is built where it is out of date."""
    for name in ("c++", "protoc", "grpc_cpp_plugin"):
        tool(name)
    if subprocess.run([tool("pkg-config"), "--exists", "grpc++"], check=False).returncode:
        missing("libgrpc++-dev")
    for step in (["-S", ".", "-B", "build"], ["--build", "build"]):
        done = subprocess.run(
            [tool("cmake"), *step], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return FOLDER / "build" / "consumer"


@pytest.mark.timeout(300)  # the compiler may have to share the machine
def test_consumer_walks(consumer, provider, report):
    """By position, by name, attachments, errors, timeouts, Describe, many at once, Exchange."""
    done = subprocess.run(
        [consumer, provider], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == (WALK, "", 0)
    version = subprocess.check_output(["pkg-config", "--modversion", "grpc++"], text=True)
    report("c++", version.strip(), "calls a provider here, by Invoke and by Exchange")
