"""C++, by grpc++: its consumer and our provider."""

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "interop" / "cpp"
PAGE = FOLDER.parents[2] / "docs" / "interop" / "cpp.md"

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
def build(tool, missing):
    """The folder of the programs. What is out of date is built."""
    for name in ("c++", "protoc", "grpc_cpp_plugin"):
        tool(name)
    if subprocess.run([tool("pkg-config"), "--exists", "grpc++"], check=False).returncode:
        missing("libgrpc++-dev")
    for step in (["-S", ".", "-B", "build"], ["--build", "build"]):
        done = subprocess.run(
            [tool("cmake"), *step], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return FOLDER / "build"


# The compiler takes minutes where it has to share the machine.
@pytest.mark.timeout(600)
def test_page_has_a_whole_program(build, provider):
    """What the page says to paste is the example hello.cpp, and that works."""
    assert f"```cpp\n{(FOLDER / 'hello.cpp').read_text()}```" in PAGE.read_text()
    command = [build / "hello", provider]
    assert subprocess.check_output(command, text=True, timeout=200) == "Hello Ann\n"


@pytest.mark.timeout(600)
def test_consumer_walks(build, provider, report):
    """By position, by name, attachments, errors, timeouts, Describe, many at once, Exchange."""
    done = subprocess.run(
        [build / "consumer", provider], capture_output=True, text=True, timeout=200, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == (WALK, "", 0)
    version = subprocess.check_output(["pkg-config", "--modversion", "grpc++"], text=True)
    report("c++", version.strip(), "calls a provider here, by Invoke and by Exchange")
