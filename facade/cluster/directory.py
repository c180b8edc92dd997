"""The endpoints that a service has now."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from time import monotonic, time

from facade.cluster.endpoint import Endpoint, Open
from facade.cluster.health import Health, State
from facade.cluster.router import Endpoints, Router
from facade.cluster.subset import Subset
from facade.cluster.tag import TAG, TagRouter
from facade.cluster.zone import ZoneRouter
from facade.core.errors import Code, Sent, Unavailable
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.loops import Home
from facade.registry.provider import Provider

logger = get_logger(__name__)

# Seconds between two looks at all endpoints: always, and while one connects or grows.
_SELDOM = 1.0
_OFTEN = 0.02
_GROWING = 0.25

# As many lists are kept, one for each way to route.
_MOST = 64

_Key = tuple[str, str, bool]


class Directory:
    """The providers that a registry told of last, opened when calls are made. (Dubbo: Directory)

    ``update`` is given all of them each time. Endpoints that were there before stay as they
    are; those that are gone get no new calls, and are closed once those under way have ended.

    An empty list is a registry that has lost its memory more often than it is true: after it,
    endpoints are given up only when they have been unavailable, and ``keep`` seconds are over.

    subset    use only some of the providers
    routers   filter the list for each call, in this order, after a TagRouter if none is one
    zone      providers of this zone before all others: see ZoneRouter
    idle      seconds, once or twice as many, after the last call when the connection of an
              endpoint is closed, unless it holds callbacks; the next call opens it again. None:
              never
    open      makes the way to a provider; see ``Opened``
    registry  where the providers are from, for the texts of errors

    It belongs to one event loop, and so do all calls through it. Nothing here takes a turn of
    its own: states are looked at when calls are made.
    """

    def __init__(
        self,
        open: Open,
        *,
        service: str = "",
        registry: str = "static",
        subset: Subset | None = None,
        routers: Sequence[Router] = (),
        zone: str = "",
        health: Health | None = None,
        idle: float | None = 300.0,
        keep: float = 60.0,
        clock: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        if idle is not None and not _seconds("idle", idle) > 0:
            raise ValueError(f"idle={idle}: seconds, or None to keep connections")
        if not _seconds("keep", keep) >= 0:
            raise ValueError(f"keep={keep}: seconds, 0 or more")
        if subset is not None and not isinstance(subset, Subset):
            raise TypeError(f"subset={subset!r}: a number, or a Subset")
        if health is not None and not isinstance(health, Health):
            raise TypeError(f"health={health!r}: a Health")
        if not isinstance(zone, str):
            raise TypeError(f"zone={zone!r}: the name that providers publish")
        for router in routers:
            if not hasattr(router, "route"):
                raise TypeError(f"routers: {router!r} is none: it has no method route()")
        self.service = service
        self.registry = registry
        self._open = open
        self._subset = subset
        own = [*routers, *([ZoneRouter(zone)] if zone else [])]
        by_tag = not any(isinstance(router, TagRouter) for router in own)
        self._routers: list[Router] = [TagRouter(), *own] if by_tag else own
        self._by_tag_alone = not own
        self._zone = zone
        self._health = health if health is not None else Health()
        self._idle = idle
        self._keep = keep
        self.clock = clock
        self._wall = wall
        self._endpoints: dict[_Key, Endpoint] = {}
        self._ranked: list[Endpoint] = []
        # Those that calls may go to, as far as routers let them.
        self._alive: Endpoints = ()
        self._members: Endpoints = ()
        self._weights: tuple[float, ...] = ()
        self._views: dict[int, tuple[Endpoints, Endpoints]] = {}
        # What ``list`` gives for calls without a tag, as long as the clock shows less than
        # ``until``. Empty where nothing is known, or other routers have a say.
        self.steady: Endpoints = ()
        self.until = 0.0
        self._timed = False
        self._looked = clock()
        self._emptied: float | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._home = Home(f"the client of {registry}")

    @property
    def size(self) -> int:
        """How many providers there are, subset or not."""
        return len(self._endpoints)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def endpoints(self) -> Endpoints:
        """Those that are used, whatever their state."""
        return self._members

    def update(self, providers: Sequence[Provider]) -> None:
        """These are the providers now."""
        if self._closed:
            return
        if not providers:
            if self._endpoints and self._emptied is None:
                self._emptied = self.clock()
                logger.warning(
                    "%s names no provider of %s any more: those that answer are kept",
                    self.registry,
                    self.service,
                )
            return
        self._emptied = None
        told = {(p.address, p.key, p.exchange): p for p in providers}
        for key in self._endpoints.keys() - told.keys():
            self._close(self._endpoints.pop(key))
        for key, provider in told.items():
            known = self._endpoints.get(key)
            if known is None:
                self._endpoints[key] = self._make(provider)
            else:
                known.provider = provider
        self._rank()

    def _make(self, provider: Provider) -> Endpoint:
        return Endpoint(
            provider,
            self._open,
            health=self._health,
            clock=self.clock,
            changed=self.changed,
            timed=self._timed,
        )

    def _rank(self) -> None:
        self._ranked = list(self._endpoints.values())
        if self._subset is not None:
            ranks = self._subset.rank([e.provider for e in self._ranked])
            at = {id(provider): n for n, provider in enumerate(ranks)}
            self._ranked.sort(key=lambda e: at[id(e.provider)])
            if self._zone:
                self._ranked.sort(key=lambda e: e.provider.zone != self._zone)
        # Facts that routers and balancers go by may have changed: no list is the same.
        self._members = ()
        self.changed()

    def time_calls(self) -> None:
        """A balancer goes by the latency of the endpoints."""
        self._timed = True
        for endpoint in self._endpoints.values():
            endpoint.timed = True

    def begin(self) -> None:
        """Connect to those that are used, before any call."""
        self._refresh()

    def changed(self) -> None:
        """Look at all endpoints before the next call."""
        self.until = float("-inf")

    def list(self, invocation: Invocation) -> Endpoints:
        """Those that may answer this call: connected and well, or else those that may come to
        be. The list is the same object as long as nothing in it has changed.

        Unavailable (NO_INVOKER_AVAILABLE) when the directory is closed.
        """
        if self.clock() >= self.until:
            self._refresh()
        routed = self._alive
        for router in self._routers:
            routed = router.route(routed, invocation)
        view = self._views.get(id(routed))
        if view is None:
            if len(self._views) >= _MOST:
                self._views.clear()
            view = self._views[id(routed)] = (routed, _best(routed))
        if self._by_tag_alone and TAG not in invocation.attachments:
            self.steady = view[1]
        return view[1]

    def check_open(self) -> None:
        """Unavailable (NO_INVOKER_AVAILABLE) when it is closed."""
        if self._closed:
            raise Unavailable(
                f"Directory of {self.service} from registry {self.registry} is closed, and so is "
                "its client: make another one",
                code=Code.NO_INVOKER_AVAILABLE,
                sent=Sent.NOT_SENT,
            )

    def _refresh(self) -> None:
        self.check_open()
        self._home.check()
        now = self.clock()
        if self._emptied is not None and now - self._emptied >= self._keep:
            self._give_up()
        members = self._look(now)
        self._eject(members, now)
        growing = [e.weigh(now, self._wall()) for e in members]
        if now - self._looked >= _SELDOM:
            for endpoint in members:
                endpoint.forget(now - self._looked)
            self._looked = now
        self._note(members)
        states = {e.state for e in members}
        pause = _GROWING if any(growing) else _SELDOM
        if State.DOWN in states or State.EJECTED in states:
            pause = min(pause, self._health.check)
        self.steady = ()  # until the next ``list``
        self.until = now + (_OFTEN if State.CONNECTING in states else pause)

    def _look(self, now: float) -> tuple[Endpoint, ...]:
        """The members: all, or the first that make up the subset. One that is down stays a
        member, to be looked at, and the next one stands in for it."""
        members = []
        left: dict[str, int] = {}
        for endpoint in self._ranked:
            if self._subset is not None:
                tag = endpoint.provider.tag
                if left.setdefault(tag, self._subset.size) == 0:
                    if endpoint.invoker is not None:
                        self._close(endpoint)
                    continue
            if endpoint.state is State.NEW:
                _open(endpoint)
            endpoint.check(now)
            if self._subset is not None and endpoint.state is not State.DOWN:
                left[tag] -= 1
            members.append(endpoint)
        if self._timer is None and self._idle is not None and members:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._tick)
        return tuple(members)

    def _eject(self, members: Endpoints, now: float) -> None:
        room = int(len(members) * self._health.eject_most)
        room -= sum(e.state in (State.EJECTED, State.DOWN) for e in members)
        for endpoint in members:
            if room > 0 and endpoint.too_bad:
                room -= 1
                endpoint.eject(now)
                logger.warning("%s gets no calls for a while: too many failed", endpoint.address)

    def _note(self, members: tuple[Endpoint, ...]) -> None:
        """New lists where something in them changed, and only there."""
        alive = tuple(e for e in members if e.state is not State.DOWN) or members
        weights = (*[e.weight for e in members], *[e.usable for e in members])
        if members != self._members or alive != self._alive:
            self._members, self._alive = members, alive
            self._views.clear()
        elif weights != self._weights:
            self._views.clear()
        self._weights = weights

    def _give_up(self) -> None:
        gone = [key for key, e in self._endpoints.items() if not e.usable]
        for key in gone:
            self._close(self._endpoints.pop(key))
        if gone:
            logger.warning("%d providers of %s are given up", len(gone), self.service)
            self._rank()

    def sweep(self) -> None:
        """Close what nobody has called since the last time."""
        for endpoint in self._endpoints.values():
            if endpoint.rested():
                self._close(endpoint)
        self.changed()

    def _tick(self) -> None:
        self._timer = None
        self.sweep()
        if any(e.invoker is not None for e in self._endpoints.values()):
            assert self._idle is not None
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._tick)

    def _close(self, endpoint: Endpoint) -> None:
        if endpoint.invoker is None:
            return
        # Nothing of who called last is to live on in it.
        task = asyncio.create_task(endpoint.close(), name="facade-close", context=Context())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Let calls under way end, and hang up everywhere."""
        self._closed = True
        self.changed()
        if self._timer is not None:
            self._timer.cancel()
        for endpoint in self._endpoints.values():
            self._close(endpoint)
        self._endpoints.clear()
        self._ranked = []
        while self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def __repr__(self) -> str:
        return f"<Directory of {self.service}: {self.size} providers from {self.registry}>"


def _seconds(name: str, given: float) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError(f"{name}: {given!r} is not a number of seconds")
    return given


def _open(endpoint: Endpoint) -> None:
    try:
        endpoint.open()
    except Exception:
        # One that can't be opened must not fail the calls of all.
        logger.exception("%s gets no calls: it can't be opened", endpoint.address)
        endpoint.state = State.DOWN


def _best(endpoints: Endpoints) -> Endpoints:
    """Those that take calls; or those that connect; or all. Without those that want none."""
    usable = tuple(e for e in endpoints if e.usable)
    best = usable or tuple(e for e in endpoints if e.state is State.CONNECTING) or endpoints
    return tuple(e for e in best if e.weight) or best
