"""Calls without an interface. (Dubbo: GenericService)"""

from collections.abc import Callable
from typing import Any

from facade.codec import CallingCodec, GenericCodec, GenericStreamCodec
from facade.core.errors import InvalidArgument, Sent
from facade.core.method import is_text


class GenericService:
    """A service without an interface at hand: names in, plain values out."""

    def __init__(self, key: str, make: Callable[[str, CallingCodec], Any]) -> None:
        if not is_text(key):
            raise ValueError(f"there is no service {key!r}: it can't be sent as UTF-8")
        self._key = key
        self._make = make
        self._methods: dict[str, Any] = {}
        self._streams: dict[str, Any] = {}

    def method(self, name: str) -> Any:
        """The method of this name, with ``future``, ``oneway`` and ``options``. InvalidArgument
        for a name that can't be sent."""
        if name not in self._methods:
            self._check(name)
            self._methods[name] = self._make(name, GenericCodec(self._key, name))
        return self._methods[name]

    def invoke(self, name: str, /, *arguments: Any, **keywords: Any) -> Any:
        """Call it: all arguments by position, or all by name. With AsyncClient, await it."""
        return self.method(name)(*arguments, **keywords)

    def stream_method(self, name: str) -> Any:
        """The method of this name, which gives a stream, with ``options``."""
        if name not in self._streams:
            self._check(name)
            self._streams[name] = self._make(name, GenericStreamCodec(self._key, name))
        return self._streams[name]

    def stream(self, name: str, /, *arguments: Any, **keywords: Any) -> Any:
        """Call a method that gives a stream: iterate its plain values. An argument that is an
        iterator, and given by position, is a stream, too."""
        return self.stream_method(name)(*arguments, **keywords)

    def _check(self, name: str) -> None:
        if not is_text(name):
            text = f"{self._key} has no method {name!r}: it can't be sent as UTF-8"
            raise InvalidArgument(text, sent=Sent.NOT_SENT)

    def echo(self, value: Any = "OK", /) -> Any:
        """What comes back is ``value``: the service is exported, and its filters let calls in.
        Its methods are not run. (Dubbo: EchoService)"""
        return self.invoke("$echo", value)

    def __repr__(self) -> str:
        return f"<{self._key}, remote, without an interface>"
