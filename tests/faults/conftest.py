"""What the fault scenarios share: providers to kill, a proxy, and a line for each figure.

``make faults`` runs them at length; with FACADE_SHORT=1 they are shorter, for CI.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.process import Provider
from tests.faults.proxy import Proxy
from tests.short import PATIENCE, SHORT

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[LINES] = []


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300))


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def short() -> bool:
    """Whether CI waits: fewer calls and shorter outages will do."""
    return SHORT


@pytest.fixture
def report(request) -> Callable[[str, str, str, bool], None]:
    """Call it with name, figure, bound and whether it is kept: a line of the summary, and a
    failure of the test where it is not."""

    def add(name: str, figure: str, bound: str, ok: bool) -> None:
        verdict = "ok" if ok else "NOT OK"
        request.config.stash[LINES].append(f"{name:<52} {figure:>22}  {bound:<26} {verdict}")
        assert ok, f"{name}: {figure}, and the bound is {bound}"

    return add


@pytest.fixture
def report_time(report) -> Callable[[str, float, float], None]:
    """The same with seconds, and the most of them on a machine of one's own."""

    def add(name: str, seconds: float, bound: float) -> None:
        bound *= PATIENCE
        told, most = (f"{1000 * time:,.0f} ms" for time in (seconds, bound))
        report(name, told, f"<= {most}", seconds <= bound)

    return add


@pytest.fixture
async def provider(tmp_path) -> AsyncIterator[Callable[..., Awaitable[Provider]]]:
    """Call it with settings of a Server: a Provider, that listens. It is ended with the test."""
    made: list[Provider] = []

    async def start(**settings: Any) -> Provider:
        one = Provider(tmp_path / f"provider-{len(made)}", settings)
        made.append(one)
        await one.start()
        return one

    yield start
    for one in made:
        await one.end()


@pytest.fixture
async def proxy() -> AsyncIterator[Callable[[int], Awaitable[Proxy]]]:
    """Call it with a port: a Proxy to it."""
    made: list[Proxy] = []

    async def start(port: int) -> Proxy:
        one = Proxy(port)
        made.append(one)
        await one.start()
        return one

    yield start
    for one in made:
        await one.close()
