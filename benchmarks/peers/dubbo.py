"""apache-dubbo: Triple on asyncio, with HTTP/2 in Python; methods and callers are in threads."""

import logging
import threading
from typing import Any

import dubbo
from dubbo.configs import ReferenceConfig, ServiceConfig
from dubbo.proxy.handlers import RpcMethodHandler, RpcServiceHandler

from benchmarks.echo import BYTES, Ready, at
from benchmarks.load import Use, measure_threads
from benchmarks.peers.port import free_port

# Calls at once: with more it loses some, and who made them waits for ever. The other threads
# wait for their turn.
AT_ONCE = 16

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
    client = dubbo.Client(ReferenceConfig.from_url(f"tri://{at(port)}/bench.Echo"))
    echo: Any = client.unary(method_name="Echo")
    turn = threading.Semaphore(AT_ONCE)

    def one() -> object:
        with turn:
            return echo(BYTES)

    measure_threads(lambda: one, BYTES, use)
