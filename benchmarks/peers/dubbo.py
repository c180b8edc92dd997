"""apache-dubbo: Triple on asyncio, with HTTP/2 in Python; methods and callers are in threads."""

import itertools
import logging
import threading
from typing import Any

import dubbo
from dubbo.configs import ReferenceConfig, ServiceConfig
from dubbo.proxy.handlers import RpcMethodHandler, RpcServiceHandler

from benchmarks.echo import BYTES, Ready, at
from benchmarks.load import Use, measure_threads
from benchmarks.peers.port import free_port

# On one connection: with some dozens it loses streams, and with more than 100 it breaks.
THREADS = 8

logging.disable(logging.WARNING)  # it tells of every connection


def serve(ready: Ready) -> None:
    def echo(data: bytes) -> bytes:
        return data

    handler = RpcServiceHandler(
        service_name="bench.Echo",
        method_handlers=[RpcMethodHandler.unary(method=echo, method_name="Echo")],
    )
    port = free_port()
    dubbo.Server(ServiceConfig(service_handler=handler, host="127.0.0.1", port=port)).start()
    ready(port)
    threading.Event().wait()


def call(port: int, use: Use) -> None:
    clients: list[Any] = []
    threads = itertools.count()

    def connect() -> Any:
        if next(threads) % THREADS == 0:
            reference = ReferenceConfig.from_url(f"tri://{at(port)}/bench.Echo")
            clients.append(dubbo.Client(reference).unary(method_name="Echo"))
        echo = clients[-1]
        return lambda: echo(BYTES)

    measure_threads(connect, BYTES, use)
