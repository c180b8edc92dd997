"""The provider's own load, which p2c goes by."""

import asyncio

import pytest

import facade
from facade.core.load import LOAD
from facade.filters.load import Load
from facade.testing import FakeInvoker, invocation


@facade.service("test.Worker")
class Worker:
    async def work(self) -> None: ...


class WorkerImpl(Worker):
    def __init__(self):
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def work(self):
        self.started.set()
        await self.released.wait()


async def test_load_is_calls_that_run_beside_what_the_provider_can_do():
    """This call has ended: the others count."""
    filter, impl = Load(4), WorkerImpl()
    waiting = FakeInvoker()

    async def wait(invocation):
        impl.started.set()
        await impl.released.wait()
        return facade.Result()

    waiting.invoke = wait
    running = asyncio.create_task(filter.invoke(waiting, invocation("work")))
    await impl.started.wait()
    result = await filter.invoke(FakeInvoker(), invocation("work"))
    assert result.attachments[LOAD] == "0.25"
    impl.released.set()
    assert (await running).attachments[LOAD] == "0"


async def test_load_may_be_said_by_a_function_or_the_system():
    result = await Load(lambda: 0.5).invoke(FakeInvoker(), invocation("work"))
    assert result.attachments[LOAD] == "0.5"
    assert float((await Load().invoke(FakeInvoker(), invocation("work"))).attachments[LOAD]) >= 0


async def test_it_is_off_unless_a_setting_says_so():
    server = facade.Server("injvm")
    assert "load" not in repr(server.export(Worker, WorkerImpl()).invoker)
    assert "load" in repr(server.export(Worker, WorkerImpl(), group="b", load=8).invoker)


def test_load_that_cannot_be_is_an_error_at_once():
    with pytest.raises(ValueError, match="1 or more"):
        facade.Server("injvm").export(Worker, WorkerImpl(), load=-1)


async def test_function_that_fails_costs_no_answer(caplog):
    """The call has run all the same: the log has it."""
    result = await Load(lambda: 1 / 0).invoke(FakeInvoker("done"), invocation("work"))
    assert result.value == "done"
    assert LOAD not in result.attachments
    assert "does not tell a load" in caplog.text
