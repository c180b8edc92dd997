"""Processes that fork before, during and after their calls."""

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
