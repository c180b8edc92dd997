"""Processes that end with clients, servers and calls left open."""

import pytest

from tests.faults.busy import usual
from tests.faults.script import run_script

# With calls that hang, and all of it still referred to when the interpreter goes.
# The servers are patient with their loops: one would log that the machine stood still.
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
    server = facade.Server("127.0.0.1:0", slow_loop=60)
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
    server = facade.Server("127.0.0.1:0", slow_loop=60)
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
    server = facade.Server("127.0.0.1:0", slow_loop=60)
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
    server = facade.Server("127.0.0.1:0", slow_loop=60)
    async with server, facade.AsyncClient(TARGET, timeout=20) as client:
        await client.refer(Work).echo("hello")
        print("end", flush=True)
        sys.exit(0)

asyncio.run(main())
""",
}


@pytest.mark.parametrize("name", EXITS)
async def test_exit(provider, report_time, short, name):
    """Exit code 0, nothing on standard error, and no waiting for what still runs."""
    one = await provider()
    tries = []

    async def after():
        tries.append(await run_script(one.target, EXITS[name]))
        return tries[-1].after

    worst = max([await usual(after, 1.0) for _ in range(1 if short else 3)])
    wrong = [t for t in tries if t.code or t.errors]
    assert not wrong, wrong[0]
    report_time(f"exit: {name}", worst, 1.0)
