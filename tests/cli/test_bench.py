"""``facade bench``."""

import json

import pytest

from facade.cli.duration import shown
from facade.cli.histogram import buckets, percentile, picture


def test_bench_shows_a_table_and_a_histogram(run, provider):
    """So many calls as were asked for; how long they took; and no colours, without a terminal."""
    words = ("bench", provider.address, "demo.Greeter.hello", "Ann", "-n", "50", "-c", "4")
    done = run(*words)
    for row in ("calls", "calls/s", "p50", "p90", "p99", "max"):
        assert f"│ {row} " in done.out
    assert "│ 50 │" in " ".join(done.out.split())
    assert "█" in done.out
    assert "\x1b" not in done.out
    assert done.err == ""


def test_bench_as_json(run, provider):
    """The same figures for programs; the histogram has each call."""
    words = ("bench", provider.address, "demo.Numbers.sum", "[1]", "-n", "30", "--json")
    facts = json.loads(run(*words).out)
    assert (facts["calls"], facts["errors"]) == (30, {})
    assert sum(bucket["calls"] for bucket in facts["histogram"]) == 30
    assert facts["latency_seconds"]["p50"] <= facts["latency_seconds"]["max"]


def test_bench_for_a_time(run, provider):
    """-d says how long."""
    words = ("bench", provider.address, "demo.Greeter.hello", "Ann", "-d", "50ms", "--json")
    facts = json.loads(run(*words).out)
    assert facts["calls"] > 0
    assert facts["seconds"] >= 0.05


def test_bench_counts_errors_by_kind(run, provider):
    """With one example of each, and exit code 1."""
    words = ("bench", provider.address, "demo.Greeter.fails", "-n", "5", "--json")
    facts = json.loads(run(*words, code=1).out)
    assert facts["errors"] == {"ValueError": 5}
    done = run(*words[:-1], code=1)
    assert "ValueError" in done.out
    assert "error: ValueError: it can't be" in done.err


def test_bench_of_an_unknown_method(run, provider):
    """The kind of an RpcError has its code and status."""
    words = ("bench", provider.address, "demo.Greeter.no", "-n", "2", "--json")
    facts = json.loads(run(*words, code=1).out)
    assert facts["errors"] == {"Unimplemented (METHOD_NOT_FOUND, UNIMPLEMENTED)": 2}


def test_bench_unreachable(run, nowhere):
    """As with a call."""
    run("bench", nowhere, "a.b", "-n", "1", code=69)


def test_bench_takes_a_time_or_a_number(run):
    """Not both."""
    assert "not both" in run("bench", "h:1", "a.b", "-n", "1", "-d", "1", code=2).err


def test_percentiles():
    """By nearest rank: so large a share is not larger."""
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, s) for s in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert percentile([7.0], 0.5) == 7.0


def test_buckets_begin_with_the_first_call():
    """And end with the last; empty ones between stand too."""
    assert buckets([0.0015, 0.0016, 0.012]) == [
        (pytest.approx(0.002), 2),
        (pytest.approx(0.005), 0),
        (pytest.approx(0.01), 0),
        (pytest.approx(0.02), 1),
    ]


def test_picture():
    """The fullest bucket has the longest bar; one call is seen too."""
    lines = list(picture([0.0015] * 200 + [0.003], "#"))
    assert lines == ["<    2 ms 200 " + "#" * 40, "<    5 ms   1 |"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.5, "1.5 s"), (0.25, "250 ms"), (8e-5, "80 us"), (120.0, "120 s")]
)
def test_times_are_shown_in_a_unit_that_suits(seconds, text):
    """Nobody counts zeros."""
    assert shown(seconds) == text
