"""When the time is up, or nobody waits any more."""

import asyncio

import facade
from examples.tour import plain
from examples.tour.guest import Guest, hear
from examples.tour.page import Surprise, expect, show


async def used_up(guest: Guest) -> None:
    """No time left: nothing is sent

    The guest gives 500 ms, and the waiter dawdles for 700 ms before calling the kitchen.
    That call ends before it begins: nobody would wait for its answer.
    """
    before = await guest.kitchen.cooked()
    try:
        await facade.bound(guest.waiter.dawdle).options(timeout=0.5)(0.7)
    except facade.DeadlineExceeded:
        show("the guest", "got a timeout")
    else:
        raise Surprise("the guest got an answer")
    told = await hear(guest.waiter, "TIMEOUT_TERMINATE")
    show("the waiter's call", told)
    begun = await guest.kitchen.cooked() - before
    show("orders in the kitchen", begun)
    expect("not sent" in told and begun == 0, "nothing was sent")


async def timeout(guest: Guest) -> None:
    """A timeout

    The guest waits 500 ms for something that takes 700. The error says whether the call
    was sent, who had it for how long, and between which addresses; and it is a
    TimeoutError to code that knows nothing of RPC.
    """
    try:
        await facade.bound(guest.kitchen.simmer).options(timeout=0.5)(0.7)
    except TimeoutError as error:
        show(type(error).__name__, error)
        expect("server elapsed" in str(error), "the message tells whose share it was")
        expect(getattr(error, "sent", None) is facade.Sent.MAYBE_EXECUTED, "it may have run")
    else:
        raise Surprise("there was an answer")
    show("the kitchen went on", await hear(guest.kitchen, "simmering ended"))


async def expired(guest: Guest) -> None:
    """An answer that comes too late is cleared

    The provider watches the same countdown. What the method gave after its time is
    dropped, logged and marked as expired, so that nobody takes an empty answer for a real
    one. To see it, a plain gRPC consumer says 500 ms and then waits longer.
    """
    await hear(guest.kitchen, "log: invoke timed out")  # that of the stop before
    address = guest.kitchen_process.address
    result = await plain.invoke(address, "tour.Kitchen", "simmer", 0.7, milliseconds=500)
    show("its answer", f"expired: {result.expired}, value: {result.WhichOneof('outcome')}")
    show("the kitchen's log", await hear(guest.kitchen, "log: invoke timed out"))
    expect(result.expired and result.WhichOneof("outcome") is None, "the answer was cleared")


async def cancelled(guest: Guest) -> None:
    """Cancellation

    The guest leaves. What the kitchen does for that call is cancelled there too, instead
    of running on for nobody.
    """
    call = facade.bound(guest.kitchen.simmer).options(timeout=60)(60.0)
    task = asyncio.ensure_future(call)
    show("the kitchen", await hear(guest.kitchen, "simmering began"))
    task.cancel()
    show("the kitchen", await hear(guest.kitchen, "cancelled"))
    await asyncio.wait([task])
    show("the guest's task", "cancelled" if task.cancelled() else task)
    expect(task.cancelled(), "the task ended as cancelled")


STOPS = [used_up, timeout, expired, cancelled]
