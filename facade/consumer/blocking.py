"""The client for code without an event loop."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from facade.codec import CallingCodec
from facade.consumer.callbacks import InThreads, Runner
from facade.consumer.chains import Chains, Ends
from facade.consumer.client import AsyncClient
from facade.consumer.engine import engine
from facade.consumer.generic import GenericService
from facade.consumer.proxy import BlockingMethod
from facade.consumer.remote import RemoteInvoker, ThreadInvoker
from facade.consumer.streaming import BlockingStreamMethod, gives_stream
from facade.consumer.wire import Wire
from facade.core.filter import Invoker
from facade.core.method import InvokeMode
from facade.exchange.description import ProviderDescription
from facade.plugins import FilterList

S = TypeVar("S")


class Client:
    """Calls the services of one provider and waits for each answer.

    Takes what AsyncClient takes. Any number of threads may share one; the work is done
    by one event loop, in a thread of the library's own.
    """

    def __init__(self, target: str, **settings: Any) -> None:
        self._engine = engine()
        self._client = _Inner(target, **settings)

    @property
    def target(self) -> str:
        return self._client.target

    @property
    def invoker(self) -> Invoker:
        """The chain that every call runs through; it prints as what it is."""
        return self._client.invoker

    @property
    def available(self) -> bool:
        """Whether a call would find a connection at once: connected, and not being ended."""
        return self._client.available

    def refer(
        self,
        interface: type[S],
        *,
        group: str | None = None,
        version: str | None = None,
        timeout: float | None = None,
        timeouts: Mapping[str, float] | None = None,
        mode: InvokeMode | None = None,
        stub: Callable[[S], S] | None = None,
        filters: FilterList = (),
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> S:
        """A remote service, as an object of its interface: see AsyncClient.refer."""
        return self._client.refer(
            interface,
            group=group,
            version=version,
            timeout=timeout,
            timeouts=timeouts,
            mode=mode,
            stub=stub,
            filters=filters,
            methods=methods,
            **settings,
        )

    def channel(self, *, filters: FilterList = (), **settings: Any) -> Any:
        """A ``grpc.Channel`` for generated stubs: see AsyncClient.channel."""
        return self._client.channel(filters=filters, **settings)

    def generic(self, service: str = "", *, group: str = "", version: str = "") -> GenericService:
        """A remote service by name, else that which the target names, without an interface."""
        return self._client.generic(service, group=group, version=version)

    def release(self, callback: object) -> bool:
        """Forget a callable that was given as an argument: see AsyncClient.release."""

        async def release() -> bool:
            return self._client.release(callback)

        return self._engine.submit(release).result()

    def ready(self, timeout: float | None = None) -> None:
        """Connect now, and learn what the provider publishes: see AsyncClient.ready."""
        self._engine.submit(lambda: self._client.ready(timeout)).result()

    def describe(
        self, service: str = "", *, group: str = "", version: str = ""
    ) -> ProviderDescription:
        """What the provider exports: see AsyncClient.describe."""
        return self._engine.submit(
            lambda: self._client.describe(service, group=group, version=version)
        ).result()

    @property
    def late_results(self) -> int:
        """How many answers came when nobody waited for them any more, and were dropped."""
        return self._client.late_results

    def close(self, grace: float = 5.0) -> None:
        """Let calls under way end, at most ``grace`` seconds, and hang up."""
        self._engine.submit(lambda: self._client.close(grace)).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.target!r}: {self.invoker!r}>"


class _Inner(AsyncClient):
    """Makes methods that wait. Its filters run on the calling thread where they all can."""

    def __init__(self, target: str, **settings: Any) -> None:
        self._threads = InThreads()
        super().__init__(target, **settings)

    def _make_ends(self) -> Ends:
        thread = (
            ThreadInvoker(self._wire.connector, self._wire.limits, engine())
            if isinstance(self._wire, Wire) and type(self._wire.end) is RemoteInvoker
            else None
        )
        return Ends(self._wire.end, self._wire.callbacks, self._wire.streams, thread)

    def _method(self, codec: CallingCodec, chains: Chains, **facts: Any) -> BlockingMethod:
        self._wire.codecs.add(codec)
        invoker = chains.of(codec)
        on_thread = chains.on_thread if invoker is chains.plain else None
        kind = BlockingStreamMethod if gives_stream(codec) else BlockingMethod
        return kind(invoker, codec, engine(), on_thread, ids=self._invocation_ids, **facts)

    def _channel(self, filters: FilterList, settings: Mapping[str, Any]) -> Any:
        from facade.consumer.stubs.blocking_channel import BlockingChannel  # see AsyncClient

        return BlockingChannel(engine(), *self._stub_parts(filters, settings))

    def _runner(self) -> Runner:
        return self._threads

    async def close(self, grace: float = 5.0) -> None:
        await super().close(grace)
        self._threads.close()
