import asyncio

import pytest

from facade.core import Invocation, Method, Result, TimeoutCountDown


class FakeInvoker:
    """Answers each call with ``result``, or raises ``error``, after ``before`` was called.

    ``invocations`` are those that it was given.
    """

    def __init__(self):
        self.result = Result("answer")
        self.error = None
        self.before = lambda invocation: None
        self.invocations = []

    async def invoke(self, invocation):
        self.invocations.append(invocation)
        self.before(invocation)
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def invoker():
    return FakeInvoker()


@pytest.fixture
def invocation():
    return Invocation("demo.Greeter", "hello", ("Ann",))


@pytest.fixture
def idempotent():
    """Makes calls that may be repeated whatever became of them, each with so much time."""
    method = Method("demo.Greeter", "hello", (), str, idempotent=True)

    def call(timeout=None):
        made = Invocation("demo.Greeter", "hello", ("Ann",), method=method, timeout=timeout)
        if timeout is not None:
            made.countdown = TimeoutCountDown(timeout)
        return made

    return call


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time passes only when nothing else is to be done, and takes none."""

    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self._select = self._selector.select
        self._selector.select = self._skip

    def time(self):
        return self.now

    def _skip(self, timeout):
        if timeout is None:
            raise RuntimeError("nothing will ever happen here")
        self.now += timeout
        return self._select(0)


@pytest.fixture
def virtual(monkeypatch):
    """A loop for simulations, whose time is that of countdowns: give filters its ``time``."""
    loop = VirtualLoop()
    monkeypatch.setattr("facade.core.countdown.monotonic", loop.time)
    yield loop
    loop.close()
