"""Every example runs, in processes of its own, and tells what it should."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

pytestmark = pytest.mark.timeout(300)  # of several processes each, on a busy machine

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280
    )


@contextmanager
def greeter() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The example provider at a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.greeter.provider", "127.0.0.1:0"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        port = re.search(r"port (\d+)", line)
        assert port, line
        yield process, f"127.0.0.1:{port[1]}"
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_greeter_is_called_with_and_without_asyncio() -> None:
    """Both clients print what the provider answered, and the oneway call came."""
    with greeter() as (provider, address):
        consumer = run("-m", "examples.greeter.consumer", address)
        assert consumer.returncode == 0, consumer.stderr
        for name in ("Ann", "Bob", "Cleo", "Dan"):
            assert f"Hello {name}, from ipv4:127.0.0.1:" in consumer.stdout
        assert provider.stderr is not None
        assert "that was asyncio" in provider.stderr.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_greeter_stops_in_peace(number: signal.Signals) -> None:
    """Either signal ends the example provider with exit code 0."""
    with greeter() as (provider, _):
        provider.send_signal(number)
        assert provider.wait(timeout=30) == 0


def test_own_filter_measures_both_sides() -> None:
    """The filter stands in both chains, and its provider's time is told first."""
    example = run("-m", "examples.own_filter")
    assert example.returncode == 0, example.stderr
    provider, consumer, answer, *_ = example.stdout.splitlines()
    assert re.search(r"took [\d.]+ ms in LocalInvoker", provider)
    assert re.search(r"took [\d.]+ ms in RemoteInvoker", consumer)
    assert answer.startswith("Hello Ann")
    assert "context -> exception -> timeout -> measure -> LocalInvoker" in example.stdout


def test_error_hook_reports_what_nobody_expected() -> None:
    """The method's mistake is reported, with who called, before the caller hears of it; what
    it may raise is not."""
    example = run("-m", "examples.error_hook")
    assert example.returncode == 0, example.stderr
    expected, report, raised = example.stdout.splitlines()
    assert expected == "hello('') raised ValueError('a name is needed')"
    assert "'error': 'IndexError', 'what': 'the method raised', 'where': 'hello, line" in report
    assert "'call': 'examples.Greeter:1.0.0.hello', 'caller': 'shop'" in report
    assert raised == "hello('Ann') raised IndexError('list index out of range')"


# What the tour must have seen, each at its stop.
SEEN = {
    "A call": "Meal(dish='soup', portions=2",
    "The same call without asyncio": "orders so far, from a future",
    "Futures": "0 of 3 are done",
    "A stream": "order soup, hot soup, order pie, hot pie",
    "Oneway": "a note: table 12 is in a hurry",
    "A call without an interface": "{'dish': 'pie'",
    "A call from another language": "its dish pie",
    "Attachments, there and back": "stove 2",
    "Context over two hops": "caller waiter, notes {'trace-id': '4bf92f35'}",
    "A countdown over two hops": "the kitchen has left",
    "No time left: nothing is sent": "TIMEOUT_TERMINATE, not sent",
    "A timeout": "Waiting server-side response timeout",
    "An answer that comes too late is cleared": "expired: True, value: None",
    "Cancellation": "simmering was cancelled after",
    "Exceptions come back as themselves": "SoldOut('only 4 of pie left')",
    "Errors that name what is wrong": "did you mean 'cook'?",
    "Many services on one port": "pie, roast, risotto",
    "A filter of one's own": "time-in-kitchen",
    "The chains that such a call ran through": "context -> exception -> timeout -> stopwatch",
    "The provider crashes and comes back": "maybe executed",
    "A stop in peace": "exit code 0",
}


def test_tour_passes_every_stop() -> None:
    """The tour without its comparison ends well, fits 80 columns and shows each feature."""
    # The kitchen comes back to its port: to one that nobody is given meanwhile.
    tour = run("-m", "examples.tour", "--no-speed", "--port", str(free_port()))
    assert tour.returncode == 0, tour.stdout[-2000:] + tour.stderr
    assert max(map(len, tour.stdout.splitlines())) <= 80
    stops = re.split(r"\n\n\d+\. (.+)\n-+\n", tour.stdout)[1:]
    headings, bodies = stops[::2], stops[1::2]
    assert headings == list(SEEN)
    for heading, body in zip(headings, bodies, strict=True):
        assert SEEN[heading] in " ".join(body.split()), heading


FAILING = """
from examples.tour import __main__ as tour, calls, page

async def wrong(guest):
    "A stop that fails"
    print("pids", guest.kitchen_process.pid, guest.waiter_process.pid, flush=True)
    page.expect(False, "one is two")

calls.STOPS[:] = [wrong]
tour.main()
"""


def test_tour_fails_with_a_stop_and_leaves_no_process() -> None:
    """What a stop does not find ends the tour with an error, and ends its providers."""
    tour = run("-c", FAILING)
    assert tour.returncode != 0
    assert "it is not so that one is two" in tour.stderr
    pids = re.search(r"pids (\d+) (\d+)", tour.stdout)
    assert pids
    for pid in pids.groups():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_cluster_loses_a_provider_and_no_call() -> None:
    """By a list in a file, as it runs where nothing else does."""
    example = run("-m", "examples.cluster")
    assert example.returncode == 0, example.stderr
    assert example.stdout.splitlines() == [
        "answered by: a, b, c",
        "b went, and no call failed",
        "d came, and has its share",
    ]
