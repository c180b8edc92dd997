"""Real registries, each test's own: started in its folder, on a free port, ended by their id.

``make cluster`` runs these tests. A program that is missing is skipped by name, or is a failure
where FACADE_REQUIRE_TOOLS is set.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facade.registry.nodes import NodeRegistry
from tests.ports import free_port

ZOOKEEPER = Path("/usr/share/java/zookeeper.jar")


FIGURES: list[str] = []


@pytest.fixture
def figure() -> Callable[..., None]:
    """Call it with a name, a number and the most that it may be (with ``least``: the least):
    a line at the end of the run, and a failure of the test where it is not kept."""

    def note(name: str, value: float, bound: float, of: str = "", *, least: bool = False) -> None:
        kept = value >= bound if least else value <= bound
        sign = ">=" if least else "<="
        line = f"{name:<51} {value:>8} {sign} {bound:<8} {'ok' if kept else 'MISSED':<7}{of}"
        FIGURES.append(line)
        assert kept, line

    return note


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("figures: value, bound")
        for line in FIGURES:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


class Program:
    """A server that can be ended, frozen and started again with what it has stored."""

    def __init__(
        self, command: list[str], port: int, folder: Path, serves: str = "", asked: bytes = b""
    ) -> None:
        """``serves``: what its log says once it does more than to listen, or what it answers when
        it is ``asked``."""
        self.port = port
        self._serves = serves
        self._asked = asked
        self.address = f"127.0.0.1:{port}"
        self._command = command
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it serves."""
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until = time.monotonic() + 90
        while not (self._listens() and self._serves in (self._answer() or self._told(before))):
            told = self._told(before)[-3000:]
            assert self._process.poll() is None, f"{self._command} has ended: {told}"
            assert time.monotonic() < until, f"{self._command} does not listen: {told}"
            time.sleep(0.05)

    def kill(self) -> None:
        """At once, as when its machine goes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It answers nothing, and its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _told(self, start: int) -> str:
        return self._log.read_bytes()[start:].decode(errors="replace")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _answer(self) -> str:
        answer = b""
        if self._asked:
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.settimeout(10)
                probe.connect(("127.0.0.1", self.port))
                probe.sendall(self._asked)
                answer = probe.recv(100)
        return answer.decode()


@pytest.fixture
def missing():
    """Call it with what is not there: skips, or fails where all tools are required."""

    def give_up(what: str) -> None:
        if os.environ.get("FACADE_REQUIRE_TOOLS"):
            pytest.fail(f"{what} is missing, and FACADE_REQUIRE_TOOLS is set")
        pytest.skip(f"{what} is missing: .ci/cluster-servers installs it")

    return give_up


@pytest.fixture
def program(missing) -> Callable[[str], str]:
    """Call it with the name of a program: its path."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            missing(name)
        assert found is not None
        return found

    return find


@pytest.fixture
def patient(monkeypatch):
    """One attempt at a registry is enough, however long a busy machine takes for it."""
    for where in ("announcements", "etcd_api", "zookeeper"):
        monkeypatch.setattr(f"facade.registry.{where}.PATIENCE", 30.0)
    monkeypatch.setattr("facade.registry.announcements.FIRST_ATTEMPT", 60.0)
    monkeypatch.setitem(NodeRegistry.subscribe.__kwdefaults__, "timeout", 60.0)


@pytest.fixture
def make_zookeeper(tmp_path, program, missing) -> Iterator[Callable[..., Program]]:
    """Starts a ZooKeeper. Sessions are of 0.4 to 60 s. ``lines`` of its settings say where it
    listens, by default at ``host``."""
    java = program("java")
    if not ZOOKEEPER.exists():
        missing("zookeeper")
    started: list[Program] = []

    def start(
        lines: str = "clientPort={port}\nclientPortAddress={host}\n", host: str = "127.0.0.1"
    ) -> Program:
        folder = tmp_path / f"zookeeper{len(started)}"
        folder.mkdir()
        port = free_port()
        settings = folder / "zoo.cfg"
        settings.write_text(
            f"tickTime=200\ndataDir={folder / 'data'}\n{lines.format(port=port, host=host)}"
            "admin.enableServer=false\nmaxClientCnxns=0\nmaxSessionTimeout=60000\n"
        )
        command = [java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        command += [
            "-Dzookeeper.jmx.log4j.disable=true",
            "-Dzookeeper.fsync.warningthresholdms=9999",
        ]
        # TLS takes Netty, which its jar does not name.
        jars = [ZOOKEEPER, *sorted(ZOOKEEPER.parent.glob("netty-*.jar"))]
        command += ["-cp", ":".join(map(str, jars))]
        command += ["org.apache.zookeeper.server.quorum.QuorumPeerMain", str(settings)]
        # It listens for a second before it serves. By TLS it can't be asked.
        asked = ("Zookeeper version", b"srvr") if "clientPort=" in lines else ()
        started.append(Program(command, port, folder, *asked))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def zookeeper(make_zookeeper) -> Program:
    server: Program = make_zookeeper()
    return server


@pytest.fixture
def make_etcd(tmp_path, program) -> Iterator[Callable[..., Program]]:
    """Starts an etcd of one member, with these further options."""
    etcd = program("etcd")
    started: list[Program] = []

    def start(*options: str) -> Program:
        folder = tmp_path / f"etcd{len(started)}"
        folder.mkdir()
        port, peers = free_port(), free_port()
        scheme = "https" if options else "http"
        here, there = f"{scheme}://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
        command = [etcd, "--data-dir", str(folder / "data"), "--name", "one"]
        command += ["--listen-client-urls", here, "--advertise-client-urls", here]
        command += ["--listen-peer-urls", there, "--initial-advertise-peer-urls", there]
        command += ["--initial-cluster", f"one={there}", "--unsafe-no-fsync", *options]
        # One that is killed before it has chosen itself never does.
        started.append(Program(command, port, folder, "ready to serve client requests"))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def etcd(make_etcd) -> Program:
    server: Program = make_etcd()
    return server
