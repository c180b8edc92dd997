import pytest

from facade.core import Invocation


@pytest.fixture
def invocation():
    return Invocation("demo.Greeter", "hello", ("Ann",))
