"""What ``facade serve`` is told to serve: module:Object."""

import importlib
import inspect
import sys
from pathlib import Path

from facade.core.hint import hint
from facade.exchange.port import check_port
from facade.provider.server import Server
from facade.service import find_interface

ADDRESS = "127.0.0.1:50051"


class NoTarget(Exception):
    """It can't be served: the message says what to change."""


def load(target: str, app_dir: str, address: str | None) -> Server:
    """A server of it, at ``address`` or its own. Raises NoTarget, and what its module raises."""
    folder = str(Path(app_dir).resolve())
    if not Path(folder).is_dir():
        raise NoTarget(f"--app-dir {app_dir}: there is no such folder")
    try:
        if address:
            check_port(address)
    except ValueError as error:
        raise NoTarget(f"--address {error}") from None
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = _find(target, folder)
    if isinstance(found, type):
        found = _make(target, found)
    elif inspect.isroutine(found):
        found = _make(target, found)
        if not isinstance(found, Server) and find_interface(found) is None:
            raise NoTarget(f"{target} gave a {type(found).__name__}, and no facade.Server")
    if isinstance(found, Server):
        found.address = address or found.address
        return found
    interface = find_interface(found)
    if interface is None:
        raise NoTarget(
            f"{target} is a {type(found).__name__}: name a facade.Server, a function that makes "
            "one, or a class or object that derives from a @facade.service"
        )
    server = Server(address or ADDRESS)
    server.export(interface, found)
    return server


def _find(target: str, folder: str) -> object:
    name, colon, path = target.partition(":")
    if not (name and colon and path) or name.startswith("."):
        raise NoTarget(f"{target!r}: write module:Object, as in demo.provider:server")
    try:
        found: object = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise  # one that it imports
        raise NoTarget(f"there is no module {name!r} in {folder}: see --app-dir") from None
    for part in path.split("."):
        if not hasattr(found, part):
            names = [n for n in vars(found) if n[0] != "_"] if hasattr(found, "__dict__") else []
            raise NoTarget(f"{name} has no {path!r}: {hint(part, names, 'nor anything like it')}")
        found = getattr(found, part)
    return found


def _make(target: str, maker: object) -> object:
    """What a class or a function gives without arguments."""
    assert callable(maker)
    try:
        inspect.signature(maker).bind()
    except TypeError:
        raise NoTarget(f"{target} can't be made without arguments: name an object") from None
    except ValueError:  # it has no signature to look at
        pass
    return maker()
