"""A filter that keeps what it sees, for the tests of servicers."""

import asyncio

import pytest

import facade
from tests.provider.native.conftest import (
    STYLES,
)

styles = pytest.mark.parametrize("style", STYLES)


class Recorder(facade.Filter):
    """Keeps what it sees."""

    def __init__(self):
        self.invocations = []
        self.results = []
        self.answered = asyncio.Event()

    async def invoke(self, invoker, invocation):
        self.invocations.append(invocation)
        result = await invoker.invoke(invocation)
        self.results.append(result)
        self.answered.set()
        return result
