"""When something goes wrong."""

from collections.abc import Awaitable

import facade
from examples.tour.guest import Guest
from examples.tour.interfaces import Menu, Order, SoldOut
from examples.tour.page import Surprise, expect, show


async def exceptions(guest: Guest) -> None:
    """Exceptions come back as themselves

    What the kitchen raises, the guest catches: Python's own classes, and those that both
    ends declared. An exception that only the kitchen knows arrives as a RemoteError that
    names it. These came through the waiter, over two hops.
    """
    sold_out = await failure(guest.waiter.order(Order("pie", 9)))
    unknown = await failure(guest.waiter.order(Order("unicorn")))
    burnt = await failure(guest.kitchen.bake())
    show("declared", repr(sold_out))
    show("Python's own", repr(unknown))
    show("only known there", f"{type(burnt).__name__}: {burnt}")
    expect(isinstance(sold_out, SoldOut) and sold_out.left == 4, "it is whole")
    expect(isinstance(unknown, KeyError), "it is a KeyError")
    expect(isinstance(burnt, facade.RemoteError) and "OvenOnFire" in burnt.type, "it is named")


async def names(guest: Guest) -> None:
    """Errors that name what is wrong

    A wrong name is answered with the right ones, a wrong argument with its place. Each
    error also says whether the call may have run, which decides whether to repeat it.
    """
    generic = guest.kitchen_client.generic
    version_9 = guest.kitchen_client.refer(Menu, version="9.0.0")
    wrong: list[tuple[str, Awaitable[object], str]] = [
        ("method", generic("tour.Kitchen").invoke("coook"), "did you mean 'cook'"),
        ("service", generic("tour.Kitchn").invoke("cook"), "did you mean 'tour.Kitchen'"),
        ("version", version_9.dishes(), "dinner/tour.Menu:2.0.0"),
        ("no argument", guest.kitchen.cook(), "missing"),  # type: ignore[call-arg]
        ("argument", guest.kitchen.cook(Order("soup", "two")), ".portions"),  # type: ignore[arg-type]
    ]
    for what, call, words in wrong:
        error = await failure(call)
        expect(isinstance(error, facade.RpcError), f"{error!r} is an RpcError")
        assert isinstance(error, facade.RpcError)
        show(what, f"{type(error).__name__}, {error.sent.value}: {error}")
        expect(words in str(error), f"the message tells {words!r}")


async def failure(call: Awaitable[object]) -> Exception:
    try:
        answer = await call
    except Exception as error:
        return error
    raise Surprise(f"the answer was {answer!r}, and not an error")


STOPS = [exceptions, names]
