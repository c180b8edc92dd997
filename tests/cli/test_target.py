"""What ``facade serve`` takes, and what it says of the rest."""

import itertools
import sys

import pytest

import facade
from facade.cli.target import ADDRESS, NoTarget, load
from facade.cli.watch import look

MODULE = """
import facade

@facade.service("demo.Greeter")
class Greeter:
    async def hello(self) -> str: ...

class GreeterImpl(Greeter):
    async def hello(self):
        return "hello"

class Needs(GreeterImpl):
    def __init__(self, what):
        pass

def make():
    server = facade.Server("127.0.0.1:1234")
    server.export(Greeter, GreeterImpl())
    return server

def implement():
    return GreeterImpl()

def nothing():
    return None

def wants(what):
    pass

class Holder:
    server = make()

server = make()
greeter = GreeterImpl()
number = 3
"""

_numbers = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module in tmp_path."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = f"served_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize("target", ["server", "make", "Holder.server"])
def test_servers(module, tmp_path, target):
    """One, or what makes one; it keeps its address unless another is given."""
    server = load(f"{module}:{target}", str(tmp_path), None)
    assert isinstance(server, facade.Server)
    assert server.address == "127.0.0.1:1234"
    assert load(f"{module}:{target}", str(tmp_path), "h:1").address == "h:1"


@pytest.mark.parametrize(
    ("target", "folder", "address", "told"),
    [
        (":server", "nowhere", None, "--app-dir .*nowhere: there is no such folder"),
        (":server", ".", "127.0.0.1:70000", "--address '127.0.0.1:70000': a port is a number"),
    ],
)
def test_options_that_make_no_sense(module, tmp_path, target, folder, address, told):
    """They are refused by name, whatever else could be served."""
    with pytest.raises(NoTarget, match=told):
        load(module + target, str(tmp_path / folder), address)


def test_module_that_is_a_path(tmp_path):
    """It says how a module is written."""
    with pytest.raises(NoTarget, match="write module:Object"):
        load("./served.py:server", str(tmp_path), None)


@pytest.mark.parametrize("target", ["greeter", "GreeterImpl", "implement"])
def test_implementations(module, tmp_path, target):
    """Exported, on a server of their own, by the interface that they derive from."""
    server = load(f"{module}:{target}", str(tmp_path), None)
    assert [e.service.key for e in server.exporters] == ["demo.Greeter"]
    assert server.address == ADDRESS


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("number", "is a int: name a facade.Server"),
        ("nothing", "gave a NoneType"),
        ("wants", "without arguments"),
        ("Needs", "without arguments"),
        ("greter", "did you mean 'greeter'"),
        ("zzz", "nor anything like it"),
    ],
)
def test_what_can_not_be_served(module, tmp_path, target, told):
    """The message says what to change."""
    with pytest.raises(NoTarget, match=told):
        load(f"{module}:{target}", str(tmp_path), None)


@pytest.mark.parametrize("target", ["", "app", "app:", ":server"])
def test_what_is_no_target(target, tmp_path):
    """How to write one."""
    with pytest.raises(NoTarget, match="write module:Object"):
        load(target, str(tmp_path), None)


def test_module_that_is_not_there(tmp_path, monkeypatch):
    """It names the folder; one that the module itself misses is another error."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    with pytest.raises(NoTarget, match=r"no module 'no\.such'"):
        load("no.such:server", str(tmp_path), None)
    (tmp_path / "misses.py").write_text("import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("misses:server", str(tmp_path), None)


def test_files_that_are_watched(tmp_path):
    """Sources, but neither those of a virtual environment nor hidden ones."""
    for name in ("a.py", "b/c.py", ".git/d.py", "env/pyvenv.cfg", "env/e.py", "f.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert sorted(look(str(tmp_path))) == [str(tmp_path / "a.py"), str(tmp_path / "b/c.py")]
