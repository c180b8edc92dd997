"""Processes of ``facade serve``, that are told what to do by signals."""

import asyncio
import os
import sys

import pytest

from tests.cli.serve.served import APP, Served


@pytest.fixture
async def serve(tmp_path):
    """Starts it, in a folder with app.py."""
    started = []
    (tmp_path / "app.py").write_text(APP)

    async def start(*words):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "facade", "serve", *words),
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return Served(process)

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()
