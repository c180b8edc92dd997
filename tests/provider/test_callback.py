"""What a method gets for a callable of its consumer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import facade
from facade.testing import connected

LONG = 20.0


@facade.service("callback.Asker")
class Asker:
    async def ask(self, question: Callable[[int], Any]) -> Any: ...


class AskerImpl:
    def __init__(self, asking: Callable[[Any], Any]) -> None:
        self._asking = asking

    async def ask(self, question: Any) -> Any:
        return await self._asking(question.options(timeout=LONG))


async def ask(asking, question):
    async with connected((Asker, AskerImpl(asking)), timeout=LONG) as client:
        return await client.refer(Asker).ask(question)


async def test_from_another_loop():
    """In a thread with an event loop of its own it is awaited as well."""

    async def elsewhere(question):
        async def awaiting():
            return [await question(1), await question.future(2)]

        return await asyncio.to_thread(asyncio.run, awaiting())

    assert await ask(elsewhere, lambda number: number * 10) == [10, 20]


async def test_future_is_found_in_the_context():
    """The last call's future is where those of other calls are."""

    async def asking(question):
        future = question.future(1)
        assert facade.RpcContext.future() is future
        return await future

    assert await ask(asking, lambda number: number) == 1


async def test_options():
    """A call may have a timeout and attachments of its own, and what they make is the same
    callback; its number can't be overridden."""

    async def asking(question):
        other = question.options(attachments={"a": "1", "callback.service.instid": "9"})
        assert other == question
        assert hash(other) == hash(question)
        assert question != "question"
        with pytest.raises(ValueError, match="timeout of the callback"):
            question.options(timeout=0)
        return await other(1)

    assert await ask(asking, lambda _: facade.RpcContext.server_attachments()["a"]) == "1"


async def test_typed_view():
    """``facade.callback`` gives what it is given, if a consumer gave it."""

    async def asking(question):
        assert facade.callback(question) is question
        return await facade.callback(question)(1)

    assert await ask(asking, lambda number: number) == 1
    with pytest.raises(TypeError, match="is no callback of a consumer"):
        facade.callback(print)


async def test_listener_that_fails_to_hear(caplog):
    """One that raises when it hears of the end is logged, and the next one hears of it."""
    heard, told = [], asyncio.Event()

    async def asking(question):
        heard.append(question)
        question.on_close(lambda _: 1 / 0)
        question.on_close(heard.append)
        question.on_close(lambda _: told.set())

    await ask(asking, print)
    await told.wait()
    assert "was to hear of a callback's end" in caplog.text
    assert heard[0] == heard[1]


def test_loop_that_is_gone():
    """In a thread, a call back after the server's loop was closed fails, and does not hang."""
    kept = []

    async def asking(question):
        kept.append(question)

    asyncio.run(ask(asking, print))
    with pytest.raises(facade.Unavailable, match="event loop is closed"):
        kept[0](1)
