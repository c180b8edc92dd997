import pytest

from facade.core import Invocation, Result


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
