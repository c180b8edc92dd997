"""What surrounds a call."""

import facade
from examples.tour.guest import Guest
from examples.tour.interfaces import Order
from examples.tour.page import expect, show


async def attachments(guest: Guest) -> None:
    """Attachments, there and back

    Beside its arguments a call carries small named notes. The provider reads them, and
    sends notes of its own back beside the answer. No signature mentions them.
    """
    facade.RpcContext.client_attachments()["table"] = "12"
    meal = await guest.kitchen.cook(Order("soup"))
    stove = str(facade.RpcContext.response_attachments()["stove"])
    show("the kitchen read", f"table {meal.table}")
    show("the guest got back", f"stove {stove}")
    again = await guest.kitchen.cook(Order("soup"))
    show("with the next call", f"table {again.table or 'none'}: notes go along once")
    expect((meal.table, stove, again.table) == ("12", "2", ""), "each note went once")


async def two_hops(guest: Guest) -> None:
    """Context over two hops

    The guest calls the waiter, who calls the kitchen. A note of the guest reaches the
    kitchen, though the waiter's code does nothing for it. A name that is reserved for
    the library, such as "token", does not.
    """
    notes = facade.RpcContext.client_attachments()
    notes.update({"trace-id": "4bf92f35", "token": "secret"})
    hops = await guest.waiter.look()
    for hop in hops:
        show(f"the {hop.provider} saw", f"caller {hop.caller}, notes {hop.attachments}")
    expect([hop.caller for hop in hops] == ["guest", "waiter"], "each knows its caller")
    expect(
        all(hop.attachments == {"trace-id": "4bf92f35"} for hop in hops),
        "the trace-id reached both, and nothing else did",
    )


async def countdown(guest: Guest) -> None:
    """A countdown over two hops

    The guest waits 8 s in all. Each hop knows how much of it is left, and gives no more
    than that to the next one. The waiter keeps 100 ms of it.
    """
    hops = await facade.bound(guest.waiter.look).options(timeout=8)()
    show("the guest gives", "8000 ms")
    for hop in hops:
        show(f"the {hop.provider} has left", f"{hop.time_left * 1000:.0f} ms")
    waiter, kitchen = (hop.time_left for hop in hops)
    expect(8 > waiter > kitchen > 0 and waiter - kitchen >= 0.09, "the time shrank")


STOPS = [attachments, two_hops, countdown]
