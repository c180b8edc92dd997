"""Pyro5: objects over a socket; a thread per connection, and here a connection per thread."""

from importlib.util import find_spec
from typing import Any

import Pyro5.api

from benchmarks.echo import DEADLINE, TEXT, Ready, at
from benchmarks.load import Use, measure_threads

Pyro5.config.THREADPOOL_SIZE = 300
Pyro5.config.COMMTIMEOUT = 0.0
if find_spec("msgpack"):  # the faster one of its serializers
    Pyro5.config.SERIALIZER = "msgpack"


@Pyro5.api.expose
class Echo:
    def echo(self, text: str) -> str:
        return text


def serve(ready: Ready) -> None:
    daemon = Pyro5.api.Daemon(host="127.0.0.1", port=0)
    daemon.register(Echo(), "echo")
    ready(int(daemon.locationStr.rsplit(":", 1)[1]))
    daemon.requestLoop()


def call(port: int, use: Use) -> None:
    def connect() -> Any:
        proxy = Pyro5.api.Proxy(f"PYRO:echo@{at(port)}")
        proxy._pyroBind()
        proxy._pyroTimeout = DEADLINE
        # A proxy belongs to the thread that uses it, which is this one.
        return lambda: proxy.echo(TEXT)

    measure_threads(connect, TEXT, use)
