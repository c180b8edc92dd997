"""Java, by grpc-java: its consumer and our provider, our clients and its provider."""

from functools import partial

import pytest

from tests.interop.answering import Answering

# The first one builds: Maven takes a while, and more where it has to download.
pytestmark = pytest.mark.timeout(600)

WALK = """\
by position: Hello Ann
by name: 5
with a default: 3
attachments: north there, python back
error of the method: ValueError no such shop
no such method: UNIMPLEMENTED true
timeout: DEADLINE_EXCEEDED
expired at the provider: true
described: hello(name: str) -> str
described: add(a: int, b: int) -> int
described: fail(text: str) -> str
described: sleep(seconds: float) -> float
described: baggage() -> dict[str, str]
"""


@pytest.fixture(scope="session")
def java(java_project):
    return java_project("java")


@pytest.fixture(scope="session")
def theirs(java, serve):
    """The address of the provider in Java."""
    return serve(*java.command("demo.Provider"))


def test_consumer_walks(java, provider, report):
    """By position, by name, attachments, errors, timeouts, Describe."""
    assert java.run("demo.Consumer", provider) == WALK
    report("java", java.version("grpc"), "calls a provider here, by Invoke and Describe")


def test_docs_show_the_program(java, provider):
    """What docs/interop/java.md says is a whole consumer is one."""
    source = (java.folder / "src/main/java/demo/Hello.java").read_text()
    page = (java.folder.parents[2] / "docs/interop/java.md").read_text()
    assert source[source.index("/** One call") :] in page
    assert java.run("demo.Hello", provider) == "Hello Ann\n"


@pytest.fixture
def told(java, report):
    return partial(report, "java", java.version("grpc"))


class TestAnswering(Answering):
    """The provider in Java, called from here."""

    seen_by = "java"
    takes = r"hello takes \(name: String\)"
    misfits = (["Ann", "Bob"], [], [7])
