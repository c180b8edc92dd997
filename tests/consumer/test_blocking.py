"""The client for threads. Over gRPC; the provider runs in the test's loop."""

import asyncio
import concurrent.futures
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import facade
from facade import RpcContext
from facade.consumer.engine import Engine
from facade.loops import new_event_loop


@facade.service("blocking.Worker")
class Worker:
    def echo(self, text: str) -> str: ...

    def work(self) -> str: ...

    def show(self) -> dict[str, str]: ...


class Where(facade.Filter):
    """Notes in which thread it runs."""

    def __init__(self) -> None:
        self.threads: list[str] = []

    async def invoke(self, invoker, invocation):
        self.threads.append(threading.current_thread().name)
        return await invoker.invoke(invocation)


class WhereOnThread(Where):
    needs_loop = False


@pytest.fixture
async def server(impl):
    server = facade.Server("127.0.0.1:0")
    server.export(Worker, impl)
    async with server:
        yield server


@pytest.fixture
async def connect(server):
    """Makes clients of the server."""
    clients = []

    def make(**settings):
        client = facade.Client(f"127.0.0.1:{server.port}", **{"timeout": 30, **settings})
        clients.append(client)
        return client

    yield make
    for client in clients:
        await asyncio.to_thread(client.close)


async def test_many_threads_share_a_client(connect):
    """Each thread gets the answers to its own calls."""
    worker = connect().refer(Worker)

    def caller(number: int) -> list[str]:
        return [worker.echo(f"{number}/{call}") for call in range(50)]

    with ThreadPoolExecutor(16) as pool:
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(*(loop.run_in_executor(pool, caller, n) for n in range(16)))
    assert answers == [[f"{n}/{call}" for call in range(50)] for n in range(16)]


async def test_many_clients_share_a_thread(connect):
    """All clients of a process are served by one engine thread."""
    where = [Where() for _ in range(3)]
    workers = [connect(filters=[each]).refer(Worker) for each in where]
    for worker in workers:
        assert await asyncio.to_thread(worker.echo, "hi") == "hi"
    assert {name for each in where for name in each.threads} == {"facade-engine"}


async def test_filter_that_needs_no_loop_runs_on_the_calling_thread(connect):
    """Where all of a client's filters say so."""
    where = WhereOnThread()
    worker = connect(filters=[where]).refer(Worker)
    with ThreadPoolExecutor(1, thread_name_prefix="caller") as pool:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(pool, worker.echo, "hi") == "hi"
    assert where.threads == ["caller_0"]


async def test_filter_that_awaits_the_loop_though_it_says_that_it_does_not(connect):
    """It is told so, instead of hanging."""

    class Lying(facade.Filter):
        needs_loop = False

        async def invoke(self, invoker, invocation):
            await asyncio.sleep(0)
            return await invoker.invoke(invocation)

    worker = connect(filters=[Lying()]).refer(Worker)
    with pytest.raises(RuntimeError, match="needs_loop"):
        await asyncio.to_thread(worker.echo, "hi")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
async def test_filter_that_wants_to_end_the_process(connect, error):
    """Who called gets its exception; the thread that carries all calls goes on."""

    class Ending(facade.Filter):
        async def invoke(self, invoker, invocation):
            raise error

    worker = connect(filters=[Ending()]).refer(Worker)
    other = connect().refer(Worker)

    def call():
        for start in (worker.echo, lambda text: worker.echo.future(text).result()):
            with pytest.raises(error):
                start("hi")
        return other.echo("hi")

    assert await asyncio.to_thread(call) == "hi"


@pytest.mark.parametrize("make", [asyncio.new_event_loop, new_event_loop])
async def test_task_that_wants_to_end_the_process(monkeypatch, caplog, make):
    """One on the thread that carries all calls, which nobody waits for: others call on."""
    monkeypatch.setattr("facade.consumer.engine.new_event_loop", make)
    engine = Engine()

    def leave():
        raise SystemExit(3)

    async def value():
        return "hi"

    engine.loop.call_soon_threadsafe(leave)
    assert await asyncio.to_thread(lambda: engine.submit(value).result()) == "hi"
    assert "SystemExit(3) was raised in the thread that carries all calls" in caplog.text
    engine.stop()
    engine.loop.close()


async def test_blocking_call_from_a_filter(connect):
    """On the thread that carries all calls it would wait for itself: a RuntimeError says so."""
    other = connect().refer(Worker)

    class Blocking(facade.Filter):
        async def invoke(self, invoker, invocation):
            other.echo("from a filter")
            return await invoker.invoke(invocation)

    worker = connect(filters=[Blocking()]).refer(Worker)
    with pytest.raises(RuntimeError, match="would wait for itself"):
        await asyncio.to_thread(worker.echo, "hi")
    assert await asyncio.to_thread(other.echo, "hi") == "hi"


async def test_blocking_call_from_a_callback_of_a_future(connect, impl):
    """So it would there, too."""
    worker = connect().refer(Worker)
    raised: concurrent.futures.Future[Exception] = concurrent.futures.Future()

    def callback(_):
        try:
            worker.echo("from a callback")
        except Exception as error:
            raised.set_result(error)

    future = worker.work.future()
    await impl.started.wait()
    future.add_done_callback(callback)
    impl.released.set()
    error = await asyncio.wait_for(asyncio.wrap_future(raised), 30)
    assert isinstance(error, RuntimeError)
    assert "would wait for itself" in str(error)


async def test_futures_of_one_thread(connect):
    """A thread starts many calls and then takes their values."""
    worker = connect().refer(Worker)

    def caller() -> list[str]:
        futures = [worker.echo.future(str(n)) for n in range(20)]
        return [future.result(30) for future in futures]

    assert await asyncio.to_thread(caller) == [str(n) for n in range(20)]


async def test_futures_as_they_complete(connect, impl):
    """They work with what concurrent.futures has for futures."""
    worker = connect().refer(Worker)
    slow, quick = worker.work.future(), worker.echo.future("quick")

    def first() -> str:
        done, _ = concurrent.futures.wait(
            (slow, quick), 30, return_when=concurrent.futures.FIRST_COMPLETED
        )
        return done.pop().result()

    assert await asyncio.to_thread(first) == "quick"
    impl.released.set()
    assert await asyncio.wrap_future(slow) == "done"


async def test_wait_for_futures_that_are_cancelled(connect, impl):
    """Who waits for several hears of each, be it cancelled before or after its call began."""
    client = connect()
    work = facade.bound(client.refer(Worker).work)

    def call():
        futures = [work.future() for _ in range(20)]
        assert all(future.cancel() for future in futures)
        return concurrent.futures.wait(futures, timeout=20)

    done, waiting = await asyncio.to_thread(call)
    assert (len(done), len(waiting)) == (20, 0)


async def test_future_that_is_cancelled(connect, impl):
    """The call ends at the provider, and who waits for it is told; after its end it is too late."""
    worker = connect().refer(Worker)
    future = worker.work.future()
    assert await asyncio.wait_for(impl.started.wait(), 30)
    assert future.cancel()
    done, _ = await asyncio.to_thread(concurrent.futures.wait, [future], 30)
    assert done == {future}
    assert future.cancelled()
    quick = worker.echo.future("quick")
    assert await asyncio.to_thread(quick.result, 30) == "quick"
    assert not quick.cancel()


async def test_future_that_fails(connect):
    """Its exception is the call's."""
    future = connect().generic("blocking.Worker").method("nothing").future()
    with pytest.raises(facade.Unimplemented):
        await asyncio.wrap_future(future)


async def test_attachments_are_each_thread_s_own(connect):
    """What one thread sets goes with its own next call only."""
    worker = connect().refer(Worker)
    meeting = threading.Barrier(4)

    def caller(name: str) -> list[dict[str, str]]:
        RpcContext.client_attachments()["who"] = name
        meeting.wait(30)
        return [worker.show(), worker.show()]

    with ThreadPoolExecutor(4) as pool:
        loop = asyncio.get_running_loop()
        shown = await asyncio.gather(*(loop.run_in_executor(pool, caller, n) for n in "abcd"))
    assert shown == [[{"who": name}, {}] for name in "abcd"]


async def test_method_that_calls_another_provider(connect, server):
    """A ``def`` method may use a blocking client: context and time go on with it."""
    next = connect().refer(Worker)

    @facade.service("blocking.Hop")
    class Hop:
        def show(self) -> dict[str, str]:
            shown = next.show()
            countdown = RpcContext.countdown()
            assert countdown is not None
            return {**shown, "limited": str(countdown.timeout <= 30)}

    first = facade.Server("127.0.0.1:0")
    first.export(Hop, Hop())
    async with first:
        client = facade.Client(f"127.0.0.1:{first.port}", timeout=30)
        try:
            show = client.refer(Hop).show.options(attachments={"trace": "7"})
            assert await asyncio.to_thread(show) == {"trace": "7", "limited": "True"}
        finally:
            await asyncio.to_thread(client.close)


async def test_client_as_a_context_manager(server):
    """It connects when it is first used, and hangs up at the end."""

    def use() -> tuple[str, facade.Client]:
        with facade.Client(f"127.0.0.1:{server.port}", timeout=30) as client:
            return client.refer(Worker).echo("hi"), client

    answer, client = await asyncio.to_thread(use)
    assert answer == "hi"
    with pytest.raises(facade.Unavailable, match="the client is closed"):
        await asyncio.to_thread(client.refer(Worker).echo, "hi")


async def test_ready(connect):
    """It waits for a connection."""
    client = connect()
    await asyncio.to_thread(client.ready, 30)
    assert await asyncio.to_thread(client.refer(Worker).echo, "hi") == "hi"


async def test_close_lets_calls_end(connect, impl):
    """A thread that waits gets its answer, though another closes the client."""
    client = connect()
    call = asyncio.ensure_future(asyncio.to_thread(client.refer(Worker).work))
    await impl.started.wait()
    closing = asyncio.ensure_future(asyncio.to_thread(client.close, 30))
    await asyncio.sleep(0)
    impl.released.set()
    assert await call == "done"
    await closing


async def test_error_while_sending_reaches_who_waits(connect):
    """Whatever can't be written fails the call, and leaves no thread waiting for ever."""
    client = connect()
    await asyncio.to_thread(client.refer(Worker).echo, "hi")
    outcome: concurrent.futures.Future[object] = concurrent.futures.Future()

    def caller() -> None:
        try:
            outcome.set_result(client.generic("\udcff").invoke("not even text"))
        except BaseException as error:
            outcome.set_exception(error)

    # A daemon: were it to wait for ever, it would not keep the interpreter.
    threading.Thread(target=caller, daemon=True).start()
    done, _ = await asyncio.to_thread(concurrent.futures.wait, [outcome], 10)
    assert done, "the thread still waits"
    assert isinstance(outcome.exception(), Exception)
    assert await asyncio.to_thread(client.refer(Worker).echo, "hi") == "hi"
