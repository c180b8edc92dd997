"""Requests to greeters, and how their answers are read."""

import asyncio

from tests.greeter.greeter_pb2 import Hello


def hellos(*names):
    return [Hello(name=name) for name in names]


async def drain(call):
    async for _ in call:
        pass


async def endless():
    yield Hello(name="Ann")
    await asyncio.Event().wait()
