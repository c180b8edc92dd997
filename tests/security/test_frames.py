"""Frames that nobody should send: the stream ends with a status, or goes on."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facade
from facade import Status
from tests.security.conftest import Vault, VaultImpl, frame
from tests.security.corpus import Mutator, consumer_frames, provider_frames
from tests.security.fuzz import feed, fuzz

ROOT = Path(__file__).parents[2]
FRAMES = {"provider": provider_frames(), "consumer": consumer_frames()}

# What a peer that breaks the rules is told.
CLEAN = {"OK", "INVALID_ARGUMENT", "UNIMPLEMENTED", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}


@pytest.mark.parametrize("role", FRAMES)
@given(data=st.data())
def test_any_bytes_end_the_stream_cleanly(role, data):
    """Whatever comes: a status that blames the peer, no call that hangs, nothing that is raised."""
    frames = data.draw(st.lists(st.binary(max_size=200), max_size=4))

    async def run():
        return await feed(role, deque(frames))

    assert asyncio.run(run()) in CLEAN


@pytest.mark.parametrize("role", FRAMES)
@given(data=st.data())
def test_changed_bytes_end_the_stream_cleanly(role, data):
    """Frames that were good but for some bytes."""
    frames = deque()
    for _ in range(3):
        good = bytearray(data.draw(st.sampled_from(FRAMES[role])))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(good) - 1))
            good[at] = data.draw(st.integers(0, 255))
        frames.append(bytes(good))

    async def run():
        return await feed(role, frames)

    assert asyncio.run(run()) in CLEAN


@pytest.mark.parametrize("role", FRAMES)
async def test_mutated_frames(role):
    """A thousand of a mutator that knows the fields: no call hangs, no task is left, and no bug
    of ours is logged."""
    told = await fuzz(role, 1000, seed=7)
    assert set(told["ends"]) <= CLEAN
    assert told["tasks"] <= 0


@pytest.mark.parametrize("role", FRAMES)
def test_with_protobuf_in_python(role):
    """The slower runtime of protobuf has its own ways to fail."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.security.fuzz", role, "100", "7"],
        cwd=ROOT,
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["protobuf"] == "python"
    assert set(told["ends"]) <= CLEAN


async def test_others_go_on():
    """What one stream sends is that stream's affair: a server's other consumers notice nothing."""
    server = facade.Server()
    server.export(Vault, VaultImpl())
    async with (
        server,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20) as client,
        facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=20, application="bad") as bad,
    ):
        vault = client.refer(Vault)
        waiting = asyncio.ensure_future(vault.wait())
        assert await vault.echo("before") == "before"
        for data in Mutator(FRAMES["provider"], 3, rising=True).frames(50):
            await bad.ready()
            broken = bad._wire.connector.current
            # gRPC also says to who writes as a stream is closed that it was cancelled.
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await broken._stream.write(data)
                await broken._stream.write(b"\xff\xff\xff")
            await broken.closed.wait()
        assert await vault.echo("after") == "after"
        assert not waiting.done()
        waiting.cancel()


async def test_a_frame_of_optional_unknowns_is_passed_over(joined):
    """A later version may send what this one does not know."""
    hostile = await joined()
    unknown = b"\x0a\x05\x10\x01\x9a\x06\x00"  # optional, and of kind 99
    await hostile.stream.write(unknown * 10_000)
    ping = b"\x0a\x04\x52\x02\x08\x07"
    await hostile.stream.write(ping)
    assert (await hostile.until("pong")).pong.nonce == 7


async def test_an_empty_frame_is_nothing(joined):
    """It is a frame with no envelopes."""
    hostile = await joined()
    await hostile.stream.write(frame())
    await hostile.stream.write(b"\x0a\x00")
    assert await hostile.status() is Status.UNIMPLEMENTED  # an envelope of no kind
