"""The example of many providers, as its page tells to run it, on real registries."""

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", ["zookeeper", "etcd"])
async def test_example_runs_on_a_registry(kind, request):
    """One command: providers announce themselves, one goes, one comes, and no call fails."""
    server = request.getfixturevalue(kind)
    example = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.cluster", "--registry", f"{kind}://{server.address}"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await example.communicate()
    assert example.returncode == 0, errors.decode()
    assert said.decode().splitlines() == [
        "answered by: a, b, c",
        "b went, and no call failed",
        "d came, and has its share",
    ]
