"""Calls without an interface. (Dubbo: GenericService, GenericFilter)"""

import datetime
from dataclasses import dataclass

import pytest

import facade


@dataclass
class Parcel:
    name: str
    weight: float
    due: datetime.date | None = None


@facade.error("dubbo.generic.TooHeavy")
class TooHeavy(Exception):
    pass


@facade.service("dubbo.generic.Post", group="blue", version="1.0")
class Post:
    async def send(self, parcel: Parcel, times: int = 1) -> list[Parcel]: ...

    async def refuse(self) -> None: ...


class PostImpl(Post):
    async def send(self, parcel: Parcel, times: int = 1) -> list[Parcel]:
        assert isinstance(parcel, Parcel)
        return [parcel] * times

    async def refuse(self) -> None:
        raise TooHeavy("5 kg")


class Seen(facade.Filter):
    """Notes what is called, and with what."""

    def __init__(self):
        self.calls = []

    async def invoke(self, invoker, invocation):
        self.calls.append((invocation.name, invocation.arguments))
        return await invoker.invoke(invocation)


PARCEL = {"name": "tea", "weight": 0.5, "due": "2030-01-31"}


async def post(wire, *, provider=(), consumer=()):
    """The service as it is seen by somebody without its interface."""
    server = await wire.provide((Post, PostImpl()), filters=["default", *provider])
    client = wire.connect(server, filters=["default", *consumer])
    return client.generic("dubbo.generic.Post", group="blue", version="1.0")


@pytest.mark.behaviour("B3.17", "B3.18")
async def test_plain_values_go_in_and_come_out(wire) -> None:
    """A dictionary becomes what the method takes, and what it gives becomes a dictionary.

    Ours: no class is named in either, as the method's hints say what it is.
    """
    service = await post(wire)
    assert await wire.call(service.invoke, "send", PARCEL, 2) == [PARCEL, PARCEL]


@pytest.mark.behaviour("B3.16")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [((), "parcel"), ((PARCEL, 1, 2), "argument"), (({"name": 5}, 1), "parcel")],
)
async def test_arguments_that_do_not_fit(wire, arguments, text) -> None:
    """They are checked by the provider, and refused before the method is started."""
    service = await post(wire)
    with pytest.raises(facade.InvalidArgument, match=text) as raised:
        await wire.call(service.invoke, "send", *arguments)
    assert raised.value.sent is facade.Sent.NOT_EXECUTED


@pytest.mark.behaviour("B3.16")
async def test_method_that_is_not_there(wire) -> None:
    """A name that no method has is refused with the names that there are."""
    service = await post(wire)
    with pytest.raises(facade.Unimplemented, match="it has: send, refuse"):
        await wire.call(service.invoke, "sends", PARCEL)


@pytest.mark.behaviour("B3.18")
async def test_exception_of_a_generic_call(wire) -> None:
    """It comes back as itself where it is known, as for any call. Ours: no GenericException."""
    service = await post(wire)
    with pytest.raises(TooHeavy, match="5 kg"):
        await wire.call(service.invoke, "refuse")


@pytest.mark.behaviour("B3.20", "B6.2")
async def test_filters_see_the_method_that_is_meant(wire) -> None:
    """At both ends the call has the name of the target: there is no ``$invoke`` to look through."""
    near, far = Seen(), Seen()
    service = await post(wire, consumer=[near], provider=[far])
    await wire.call(service.invoke, "send", PARCEL, 1)
    assert near.calls == [("send", (PARCEL, 1))]
    assert far.calls == [("send", (Parcel("tea", 0.5, datetime.date(2030, 1, 31)), 1))]
