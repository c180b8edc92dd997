"""A million frames that nobody should send."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Role, runtime of protobuf, and the part of all frames.
PARTS = [
    ("provider", "upb", 0.48),
    ("consumer", "upb", 0.48),
    ("provider", "python", 0.02),
    ("consumer", "python", 0.02),
]
CLEAN = {"OK", "INVALID_ARGUMENT", "UNIMPLEMENTED", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}


async def fed(role, runtime, frames, seed):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "tests.security.fuzz"),
        *(role, str(frames), str(seed)),
        cwd=ROOT,
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": runtime},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, problems = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, problems.decode()[-2000:]
    return json.loads(out.splitlines()[-1])


@pytest.mark.timeout(3000)
async def test_mutated_frames(short, report):
    """Of both roles, under both runtimes: each stream ends with a status that blames its peer, or
    goes on; no call hangs, no task is left, and no bug of ours is logged."""
    count = 5_000 if short else 1_000_000
    room = asyncio.Semaphore(2)

    async def run(role, runtime, share, seed):
        async with room:
            return await fed(role, runtime, int(count * share), seed)

    told = await asyncio.gather(*(run(*part, seed) for seed, part in enumerate(PARTS, 1)))
    frames = sum(one["frames"] for one in told)
    ends = {end for one in told for end in one["ends"]}
    report("hostile: mutated frames", f"{frames} frames", f">= {count}", frames >= count)
    report("hostile: streams end cleanly", " ".join(sorted(ends)), "a status", ends <= CLEAN)
    left = sum(max(0, one["tasks"]) for one in told)
    report("hostile: tasks left", str(left), "0", left == 0)
