"""Endpoints without a network, and clocks that the tests turn."""

import asyncio
import random

import pytest

from facade.cluster import Chooser, Clusters, Directory, Endpoint
from facade.cluster.balance import Random
from facade.core import FilterSettings, Result
from facade.registry import Provider
from facade.testing import FakeInvoker


class Way(FakeInvoker):
    """The way to a provider: a fake invoker that is connected once it has begun, unless
    ``reachable`` is False."""

    held = False

    def __init__(self, provider, reachable, **answer):
        super().__init__(**(answer or {"value": provider.address}))
        self.provider = provider
        self.reachable = reachable
        self.available = False
        self.begun = 0
        self.hung_up = asyncio.Event()

    @property
    def closed(self):
        return self.hung_up.is_set()

    def begin(self):
        self.begun += 1
        self.available = self.available or self.reachable

    async def close(self):
        self.hung_up.set()
        self.available = False


class World:
    """Providers, and the ways that were opened to them, by address."""

    def __init__(self):
        self.now = 1000.0
        self.wall = 1_700_000_000.0
        self.ways = {}
        self.opened = []
        self.answers = {}
        self.unreachable = set()

    def clock(self):
        return self.now

    def wall_clock(self):
        return self.wall

    def pass_time(self, seconds):
        self.now += seconds
        self.wall += seconds

    def open(self, provider):
        way = Way(
            provider,
            provider.address not in self.unreachable,
            **self.answers.get(provider.address, {}),
        )
        self.ways[provider.address] = way
        self.opened.append(provider.address)
        return way

    def answer(self, address, **answer):
        """What the provider there answers: as FakeInvoker is made."""
        self.answers[address] = answer
        if address in self.ways:
            old, new = self.ways[address], FakeInvoker(**answer)
            for name in ("_value", "_exception", "_error", "_function", "_attachments"):
                setattr(old, name, getattr(new, name))

    def calls(self, address):
        way = self.ways.get(address)
        return 0 if way is None else len(way.invocations)

    def directory(self, *providers, **settings):
        given = [p if isinstance(p, Provider) else Provider(p) for p in providers]
        directory = Directory(
            self.open,
            service="test.Service",
            **{"clock": self.clock, "wall": self.wall_clock, **settings},
        )
        directory.update(given)
        return directory

    def chooser(self, *providers, balancer=None, sticky=False, **settings):
        balancer = balancer or Random(random=random.Random(1).random)
        return Chooser(self.directory(*providers, **settings), balancer, sticky=sticky)

    def clusters(self, *providers, methods=None, **settings):
        return Clusters(self.directory(*providers), FilterSettings(settings, methods))


@pytest.fixture
def world():
    return World()


def _endpoints(*weights, addresses=None):
    made = []
    for n, weight in enumerate(weights):
        address = addresses[n] if addresses else f"10.0.0.{n + 1}:50051"
        endpoint = Endpoint(Provider(address, weight=weight), open=lambda provider: None)
        made.append(endpoint)
    return tuple(made)


@pytest.fixture
def endpoints():
    """Make endpoints of these weights, which nobody has to open."""
    return _endpoints


@pytest.fixture
def seeded():
    """Random numbers that are the same each time."""
    return random.Random(7).random


@pytest.fixture
def result():
    return Result
