import asyncio
import sys
from types import ModuleType

import pytest

from facade.loops import new_event_loop


@pytest.fixture
def uvloop(monkeypatch):
    """As if uvloop were installed, whether it is or not."""
    module = ModuleType("uvloop")
    module.new_event_loop = lambda: "a loop of uvloop's"
    monkeypatch.setitem(sys.modules, "uvloop", module)


@pytest.mark.usefixtures("uvloop")
def test_uvloop_is_used_where_it_is_installed():
    """Installing the extra is all it takes."""
    assert new_event_loop() == "a loop of uvloop's"


def test_asyncio_is_used_without_uvloop(monkeypatch):
    """uvloop is never required, and the loop works."""
    monkeypatch.setitem(sys.modules, "uvloop", None)  # importing it fails
    loop = new_event_loop()
    try:
        assert type(loop).__module__.startswith("asyncio.")
        assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
    finally:
        loop.close()


def test_each_call_makes_a_loop():
    """Nobody shares a loop by accident, and none is set as the current one."""
    one, other = new_event_loop(), new_event_loop()
    try:
        assert one is not other
        assert not one.is_running()
        assert not one.is_closed()
    finally:
        one.close()
        other.close()
