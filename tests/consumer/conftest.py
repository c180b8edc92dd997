import asyncio

import pytest

from facade import RpcContext


class Worker:
    """What the provider exports. ``work`` ends once it is released."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def echo(self, text: str) -> str:
        return text

    async def work(self) -> str:
        self.started.set()
        await self.released.wait()
        return "done"

    async def show(self) -> dict[str, str]:
        return {name: str(value) for name, value in RpcContext.server_attachments().items()}


@pytest.fixture
def impl():
    return Worker()
