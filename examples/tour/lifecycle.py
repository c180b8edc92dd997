"""Providers that come and go."""

import asyncio
from time import monotonic

import facade
from examples.tour.failures import failure
from examples.tour.guest import Guest, hear
from examples.tour.interfaces import Order
from examples.tour.page import expect, show


async def restart(guest: Guest) -> None:
    """The provider crashes and comes back

    The kitchen's process is killed in the middle of a call. That call fails at once, and
    says that it may have run. The next one waits for the kitchen to come back: the same
    client, the same object, a new process.
    """
    old = guest.kitchen_process.pid
    call = facade.bound(guest.kitchen.simmer).future(60.0)
    await hear(guest.kitchen, "simmering began")
    killed = monotonic()
    await guest.kitchen_process.kill()
    error = await failure(call)
    show("killed", f"process {old}")
    assert isinstance(error, facade.Unavailable)
    show(
        "the call failed",
        f"after {(monotonic() - killed) * 1000:.0f} ms, {error.sent.value}: {error}",
    )
    expect(error.sent is facade.Sent.MAYBE_EXECUTED, "the call may have run")
    waiting = asyncio.ensure_future(
        facade.bound(guest.kitchen.cook).options(timeout=30)(Order("soup"))
    )
    await guest.kitchen_process.start()
    meal = await waiting
    show("the next one", f"answered by process {meal.process}")
    through = await guest.waiter.order(Order("soup"))
    show("through the waiter", f"answered by process {through.process}")
    expect(meal.process == through.process == guest.kitchen_process.pid != old, "it is the new one")


async def stop(guest: Guest) -> None:
    """A stop in peace

    The kitchen gets SIGTERM while it works. It takes nothing new, ends what it has begun,
    answers it, and exits with 0.
    """
    call = facade.bound(guest.kitchen.simmer).future(0.5)
    await hear(guest.kitchen, "simmering began")
    guest.kitchen_process.terminate()
    show("SIGTERM", "sent while a call was under way")
    show("the call", await call)
    code = await guest.kitchen_process.wait()
    show("exit code", code)
    late = await failure(facade.bound(guest.kitchen.cook).options(timeout=0.2)(Order("soup")))
    show("a call after that", f"{type(late).__name__}: {late}")
    expect(code == 0 and isinstance(late, facade.Unavailable), "it stopped in peace")


STOPS = [restart, stop]
