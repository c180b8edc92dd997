"""Says in registries what a server exports."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from facade.core.log import get_logger
from facade.core.settings import FilterSettings
from facade.exchange.injvm import place
from facade.loops import running_loop
from facade.provider.exporter import LOCAL, Exporter
from facade.provider.listener import ExporterListener

if TYPE_CHECKING:
    from facade.registry import Provider, Registry

logger = get_logger(__name__)

# Seconds that a stop waits for registries, before it lets calls end, and after.
PATIENCE = 1.0

# By which the system says over which of its addresses it would reach others. Nothing is sent.
_OTHERS = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))

_Work = Callable[[Exporter], Coroutine[Any, Any, None]]


class Announcer(ExporterListener):
    """Announces each exported service while the server listens. It stands before other listeners:
    what is unexported is withdrawn first.

    ``at`` is the address to name: "host:port", or a host with the port that the server got. Else
    it is that at which it listens, or, of a server that listens everywhere, the first of this
    machine by which others reach it.

    A registry that can't be reached hurts nobody: it is told once it can.
    """

    def __init__(
        self,
        registries: "str | Registry | Sequence[str | Registry]",
        at: str,
        address: str,
        application: str,
    ) -> None:
        if not isinstance(at, str):
            raise TypeError(f"announce={at!r}: text, 'host:port' or a host")
        self._at = at
        self._application = application
        self._registries: list[Registry] = []
        self._targets: list[str] = []  # of each; "" where an object was given
        self._announced: dict[Exporter, Provider] = {}
        self._exporters: list[Exporter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reached: Callable[[], str] | None = None
        given = [registries] if isinstance(registries, str) else registries
        for each in given if isinstance(given, Sequence) else [given]:
            self.use(each, address)

    def use(self, registry: "str | Registry", address: str) -> None:
        """Announce there, too, from the start of the server on. ValueError where that can't be,
        TypeError for what is no registry."""
        from facade.registry import open_registry  # for those who announce
        from facade.registry.provider import check_address

        if self._at:
            check_address(reached(self._at, 1))
        target = ""
        if isinstance(registry, str):
            target = registry
            registry = open_registry(target, application=self._application)
            if not registry.announces:
                raise ValueError("a list is to read: announce providers at zookeeper:// or etcd://")
        elif not hasattr(registry, "announces"):
            raise TypeError(
                f"registry={registry!r}: a target such as 'zookeeper://h:2181', or a Registry"
            )
        if not self._at and (place(address) is not None or address.startswith("unix")):
            raise ValueError(
                f"a server at {address!r} is reached by nobody else: give it an address such as "
                "0.0.0.0:50051, or say announce='host:port'"
            )
        self._registries.append(registry)
        self._targets.append(target)

    def relay(self, make: "Callable[[str, str], Registry]") -> None:
        """Leave it to another process to announce: what ``make`` gives for a target and the
        application stands for each registry. Before the start. ValueError for one that was not
        named by its target: each process would withdraw there what others still serve."""
        for target, registry in zip(self._targets, self._registries, strict=True):
            if not target:
                raise ValueError(
                    f"{registry!r} was given as an object, and workers are announced together: "
                    "name it by its target, such as registry='zookeeper://127.0.0.1:2181'"
                )
        self._registries = [make(target, self._application) for target in self._targets]

    # What there is

    def exported(self, exporter: Exporter, /) -> None:
        if exporter.scope == LOCAL:
            return
        facts_of(exporter)  # what is wrong is an error here
        self._exporters.append(exporter)
        if self._reached is not None and self._registries:
            self._later(self._announce, exporter)

    def unexported(self, exporter: Exporter, /) -> None:
        if exporter in self._exporters:
            self._exporters.remove(exporter)
            if self._reached is not None and self._registries:
                self._later(self._withdraw, exporter)

    # The life of the server

    async def start(self, address: str, port: int) -> None:
        """The server listens. Waits for the first attempts, three seconds at most."""
        if not self._registries:
            return
        where = self._at or address
        self._loop = asyncio.get_running_loop()
        self._reached = lambda: reached(where, port)
        await asyncio.gather(*(self._announce(exporter) for exporter in list(self._exporters)))

    async def stop(self) -> None:
        """Withdraw all, before anything else stops. What takes longer goes on until ``close``."""
        if self._reached is None:
            return
        self._reached = None
        for exporter in list(self._announced):
            self._now(self._withdraw, exporter)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE)

    async def close(self) -> None:
        """The server has stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*map(_close, self._registries))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _later(self, work: _Work, exporter: Exporter) -> None:
        """From any thread: exports come from any."""
        if self._loop is running_loop():
            self._now(work, exporter)
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(self._now, work, exporter)

    def _now(self, work: _Work, exporter: Exporter) -> None:
        task = asyncio.create_task(work(exporter), name="facade-announce")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce(self, exporter: Exporter) -> None:
        if self._reached is None or exporter in self._announced:
            return
        from facade.registry import Provider

        service = exporter.service
        provider = self._announced[exporter] = Provider(
            self._reached(),
            service.name,
            service.group,
            service.version,
            started=time.time(),
            application=self._application,
            timeout=service.timeout,
            timeouts={m.name: m.timeout for m in service.methods.values() if m.timeout},
            methods=tuple(service.methods),
            **facts_of(exporter),
        )
        logger.info("announces %s at %s", service.key, provider.address)
        await self._ask("register", provider)
        if exporter not in self._announced:  # withdrawn meanwhile
            await self._ask("unregister", provider)

    async def _withdraw(self, exporter: Exporter) -> None:
        provider = self._announced.pop(exporter, None)
        if provider is not None:
            await self._ask("unregister", provider)

    async def _ask(self, what: str, provider: "Provider") -> None:
        outcomes = await asyncio.gather(
            *(getattr(registry, what)(provider) for registry in self._registries),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                logger.error("cannot %s %s: %s", what, provider.key, outcome)


async def _close(registry: "Registry") -> None:
    try:
        await registry.close()
    except Exception:  # the server is to stop all the same
        logger.exception("a registry failed to close")


def facts_of(exporter: Exporter) -> dict[str, Any]:
    """What an export says for registries. ValueError for what can't be."""
    said = exporter.settings
    settings = said if isinstance(said, FilterSettings) else FilterSettings(said)
    weight, warmup = settings.get("weight", 100), settings.get("warmup", 0.0)
    if weight < 0 or warmup < 0:
        raise ValueError(f"{exporter.service.key}: weight={weight}, warmup={warmup}: 0 or more")
    if weight != 100 or warmup:
        from facade.registry.provider import check_share  # for those who say something

        check_share(exporter.service.key, weight, warmup=warmup)
    parameters = {str(k): str(v) for k, v in settings.get("parameters", {}).items()}
    if tag := settings.get("tag", ""):
        parameters["dubbo.tag"] = tag
    if zone := settings.get("zone", ""):
        parameters["zone"] = zone
    return {"weight": weight, "warmup": warmup, "parameters": parameters}


def reached(where: str, port: int) -> str:
    """ "host:port" under which others reach a server that listens at ``where``."""
    for scheme in ("dns:///", "dns:", "ipv4:", "ipv6:"):
        where = where.removeprefix(scheme)
    host, colon, said = where.rpartition(":")
    if not colon or where.endswith("]") or (":" in host and not host.startswith("[")):
        host, said = where, ""  # no port, or an IPv6 address alone
    bare = host.strip("[]")
    if bare in ("", "0.0.0.0", "::", "*"):
        bare = own_address(ipv4=bare != "::")
    elif bare == "localhost":
        bare = "127.0.0.1"
    named = f"[{bare}]" if ":" in bare else bare
    return f"{named}:{said if said.isdigit() and int(said) else port}"


def own_address(*, ipv4: bool = True) -> str:
    """The address of this machine by which others reach it; that of the loop where there is none.

    One of IPv4, which a server that listens everywhere has, too, goes before; else behind.
    (Dubbo: NetUtils#getLocalAddress)
    """
    for family, other in _OTHERS if ipv4 else _OTHERS[::-1]:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((other, 9))
            return str(probe.getsockname()[0])
    with suppress(OSError):
        for found in socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM):
            if not str(found[4][0]).startswith(("127.", "::1")):
                return str(found[4][0])
    logger.warning("this machine has no address but that of the loop: say announce='host:port'")
    return "127.0.0.1" if ipv4 else "::1"
