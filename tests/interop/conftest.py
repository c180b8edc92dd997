"""What the tests with foreign tools share: a provider, the tools, and a line for each of them.

``make interop`` runs them. A tool that is missing is skipped by name, or is a failure where
FACADE_REQUIRE_TOOLS is set.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Where .ci/interop-tools puts what it builds.
TOOLS = ROOT / ".tools" / "bin"
EXAMPLES = ROOT / "examples" / "interop"

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[LINES] = []


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.interop)


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)


@pytest.fixture
def report(request):
    """Call it with name, version and what was done, once that has worked: it is a line of
    the summary."""

    def add(name: str, version: str, did: str) -> None:
        request.config.stash[LINES].append(f"{name:<18} {version:<14} {did}: ok")

    return add


@pytest.fixture(scope="session")
def missing():
    """Call it with what is not there: skips, or fails where all tools are required."""

    def give_up(what: str) -> None:
        if os.environ.get("FACADE_REQUIRE_TOOLS"):
            pytest.fail(f"{what} is missing, and FACADE_REQUIRE_TOOLS is set")
        pytest.skip(f"{what} is missing: .ci/interop-tools installs it")

    return give_up


@pytest.fixture(scope="session")
def tool(missing):
    """Call it with the name of a program: its path."""

    def find(name: str) -> str:
        found = shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
        if found is None:
            missing(name)
        assert found is not None
        return found

    return find


class JavaProject:
    """A folder with a pom.xml, built."""

    def __init__(self, folder: Path, java: str, maven: str) -> None:
        self.folder = folder
        classes = f"{folder / 'target/classes'}{os.pathsep}{folder / 'target/lib'}/*"
        # Small and soon there: none of its programs lives for long.
        self._java = [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        self._java += ["-cp", classes]
        build = [maven, "-q", "-B", "-Dstyle.color=never", "compile"]
        # Without the network where all that it takes is there.
        if self._run([*build, "-o"]).returncode:
            done = self._run(build)
            assert done.returncode == 0, done.stdout + done.stderr

    def _run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def command(self, program: str, *arguments: str) -> list[str]:
        """Runs the class ``program``."""
        return [*self._java, program, *arguments]

    def run(self, program: str, *arguments: str) -> str:
        """What the class ``program`` prints."""
        done = self._run(self.command(program, *arguments))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def version(self, library: str) -> str:
        """What the pom.xml states as ``<library.version>``."""
        found = re.search(f"<{library}.version>(.*?)</", (self.folder / "pom.xml").read_text())
        assert found is not None, library
        return found[1]


@pytest.fixture(scope="session")
def java_project(tool):
    """Call it with the name of a folder of examples/interop: it as a JavaProject."""

    def build(name: str) -> JavaProject:
        return JavaProject(EXAMPLES / name, tool("java"), tool("mvn"))

    return build


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """Call it with a command that prints "listening at ADDRESS": the address. It is ended with
    the session."""
    processes: list[subprocess.Popen[str]] = []

    def start(*command: str, **options) -> str:
        options = {"cwd": ROOT, **options}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
        processes.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("listening at "):
                return line.removeprefix("listening at ").strip()
        raise AssertionError(f"{command} ended with {process.wait()} before it listened")

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="session")
def provider(serve) -> str:
    """The address of the Python provider of examples/interop."""
    address: str = serve(sys.executable, "-m", "examples.interop.provider")
    return address
