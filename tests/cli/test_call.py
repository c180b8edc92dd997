"""``facade call``."""

import base64
import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import threading

import pytest

import facade
from facade.cli import value


def test_value_is_printed_as_json(run, provider):
    """What the method gives is one line of JSON where there is no terminal."""
    done = run("call", provider.address, "demo.Greeter.hello", '"Ann"')
    assert (done.out, done.err) == ('"hello Ann"\n', "")


def test_bare_word_is_text(run, provider):
    """A word that is no JSON needs no quotes."""
    assert run("call", provider.address, "demo.Greeter.hello", "Ann").out == '"hello Ann"\n'


def test_arguments_by_name(run, provider):
    """name=JSON; the text behind the sign may be bare too."""
    done = run("call", provider.address, "demo.Greeter.hello", "name=Ann", "loud=true")
    assert done.out == '"HELLO Ann"\n'


def test_structures(run, provider):
    """JSON objects become what the method takes, and what it gives becomes JSON."""
    done = run("call", provider.address, "demo.Greeter.buy", '{"item": "tea"}')
    assert json.loads(done.out) == [{"item": "tea", "count": 1}] * 2


def test_bytes_are_base64(run, provider):
    """In both directions, whatever they end with, by place and by name."""
    for data in (b"ab", b"abc", b"abcd", b"\xff\x00"):
        text = base64.b64encode(data).decode()
        wanted = json.dumps(base64.b64encode(data * 2).decode()) + "\n"
        assert run("call", provider.address, "demo.Greeter.twice", text).out == wanted
        assert run("call", provider.address, "demo.Greeter.twice", f"data={text}").out == wanted


def test_bytes_that_are_none(run, provider):
    """Text that is no base64 is said to be so, before the call."""
    done = run("call", provider.address, "demo.Greeter.twice", "a b", code=2)
    assert "no base64" in done.err


def test_attachments(run, provider):
    """-a goes with the call; -v tells on stderr what came with the answer."""
    done = run("call", provider.address, "demo.Greeter.hello", "Ann", "-a", "who=me=x", "-v")
    assert (done.out, done.err) == ('"hello Ann"\n', "seen: me=x\n")


def test_no_value_prints_nothing(run, provider):
    """But null with --json, which always prints JSON."""
    assert run("call", provider.address, "demo.Greeter.nothing").out == ""
    assert run("call", provider.address, "demo.Greeter.nothing", "--json").out == "null\n"


def test_oneway(run, provider):
    """It is sent, and nothing is waited for."""
    provider.greeter.logged.clear()
    assert run("call", provider.address, "demo.Greeter.log", "hi", "--oneway").out == ""
    assert provider.greeter.logged.wait(30)
    assert provider.greeter.lines[-1] == "hi"


def test_group_and_version(run, provider):
    """Given, they must be right; the only service of a name is found without."""
    words = ("call", provider.address, "demo.Numbers.sum", "[1, 2]")
    assert run(*words).out == "3\n"
    assert run(*words, "--group", "odd").out == "3\n"
    done = run(*words, "--group", "even", code=1)
    assert "it is exported as: odd/demo.Numbers" in done.err


def test_exception_of_the_method(run, provider):
    """One line on stderr, no traceback, exit code 1."""
    done = run("call", provider.address, "demo.Greeter.fails", code=1)
    assert (done.out, done.err) == ("", "error: ValueError: it can't be\n")


def test_debug_shows_the_traceback(run, provider):
    """For who looks for a mistake."""
    done = run("--debug", "call", provider.address, "demo.Greeter.fails", code=1)
    assert "Traceback" in done.err


def test_failed_call_says_whether_it_ran(run, provider):
    """A timeout may have; the code and the status are told."""
    done = run("call", provider.address, "demo.Greeter.never", "--timeout", "200ms", code=1)
    assert "(TIMEOUT, DEADLINE_EXCEEDED, maybe executed)" in done.err


def test_unknown_method(run, provider):
    """The provider's own hint comes through."""
    done = run("call", provider.address, "demo.Greeter.helo", code=1)
    assert "did you mean 'hello'?" in done.err


def test_target_that_is_none(run):
    """It is wrong usage, and the line says what there is."""
    for target in ("consul://h", "static:", "file:///providers.txt"):
        assert "Invalid value" in run("call", target, "demo.Greeter.hello", code=2).err


def test_reader_that_has_seen_enough(provider):
    """As `| head -1`: it ends quietly, with a call and a listing."""
    for words in (["call", provider.address, "demo.Numbers.count", "1"], ["ls", provider.address]):
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w") as closed:
            done = subprocess.run(
                [sys.executable, "-m", "facade", *words], stdout=closed, stderr=subprocess.PIPE
            )
        assert (done.returncode, done.stderr) == (1, b"")


def test_unreachable(run, nowhere):
    """Exit code 69 tells it from a call that failed."""
    done = run("call", nowhere, "demo.Greeter.hello", code=69)
    assert done.err.count("\n") == 1
    assert "Connection refused" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere", "a.b"), "HOST:PORT"),
        (("h:1", "b"), "service.method"),
        (("h:1", "a.b", "1", "x=2"), "all by name"),
        (("h:1", "a.b", "x=1", "x=2"), "twice"),
        (("h:1", "a.b", '{"x": '), "begins like JSON"),
        (("h:1", "a.b", "-a", "x"), "key=value"),
        (("h:1", "a.b", "--timeout", "0"), "no time"),
        (("h:1", "a.b", "--timeout", "1 day"), "no time"),
        (("h:1", "a.b", "--timeout", "infs"), "no time"),
        (("h:1",), "SERVICE.METHOD"),
    ],
)
def test_wrong_usage(run, words, told):
    """Exit code 2, and what is meant, before anything is sent."""
    assert told in " ".join(run("call", *words, code=2).err.replace("│", "").split())


# To move a cursor, to name a window, and to turn the writing round.
NASTY = "\x9b2J \x1b]0;x\x07 \u202e \x7f"


def test_values_do_nothing_to_a_terminal(run, provider):
    """They are the same JSON, in which what could is escaped."""
    done = run("call", provider.address, "demo.Greeter.hello", json.dumps(NASTY))
    assert json.loads(done.out) == f"hello {NASTY}"
    assert done.out.rstrip("\n").isprintable()


def test_errors_do_nothing_to_a_terminal(run, serving):
    """Nor do attachments."""

    @facade.service("demo.Nasty")
    class Nasty:
        async def fail(self) -> None:
            facade.RpcContext.response_attachments()["nasty"] = NASTY
            raise ValueError(NASTY)

    server = facade.Server()
    server.export(Nasty, Nasty())
    with serving(server) as address:
        for words in (("call", "-v"), ("bench", "-n", "1")):
            done = run(words[0], address, "demo.Nasty.fail", *words[1:], code=1)
            assert all(line.isprintable() for line in done.err.split("\n"))
            assert "error: ValueError: \\x9b2J" in done.err


def test_terminal_gets_it_indented(provider):
    """Who looks at it sees its structure."""
    leader, follower = pty.openpty()
    words = ("call", provider.address, "demo.Greeter.buy", '{"item": "tea"}')
    command = [sys.executable, "-m", "facade", *words]
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    with open(leader, "rb", buffering=0) as screen:
        with open(follower, "wb", buffering=0) as terminal:
            subprocess.run(command, stdout=terminal, env=env, check=True)
        shown = ""
        with contextlib.suppress(OSError):  # so Linux says that the other end is closed
            while more := screen.read(4096):
                shown += more.decode()
    assert json.loads(re.sub(r"\x1b\[[0-9;]*m", "", shown)) == [{"item": "tea", "count": 1}] * 2
    assert shown.count("\n") > 5


def test_items_of_a_stream_are_lines(run, provider):
    """Each is printed as it comes."""
    assert run("call", provider.address, "demo.Numbers.count", "0").out == "0\n1\n2\n"
    done = run("call", provider.address, "demo.Numbers.count", "start=1", "to=3")
    assert done.out == "1\n2\n"


def test_list_is_a_stream_of_its_items(run, provider):
    """Where the method takes one."""
    assert run("call", provider.address, "demo.Numbers.total", "[1, 2, 3]").out == "6\n"


def test_stream_that_breaks(run, provider):
    """What came before is printed, and the error told."""
    done = run("call", provider.address, "demo.Numbers.breaks", code=1)
    assert (done.out, done.err) == ('"one"\n', "error: ValueError: no more\n")


def test_what_has_no_json_is_text():
    """Nothing that a call may give breaks the printing of it."""
    event = threading.Event()
    assert json.loads(value.to_text([b"a", event, float("nan")])) == ["YQ==", str(event), None]


def test_unknown_message_is_shown_as_it_came():
    """An Any of a type that is not known here: its name, and its bytes."""
    from google.protobuf.any_pb2 import Any

    shown = json.loads(value.to_text(Any(type_url="type.googleapis.com/no.Such", value=b"a")))
    assert shown == {"@type": "type.googleapis.com/no.Such", "value": "YQ=="}
