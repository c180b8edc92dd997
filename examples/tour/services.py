"""What stands at one port, and what stands around a call."""

import textwrap

import facade
from examples.tour.guest import Guest
from examples.tour.interfaces import Menu, Order
from examples.tour.page import expect, show


async def one_port(guest: Guest) -> None:
    """Many services on one port

    The kitchen also has menus: one interface, exported three times under a group and a
    version. The guest picks by name, over the same connection.
    """
    refer = guest.kitchen_client.refer
    menus = {
        "lunch, 1.0.0": refer(Menu),
        "dinner, 1.0.0": refer(Menu, group="dinner"),
        "dinner, 2.0.0": refer(Menu, group="dinner", version="2.0.0"),
    }
    dishes = {name: await menu.dishes() for name, menu in menus.items()}
    for name, listed in dishes.items():
        show(name, ", ".join(listed))
    expect([len(listed) for listed in dishes.values()] == [1, 2, 3], "they are three menus")


async def own_filter(guest: Guest) -> None:
    """A filter of one's own

    A filter is code around a call, at either end: examples/tour/stopwatch.py is a few
    lines. The guest, the waiter and the kitchen each have one in their chain, and each
    sends its time along with the answer.
    """
    await guest.waiter.order(Order("soup"))
    times = dict(facade.RpcContext.response_attachments())
    labels = ["time-at-guest", "time-with-waiter", "time-in-kitchen"]
    for label in labels:
        show(label, times[label])
    outer, middle, inner = (float(str(times[label]).split()[0]) for label in labels)
    expect(outer >= middle >= inner, "each encloses the next")


async def chains(guest: Guest) -> None:
    """The chains that such a call ran through

    Nothing is hidden: a chain prints as what it is, the outermost filter first. These are
    the guest's own, and those that the providers tell of themselves.
    """
    in_waiter, to_kitchen = await guest.waiter.chains()
    in_kitchen = (await guest.kitchen.chains())[0]
    ours = repr(guest.waiter_client.invoker)
    for who, chain in [("guest", ours), ("waiter", in_waiter)]:
        show_chain(who, chain)
    print(f"  {'':8}   -> order() calls the kitchen")
    for who, chain in [("waiter", to_kitchen), ("kitchen", in_kitchen)]:
        show_chain(who, chain)
    expect(ours.startswith("consumer_context -> stopwatch -> RemoteInvoker"), "ours is so")
    expect(
        in_kitchen
        == "context -> exception -> timeout -> stopwatch -> LocalInvoker('tour.Kitchen')",
        "theirs is",
    )


def show_chain(who: str, chain: str) -> None:
    first, rest = f"  {who:8} ", " " * 13
    lines = textwrap.wrap(
        chain, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
    print(*lines, sep="\n")


STOPS = [one_port, own_filter, chains]
