"""Oneway calls: nothing comes back, not even an error."""

import asyncio
import logging

import pytest

import facade


@facade.service("oneway.Journal")
class Journal:
    @facade.method(oneway=True)
    async def log(self, line: str) -> None: ...

    async def add(self, line: str) -> int: ...


class JournalImpl(Journal):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.logged = asyncio.Event()

    async def log(self, line: str) -> None:
        self.started.set()
        await self.released.wait()
        self.lines.append(line)
        self.logged.set()

    async def add(self, line: str) -> int:
        self.lines.append(line)
        self.logged.set()
        return len(self.lines)


async def test_oneway_method_does_not_wait(wire):
    """The caller goes on while the method still runs."""
    impl = JournalImpl()
    journal = await wire.refer(Journal, impl)
    assert await wire.call(journal.log, "line") is None
    assert impl.lines == []
    await impl.started.wait()
    impl.released.set()
    await impl.logged.wait()
    assert impl.lines == ["line"]


async def test_oneway_call_of_another_method(wire):
    """Any method can be called so, and its value is dropped."""
    impl = JournalImpl()
    journal = await wire.refer(Journal, impl)
    assert await wire.call(journal.add.oneway, "line") is None
    await impl.logged.wait()
    assert impl.lines == ["line"]


async def test_oneway_call_with_attachments(wire):
    """Attachments go with it."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    class Curious(JournalImpl):
        async def log(self, line: str) -> None:
            seen.put_nowait(str(facade.RpcContext.server_attachments()["who"]))

    journal = await wire.refer(Journal, Curious())
    await wire.call(journal.log.options(attachments={"who": "Ann"}), "line")
    assert await seen.get() == "Ann"


@pytest.mark.parametrize("wire", ["memory", "stream", "blocking", "injvm"], indirect=True)
async def test_oneway_calls_arrive_in_order(wire):
    """The first line is there before the call that is made after it (gRPC's own have no order)."""
    impl = JournalImpl()
    impl.released.set()
    journal = await wire.refer(Journal, impl)
    await wire.call(journal.log, "first")
    assert await wire.call(journal.add, "second") == 2
    assert impl.lines == ["first", "second"]


async def test_error_of_a_oneway_method_reaches_nobody(wire):
    """The caller is not told, and the next call is none the worse for it."""
    failed = asyncio.Event()

    class Failing(JournalImpl):
        async def log(self, line: str) -> None:
            failed.set()
            raise ValueError("no")

    journal = await wire.refer(Journal, Failing())
    assert await wire.call(journal.log, "line") is None
    await failed.wait()
    assert await wire.call(journal.add, "line") == 1


async def test_error_of_a_oneway_method_is_logged(wire):
    """The provider's log tells what nobody else is told."""

    class Failing(JournalImpl):
        async def log(self, line: str) -> None:
            raise ValueError("the disk is full")

    records: asyncio.Queue[str] = asyncio.Queue()
    handler = logging.Handler()
    handler.emit = lambda record: records.put_nowait(record.getMessage())
    logger = logging.getLogger("facade")
    journal = await wire.refer(Journal, Failing())
    logger.addHandler(handler)
    try:
        await wire.call(journal.log, "line")
        message = await asyncio.wait_for(records.get(), 10)
    finally:
        logger.removeHandler(handler)
    assert "oneway.Journal.log" in message
    assert "the disk is full" in message


async def test_oneway_call_that_is_refused(wire):
    """A method that does not exist is no error to a oneway caller, either."""
    impl = JournalImpl()
    server = await wire.provide((Journal, impl))
    client = wire.connect(server)
    nothing = client.generic("oneway.Journal").method("nothing")
    assert await wire.call(nothing.oneway, "line") is None
    assert await wire.call(client.refer(Journal).add, "line") == 1


async def test_oneway_call_that_can_not_be_sent(wire):
    """What fails before anything is sent is told."""
    journal = await wire.refer(Journal, JournalImpl())
    with pytest.raises(facade.InvalidArgument, match="'line'"):
        await wire.call(journal.log)


async def test_stop_waits_for_a_oneway_call(wire):
    """A stopping provider lets a oneway call that it has received end."""
    impl = JournalImpl()
    server = await wire.provide((Journal, impl))
    await wire.call(wire.connect(server).refer(Journal).log, "line")
    await impl.started.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    impl.released.set()
    await stopping
    assert impl.lines == ["line"]
