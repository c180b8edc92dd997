"""Registries by their scheme, ours and others'."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from facade.registry import Target, open_registry
from facade.registry.opening import GROUP, _installed
from facade.registry.static import StaticRegistry


class Own(StaticRegistry):
    def __init__(self, target: Target) -> None:
        super().__init__(Target("static", target.hosts))
        self.application = target.parameters.get("application")


class Other(Own):
    pass


@pytest.fixture
def installed(monkeypatch):
    """Call it with names and classes: as if packages with such entry points were there."""

    def install(*found):
        entries = [EntryPoint(name, f"{__name__}:{cls.__name__}", GROUP) for name, cls in found]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
        _installed.cache_clear()

    yield install
    _installed.cache_clear()


def test_own_registry(installed, monkeypatch):
    """A scheme of a package's own is opened like ours, and is told who asks."""
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Own.__module__])
    installed(("own", Own))
    registry = open_registry("own://a:1", application="shop")
    assert (type(registry), registry.application) == (Own, "shop")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([("own", Own), ("own", Other)], "two registries are installed as 'own'"),
        ([("etcd", Own)], "two registries are installed as 'etcd': facade.registry.etcd"),
    ],
)
def test_names_clash(installed, found, said):
    """Two of one name are an error that says which, not a matter of chance."""
    installed(*found)
    with pytest.raises(ValueError, match=said):
        open_registry("static:a:1")


@pytest.mark.parametrize(
    ("module", "target", "extra"),
    [
        ("kazoo", "zookeeper://h", "facade-rpc[zookeeper]"),
        ("dns", "dns+srv:///_grpc._tcp.demo", "facade-rpc[dns]"),
        ("dns", "dns://h/demo:1", "facade-rpc[dns]"),
    ],
)
def test_missing_extra(monkeypatch, module, target, extra):
    """The error names what to install."""
    for name in (module, "kazoo.client", "dns.asyncresolver"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError) as raised:
        open_registry(target)
    assert extra in str(raised.value)


def test_nothing_heavy_is_imported():
    """To look at a target takes none of the extras, and importing facade not even this."""
    code = (
        "import facade, sys; before = set(sys.modules)\n"
        "import facade.registry; facade.registry.open_registry('static:a:1')\n"
        "late = {'kazoo', 'dns', 'facade.registry.etcd'}\n"
        "print('facade.registry' in before, late & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False set()\n"
