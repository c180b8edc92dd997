"""Several event loops, and many threads, in one process."""

import pytest

from tests.faults.script import run_script


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
