"""Node, by @grpc/grpc-js: its consumer and our provider, our clients and its provider."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.interop.answering import Answering

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "interop" / "node"
PAGE = FOLDER.parents[2] / "docs" / "interop" / "node.md"

WALK = """\
by position: Hello Ann
by name: 5
with a default: 3
attachments: north there, python back
error of the method: ValueError no such shop
no such method: UNIMPLEMENTED true
timeout: DEADLINE_EXCEEDED
expired at the provider: true
described: add(a: int, b: int) -> int
at once: 100
exchange: Hello Ann, Hello Bob, Hello Cid
"""


@pytest.fixture(scope="session")
def node(tool, missing):
    if not (FOLDER / "node_modules").is_dir():
        missing("examples/interop/node/node_modules")
    return tool("node")


@pytest.fixture
def version(node):
    return subprocess.check_output([node, "--version"], text=True).strip().removeprefix("v")


@pytest.fixture(scope="session")
def theirs(node, serve):
    """The address of the provider in Node."""
    return serve(node, "provider.js", cwd=FOLDER)


def test_page_has_a_whole_program(node, provider):
    """What the page says to paste is the example hello.js, and that works."""
    assert f"```js\n{(FOLDER / 'hello.js').read_text()}```" in PAGE.read_text()
    command = [node, "hello.js", provider]
    assert subprocess.check_output(command, cwd=FOLDER, text=True, timeout=50) == "Hello Ann\n"


def test_consumer_walks(node, provider, version, report):
    """By position, by name, attachments, errors, timeouts, Describe, many at once, Exchange."""
    done = subprocess.run(
        [node, "consumer.js", provider], cwd=FOLDER, capture_output=True, text=True, timeout=50
    )
    assert (done.stdout, done.stderr, done.returncode) == (WALK, "", 0)
    report("node", version, "calls a provider here, by Invoke and by Exchange")


@pytest.fixture
def told(version, report):
    return partial(report, "node", version)


class TestAnswering(Answering):
    """The provider in Node, called from here."""

    seen_by = "node"
    takes = r"hello takes \(name\)"
    misfits = (["Ann", "Bob"],)  # JavaScript checks no types
