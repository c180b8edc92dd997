import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import facade
from facade.core import DeadlineExceeded, Sent, Unavailable
from facade.filters.circuit_breaker import CircuitBreaker, State
from facade.testing import FakeInvoker, connected_blocking, invocation


def outage(virtual, breaker):
    """A hundred calls a second for a minute; the provider is dead from 20 to 40 s. How many
    calls it saw, and how many were answered, in each 10 s."""
    started = virtual.now
    seen, answered = [0] * 6, [0] * 6

    async def provider(invocation):
        at = virtual.now - started
        seen[int(at / 10)] += 1
        if 20 <= at < 40:
            await asyncio.sleep(0.5)
            raise DeadlineExceeded("late")
        return "answer"

    rest = FakeInvoker(function=provider)

    async def one():
        at = int((virtual.now - started) / 10)
        try:
            await breaker.invoke(rest, invocation("hello", "Ann"))
        except (Unavailable, DeadlineExceeded):
            return
        answered[at] += 1

    async def minute():
        tasks = []
        for number in range(6000):
            await asyncio.sleep(started + number / 100 - virtual.now)
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)

    virtual.run_until_complete(minute())
    return seen, answered


def test_dead_provider_is_left_alone_and_found_again(virtual):
    """Between the opening and the recovery it sees a few probes; then it has all calls."""
    seen, answered = outage(virtual, CircuitBreaker(clock=virtual.time))
    assert seen[:2] == answered[:2] == [1000, 1000]
    assert seen[2] < 700, "it takes half of a window to be sure"
    assert seen[3] <= 3 * 2
    assert answered[4] >= 400, "open for 5 s at most after the recovery"
    assert seen[5] == answered[5] == 1000


def test_threads_share_one():
    """No count is lost, and it opens once, however many threads call."""
    breaker = CircuitBreaker(minimum=400, failure_share=1.0)
    dead = FakeInvoker(error=Unavailable("lost"))
    start = threading.Barrier(8)

    def run(_):
        start.wait()
        for _ in range(50):
            with pytest.raises(Unavailable):
                breaker.invoke(dead, invocation("hello", service="demo.Greeter")).send(None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    assert breaker.states() == {"demo.Greeter.hello": State.OPEN}


def test_blocking_client_keeps_its_calls_on_their_thread():
    """It needs no loop, and cuts a method off end to end; others go on."""

    @facade.service("demo.Greeter")
    class Greeter:
        def hello(self, name: str) -> str: ...
        def bye(self) -> str: ...

    class Impl(Greeter):
        def hello(self, name):
            return f"Hello {name}"

        def bye(self):
            return "Bye"

    class Fail(facade.Filter):
        async def invoke(self, invoker, invocation):
            if invocation.name == "hello":
                raise Unavailable("stops", sent=Sent.NOT_EXECUTED)
            return await invoker.invoke(invocation)

    breaker = CircuitBreaker(minimum=2)
    with connected_blocking(
        (Greeter, Impl()), filters=[breaker], server_filters=[Fail()], timeout=10
    ) as client:
        greeter = client.refer(Greeter)
        for _ in range(2):
            with pytest.raises(Unavailable, match="stops"):
                greeter.hello("Ann")
        with pytest.raises(Unavailable, match="circuit breaker is open"):
            greeter.hello("Ann")
        assert greeter.bye() == "Bye"
