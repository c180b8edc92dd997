"""The benchmarks' own parts, and the page that shows their figures. Nothing is measured here."""

import asyncio
import re
import socket
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.__main__ import QUESTIONS
from benchmarks.bars import BARS
from benchmarks.bench import Line, line_of
from benchmarks.contenders import CONSUMERS, PROVIDERS
from benchmarks.latency import p99
from benchmarks.record import Record
from benchmarks.throttle import Link

ROOT = Path(__file__).parents[1]


def test_pages_show_the_record():
    """docs/performance.md with its plot, and README.md, have the figures of
    benchmarks/record.json."""
    record = Record.read()
    for each in page.PAGES:
        assert page.filled(each, record) == each.read_text(), "run `python -m benchmarks.page`"
    assert page.PLOT.read_text() == page.plot(record), "run `python -m benchmarks.page`"


def test_record_has_every_line_that_is_to_be_reached():
    """No figure is missing from the record, a peer's that could not be installed excepted."""
    missing = [name for name in BARS if name not in Record.read().lines]
    assert not [name for name in missing if not name.startswith("peer ")]


def test_page_speaks_of_every_line_that_is_missed():
    """Where a figure is below its bar, the page says what bounds it."""
    section = page.PAGE.read_text().split("## What bounds")[1].split("\n## ")[0]
    told = set(re.findall(r"`([^`]+)`", section))
    missed = {
        n for n, line in Record.read().lines.items() if n in BARS and not BARS[n].met(line.value)
    }
    assert missed <= told, f"say in docs/performance.md what bounds {sorted(missed - told)}"


def test_every_side_is_there():
    """Each name leads to a function, and each consumer to a provider."""
    places = [*PROVIDERS.values(), *(place for _, place in CONSUMERS.values())]
    for place in places:
        module, _, function = place.partition(":")
        path = ROOT / "benchmarks" / f"{module.replace('.', '/')}.py"
        assert f"def {function}(" in path.read_text(), place
    assert {provider for provider, _ in CONSUMERS.values()} <= set(PROVIDERS)
    assert len(QUESTIONS) == len(set(QUESTIONS.values()))


def test_a_line_is_a_median_with_its_spread():
    """The value is the median of the rounds, and half of them lie between low and high."""
    line = line_of("ratio x 1", [1.0, 9.0, 2.0, 3.0, 4.0])
    assert (line.value, line.rounds) == (3.0, 5)
    assert 1.0 < line.low < 3.0 < line.high < 9.0
    assert str(line) == "ratio x 1 3.00"


def test_p99_is_in_milliseconds():
    """One call in a hundred took longer."""
    assert p99([n / 1000 for n in range(1, 1001)]) == pytest.approx(990, abs=1)


def test_record_reads_what_it_wrote(tmp_path):
    """A record is the same after a turn through its file."""
    record = Record({"date": "2026-01-01"}, {}, [{"layer": "codec", "end": "both", "us": 1.5}])
    record.add(Line("ratio aio 1", 2.5, 2.25, 2.75, 3, "calls/s", 10.0, 4.0))
    record.write(tmp_path / "record.json")
    assert Record.read(tmp_path / "record.json") == record


async def test_link_carries_all_of_it_and_no_faster_than_it_may():
    """What goes over a slow link arrives whole, and takes at least the time of its bytes and of
    the way there and back."""
    received = bytearray()

    async def echo(reader, writer):
        while data := await reader.read(1 << 16):
            received.extend(data)
            writer.write(data[:1])
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link(server.sockets[0].getsockname()[1], rate=1_000_000, round_trip=0.02)
    await link.start()
    loop = asyncio.get_running_loop()
    data = bytes(range(256)) * 400
    with socket.socket() as near:
        near.setblocking(False)
        await loop.sock_connect(near, ("127.0.0.1", link.port))
        start = loop.time()
        await loop.sock_sendall(near, data)
        while len(received) < len(data):
            assert await loop.sock_recv(near, 1 << 16)
        assert loop.time() - start >= len(data) / 1_000_000
    await link.stop()
    server.close()
    await server.wait_closed()
    assert bytes(received) == data
