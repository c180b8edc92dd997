"""Ways to call."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter

import facade
from examples.tour import plain
from examples.tour.guest import Guest, hear
from examples.tour.interfaces import Kitchen, Meal, Order
from examples.tour.page import expect, show


async def typed(guest: Guest) -> None:
    """A call

    The guest has a Python class with type hints, and no generated code. Calling its
    method runs it in another process; a dataclass goes there, and a dataclass comes back.
    """
    meal = await guest.kitchen.cook(Order("soup", 2))
    show("await cook(soup, 2)", meal)
    expect(meal == Meal("soup", 2, "", guest.kitchen_process.pid), "the kitchen cooked it")


async def blocking(guest: Guest) -> None:
    """The same call without asyncio

    Code that knows nothing of event loops takes another client and just waits. Any
    number of threads may share it.
    """

    def ordinary() -> list[object]:
        with facade.Client(guest.kitchen_process.address, timeout=10) as client:
            kitchen = client.refer(Kitchen)
            return [kitchen.cook(Order("soup")), facade.bound(kitchen.cooked).future().result()]

    meal, cooked = await asyncio.to_thread(ordinary)
    show("cook(soup)", meal)
    show("cooked.future()", f"{cooked} orders so far, from a future")
    expect(isinstance(meal, Meal) and isinstance(cooked, int), "both answers have their types")


async def futures(guest: Guest) -> None:
    """Futures

    Start calls now, do something else, ask for the answers later. All of them share one
    connection, and the answers come in any order.
    """
    simmer = facade.bound(guest.kitchen.simmer).future
    ended: list[str] = []
    calls = [simmer(seconds) for seconds in (0.3, 0.2, 0.1)]
    for call in calls:
        call.add_done_callback(lambda done: ended.append(done.result()))
    show("right after the start", f"{sum(call.done() for call in calls)} of 3 are done")
    answers = await asyncio.gather(*calls)
    show("in order of answers", ", ".join(ended))
    expect(sorted(ended) == sorted(answers), "each call has its own answer")


async def streams(guest: Guest) -> None:
    """A stream

    Values can go and come one by one while the call lasts. The guest orders the next
    dish when the one before stands on his table.
    """
    happened: list[str] = []

    async def dishes() -> AsyncIterator[str]:
        for dish in ("soup", "pie"):
            happened.append(f"order {dish}")
            yield dish
            await served.wait()
            served.clear()

    served = asyncio.Event()
    async for dish in guest.kitchen.serve(dishes()):
        happened.append(dish)
        served.set()
    show("what happened", ", ".join(happened))
    expect(happened == ["order soup", "hot soup", "order pie", "hot pie"], "one after the other")


async def oneway(guest: Guest) -> None:
    """Oneway

    Some calls want no answer, not even an error. They return as soon as they are handed
    to the connection. The kitchen tells afterwards what it heard.
    """
    start = perf_counter()
    await guest.kitchen.note("table 12 is in a hurry")
    show("note(...) took", f"{(perf_counter() - start) * 1000:.2f} ms")
    news = await hear(guest.kitchen, "a note")
    show("the kitchen heard", news)
    expect(news.endswith("in a hurry"), "the note arrived")


async def generic(guest: Guest) -> None:
    """A call without an interface

    A tool that has no class at hand calls by name, with plain lists and dicts.
    """
    kitchen = guest.kitchen_client.generic("tour.Kitchen")
    meal = await kitchen.invoke("cook", {"dish": "pie", "portions": 1})
    show('invoke("cook", {...})', meal)
    expect(meal["dish"] == "pie", "a dict came back")


async def without_library(guest: Guest) -> None:
    """A call from another language

    Stubs for any language come from protos/. This call uses nothing but gRPC and those
    messages, with its arguments as JSON.
    """
    address = guest.kitchen_process.address
    result = await plain.invoke(address, "tour.Kitchen", "cook", {"dish": "pie", "portions": 2})
    fields = result.value.struct_value.fields
    show("Invoke gave", {name: fields[name].WhichOneof("kind") for name in sorted(fields)})
    show("its dish", fields["dish"].string_value)
    expect(fields["dish"].string_value == "pie", "the kitchen understood JSON")


STOPS = [typed, blocking, futures, streams, oneway, generic, without_library]
