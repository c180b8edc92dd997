"""Forks, ends of interpreters, several event loops and many threads."""

import pytest

from tests.faults.script import run_script

FORKS = {
    "fork before the first call": """
client = facade.Client(TARGET, timeout=20)
work = client.refer(Blocking)
pid = os.fork()
attempt("child" if pid == 0 else "parent", work)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
""",
    "fork after a call": """
client = facade.Client(TARGET, timeout=20)
work = client.refer(Blocking)
work.echo("before")
pid = os.fork()
attempt("child" if pid == 0 else "parent", work)
if pid == 0:
    attempt("child's own")
    os._exit(0)
os.waitpid(pid, 0)
attempt("parent", work)
""",
    "fork during calls": """
client = facade.Client(TARGET, timeout=20)
work = client.refer(Blocking)
held = [facade.bound(work.hang).future(str(n)) for n in range(20)]
work.echo("before")
pid = os.fork()
attempt("child" if pid == 0 else "parent", work)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
print("parent still waits" if not any(f.done() for f in held) else "parent lost calls")
for future in held:
    future.cancel()
""",
    "fork within an event loop": """
async def main():
    async with facade.AsyncClient(TARGET, timeout=20) as client:
        work = client.refer(Work)
        await work.echo("before")
        pid = os.fork()
        if pid == 0:
            attempt("child")
            os._exit(0)
        await asyncio.to_thread(os.waitpid, pid, 0)
        print("parent", await work.echo("hello"))

asyncio.run(main())
""",
    "fork after an event loop, and in a thread": """
async def main():
    async with facade.AsyncClient(TARGET, timeout=20) as client:
        await client.refer(Work).echo("before")

def fork():
    pid = os.fork()
    attempt("child" if pid == 0 else "parent")
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

asyncio.run(main())
fork()
thread = threading.Thread(target=fork)
thread.start()
thread.join()
""",
    "multiprocessing fork": """
import multiprocessing
attempt("parent")
process = multiprocessing.get_context("fork").Process(target=attempt, args=("child",))
process.start()
process.join(30)
print("exit", process.exitcode)
attempt("parent")
""",
    "multiprocessing fork, the parent has not called": """
import multiprocessing
client = facade.Client(TARGET, timeout=20)
process = multiprocessing.get_context("fork").Process(target=attempt, args=("child",))
process.start()
attempt("parent")
process.join(30)
print("exit", process.exitcode)
""",
    "multiprocessing forkserver": """
import multiprocessing, tests.faults.forked
attempt("parent")
context = multiprocessing.get_context("forkserver")
process = context.Process(target=tests.faults.forked.attempt, args=("child", TARGET))
process.start()
process.join(30)
print("exit", process.exitcode)
attempt("parent")
""",
    "prefork server": """
# As gunicorn does: what the application imports is made once, and forked; one more worker is
# forked later, for one that has died.
client = facade.Client(TARGET, timeout=20)
work = client.refer(Blocking)

def worker(name):
    pid = os.fork()
    if pid == 0:
        for _ in range(3):
            attempt(name, work)
        os._exit(0)
    return pid

workers = [worker("child") for _ in range(3)]
for pid in workers:
    assert os.waitpid(pid, 0)[1] == 0
assert os.waitpid(worker("child"), 0)[1] == 0
attempt("parent", work)
""",
}

CLEAR = ("RuntimeError gRPC was in use", "RuntimeError this client was made before a fork")


@pytest.mark.parametrize("name", FORKS)
async def test_fork(provider, report, name):
    """Parent and child both work, or say at their first use what to do; neither hangs,
    and gRPC has nothing to complain of."""
    one = await provider()
    ended = await run_script(one.target, FORKS[name])
    said = [line for line in ended.lines if line.startswith(("child", "parent"))]
    children = [x for x in said if x.startswith("child")]
    parents = [x for x in said if x.startswith("parent")]
    good = (
        ended.code == 0
        and bool(children)
        and bool(parents)
        and all(x.endswith(" hello") or any(c in x for c in CLEAR) for x in children)
        and all(x.endswith((" hello", "still waits")) for x in parents)
        and "exit -" not in " ".join(ended.lines)
        and not ended.errors
    )
    works = all(x.endswith(" hello") for x in children)
    figure = "both work" if works else "the child is told"
    report(name, figure if good else f"{ended}", "works, or a clear error", good)


# With calls that hang, and all of it still referred to when the interpreter goes.
BOTH = """
@facade.service("faults.Work")
class Desk:
    async def echo(self, text: str) -> str: ...
    async def hang(self, id: str) -> str: ...

class DeskImpl:
    async def echo(self, text):
        return text
    async def hang(self, id):
        await asyncio.sleep(3600)

async def main():
    global server, client, calls
    server = facade.Server("127.0.0.1:0")
    server.export(Desk, DeskImpl())
    await server.start()
    client = facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=60)
    work = client.refer(Desk)
    calls = [asyncio.ensure_future(work.hang(str(n))) for n in range(20)]
    await work.echo("hello")
    await asyncio.sleep(0.1)
"""

IN_THREAD = (
    BOTH
    + """
def serve():
    async def for_ever():
        await main()
        ready.set()
        await asyncio.Event().wait()
    asyncio.run(for_ever())

ready = threading.Event()
threading.Thread(target=serve, daemon=True).start()
ready.wait()
"""
)

EXITS = {
    "AsyncClient left open in asyncio.run": """
async def main():
    client = facade.AsyncClient(TARGET, timeout=20)
    work = client.refer(Work)
    await work.echo("hello")
    calls = [asyncio.ensure_future(work.hang(str(n))) for n in range(50)]
    await asyncio.sleep(0.1)

asyncio.run(main())
print("end", flush=True)
""",
    "AsyncClient left by an exception": """
async def main():
    async with facade.AsyncClient(TARGET, timeout=20) as client:
        work = client.refer(Work)
        await work.echo("hello")
        futures = [facade.bound(work.hang).future(str(n)) for n in range(50)]
        await asyncio.sleep(0.1)
        for future in futures:
            future.cancel()

asyncio.run(main())
print("end", flush=True)
""",
    "Client with calls in daemon threads": """
client = facade.Client(TARGET, timeout=60)
work = client.refer(Blocking)
work.echo("hello")
for n in range(16):
    threading.Thread(target=work.hang, args=(str(n),), daemon=True).start()
time.sleep(0.2)
print("end", flush=True)
""",
    "Client with futures that nobody awaits": """
client = facade.Client(TARGET, timeout=60)
work = client.refer(Blocking)
work.echo("hello")
futures = [facade.bound(work.hang).future(str(n)) for n in range(50)]
print("end", flush=True)
""",
    "Client that has closed": """
with facade.Client(TARGET, timeout=60) as client:
    client.refer(Blocking).echo("hello")
print("end", flush=True)
""",
    "Server left open in asyncio.run": """
async def main():
    server = facade.Server("127.0.0.1:0")
    await server.start()

asyncio.run(main())
print("end", flush=True)
""",
    "a server and its client left open in asyncio.run": BOTH
    + """
asyncio.run(main())
print("end", flush=True)
""",
    "a server and its client left open by sys.exit": BOTH
    + """
async def leave():
    await main()
    print("end", flush=True)
    sys.exit(0)

asyncio.run(leave())
""",
    "a server and its client in a loop never closed": BOTH
    + """
asyncio.new_event_loop().run_until_complete(main())
print("end", flush=True)
""",
    "a server and its client in a daemon thread": IN_THREAD
    + """
print("end", flush=True)
""",
    "a server in a daemon thread and a Client": IN_THREAD
    + """
theirs = facade.Client(f"127.0.0.1:{server.port}", timeout=60)
futures = [facade.bound(theirs.refer(Blocking).hang).future(str(n)) for n in range(20)]
theirs.refer(Blocking).echo("hello")
print("end", flush=True)
""",
    "plain methods that hang in the server's threads": """
class DeskImpl:
    def echo(self, text):
        return text
    def hang(self, id):
        begun.release()
        time.sleep(3600)

async def main():
    server = facade.Server("127.0.0.1:0")
    server.export(Blocking, DeskImpl())
    await server.start()
    client = facade.AsyncClient(f"127.0.0.1:{server.port}", timeout=60)
    work = client.refer(Work)
    calls = [asyncio.ensure_future(work.hang(str(n))) for n in range(8)]
    for _ in calls:
        await asyncio.to_thread(begun.acquire)

begun = threading.Semaphore(0)
asyncio.run(main())
print("end", flush=True)
""",
    "sys.exit beside a server and its client": """
async def main():
    async with facade.Server("127.0.0.1:0"), facade.AsyncClient(TARGET, timeout=20) as client:
        await client.refer(Work).echo("hello")
        print("end", flush=True)
        sys.exit(0)

asyncio.run(main())
""",
}


@pytest.mark.parametrize("name", EXITS)
async def test_exit(provider, report, short, name):
    """Exit code 0, nothing on standard error, and no waiting for what still runs."""
    one = await provider()
    tries = [await run_script(one.target, EXITS[name]) for _ in range(1 if short else 3)]
    worst = max(t.after for t in tries)
    wrong = [t for t in tries if t.code or t.errors]
    good = not wrong and worst < 1.0
    figure = f"{worst * 1000:.0f} ms"
    report(f"exit: {name}", figure if not wrong else f"{wrong[0]}", "1 s, code 0, silence", good)


async def test_two_runs_in_a_row(provider, report):
    """A client that was made at import, outside of any loop, works in each asyncio.run, and
    nobody complains of those that ended before it was closed."""
    one = await provider()
    ended = await run_script(
        one.target,
        """
client = facade.AsyncClient(TARGET, timeout=20)
work = client.refer(Work)

async def main(close):
    print(await work.echo("hello"))
    if close:
        await client.close()

for close in (False, False, True):
    asyncio.run(main(close))
""",
    )
    good = ended.lines == ["hello"] * 3 and not ended.code and not ended.errors
    report(
        "asyncio.run 3 times, client made at import", "works" if good else f"{ended}", "works", good
    )


@pytest.mark.parametrize(("loops", "threads"), [(1, 16), (2, 16), (4, 16)])
async def test_loops_and_threads(provider, report, short, loops, threads):
    """A client in each of several loops, and one that many threads share, all at once: every
    answer is that of its call."""
    one = await provider()
    calls = 100 if short else 1000
    ended = await run_script(
        one.target,
        f"""
bclient = facade.Client(TARGET, timeout=60)
bwork = bclient.refer(Blocking)
right = []

def by_loop(number):
    async def main():
        texts = [f"loop-{{number}}-{{n}}" for n in range({calls})]
        async with facade.AsyncClient(TARGET, timeout=60) as client:
            work = client.refer(Work)
            for at in range(0, len(texts), 50):
                some = texts[at:at + 50]
                answers = await asyncio.gather(*map(work.echo, some))
                right.extend(a == b for a, b in zip(some, answers))
    asyncio.run(main())

def by_thread(number):
    for n in range({calls} // 10):
        text = f"thread-{{number}}-{{n}}"
        right.append(bwork.echo(text) == text)

ts = [threading.Thread(target=by_loop, args=(n,)) for n in range({loops})]
ts += [threading.Thread(target=by_thread, args=(n,)) for n in range({threads})]
for t in ts: t.start()
for t in ts: t.join()
print(sum(right), len(right))
""",
    )
    total = calls * loops + calls // 10 * threads
    good = ended.lines == [f"{total} {total}"] and not ended.code and not ended.errors
    name = f"{loops} loops and {threads} threads: right answers"
    report(name, " ".join(ended.lines) if good else f"{ended}", "all, in silence", good)


@pytest.mark.parametrize("loops", [1, 2, 4])
async def test_one_client_in_several_loops(provider, report, short, loops):
    """The loop that called first is served, and the others are told at once what to do."""
    one = await provider()
    calls = 20 if short else 500
    ended = await run_script(
        one.target,
        f"""
client = facade.AsyncClient(TARGET, timeout=20)
work = client.refer(Work)
connected, done = threading.Event(), threading.Event()
said = []

def first():
    async def main():
        await work.echo("connected")
        connected.set()
        while not done.is_set() or len(said) < {calls}:
            said.append(await work.echo("hello") == "hello")
        await client.close()
    asyncio.run(main())

def other():
    async def main():
        for _ in range({calls}):
            try:
                await work.echo("hello")
                print("went over the connection of another loop")
            except RuntimeError as error:
                if "make one in each loop" not in str(error):
                    print(repr(error))
    asyncio.run(main())

ts = [threading.Thread(target=first)]
ts[0].start()
connected.wait()
ts += [threading.Thread(target=other) for _ in range({loops} - 1)]
for t in ts[1:]: t.start()
for t in ts[1:]: t.join()
done.set()
ts[0].join()
print("all right" if all(said) else "wrong answers")
""",
    )
    good = ended.lines == ["all right"] and not ended.code and not ended.errors
    figure = "served" if loops == 1 else "one served, others told"
    report(
        f"{loops} loops with one AsyncClient",
        figure if good else f"{ended}",
        "works, or a clear error",
        good,
    )
