"""A tool at a provider with three services."""

import pytest

from tests.provider.standard.conftest import Clock, Greeter, Impl, LaterGreeter
from tests.provider.standard.reflection.tool import Tool


@pytest.fixture
async def tool(serve):
    impl = Impl()
    _, channel = await serve((Greeter, impl), (LaterGreeter, impl), (Clock, impl))
    return Tool(channel)
