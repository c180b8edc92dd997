"""How long calls may take, method by method; and how what a provider publishes gets there.

How it works. Each method of a reference has a Limit, a cell that it looks at for every
call. Which level counts is found when the cell is made, and again when the provider
has published its values; never per call.
"""

import threading
import weakref
from collections.abc import Iterable
from typing import Any, Protocol

from facade.core.method import Method
from facade.exchange.description import ServiceDescription


class Limit:
    """The limit of one method: ``seconds`` (None: as long as it lasts), and whether its calls are
    ``in_countdown``.

    The levels, the first that says something: method at the consumer, method at the
    provider, interface at the consumer, interface at the provider, client. (Dubbo: what
    comes of DefaultProviderURLMergeProcessor and URL#getMethodPositiveParameter)
    """

    __slots__ = ("__weakref__", "_client", "_interface", "_method", "in_countdown", "seconds")

    def __init__(
        self, method: float | None, interface: float | None, client: float, in_countdown: bool
    ) -> None:
        self._method = method
        self._interface = interface
        self._client = client
        self.in_countdown = in_countdown
        self.publish(None, None)

    def publish(self, method: float | None, interface: float | None) -> None:
        """Take over what the provider says now."""
        self.seconds: float | None = (
            self._method or method or self._interface or interface or self._client
        )

    def asked(self, milliseconds: Any) -> float | None:
        """What the attachment "timeout" asks for. What is no number, or none to wait, counts
        as not said. (Dubbo: RpcUtils#getTimeout, by which it is text, in milliseconds)"""
        return _seconds(milliseconds) or self.seconds

    def of_call(self, seconds: float | None, milliseconds: Any) -> "Limit":
        """The limit for calls that say so themselves, be it by argument or by attachment."""
        own = seconds or _seconds(milliseconds)
        return self if own is None else LimitOfCall(own, self.in_countdown)


class LimitOfStream(Limit):
    """Of a method with streams, which may last: only what is said for the method itself."""

    __slots__ = ()

    def publish(self, method: float | None, interface: float | None) -> None:
        self.seconds = self._method or method


class LimitOfCall(Limit):
    """What was given to the call itself: nothing goes before it."""

    __slots__ = ()

    def __init__(self, seconds: float, in_countdown: bool) -> None:
        super().__init__(seconds, None, seconds, in_countdown)

    def asked(self, milliseconds: Any) -> float | None:
        return self.seconds


def _seconds(milliseconds: Any) -> float | None:
    try:
        seconds = float(milliseconds) / 1000
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < float("inf") else None


class Publishes(Protocol):
    """Who is told what a provider publishes."""

    def publish(self, services: Iterable[ServiceDescription]) -> None: ...


class Limits:
    """All limits of one client. Any thread may make them."""

    def __init__(self, client: float, *, countdown: bool) -> None:
        self._client = client
        self._countdown = countdown
        self._lock = threading.Lock()
        # Weak, as a reference may be made for a single call. By service key and method.
        self._made: weakref.WeakKeyDictionary[Limit, tuple[str, str]] = weakref.WeakKeyDictionary()
        self._published: dict[str, ServiceDescription] = {}

    def of_method(self, key: str, method: Method, interface: float | None) -> Limit:
        countdown = self._countdown if method.countdown is None else method.countdown
        kind = LimitOfStream if method.streaming else Limit
        limit = kind(method.timeout, interface, self._client, countdown)
        return self._add(limit, key, method.name)

    def of_generic(self, key: str, name: str, *, streams: bool = False) -> Limit:
        """Without an interface this end says nothing but what its client does."""
        kind = LimitOfStream if streams else Limit
        return self._add(kind(None, None, self._client, self._countdown), key, name)

    def _add(self, limit: Limit, key: str, name: str) -> Limit:
        with self._lock:
            self._made[limit] = key, name
            self._publish(limit, key, name)
        return limit

    def publish(self, services: Iterable[ServiceDescription]) -> None:
        """Take over all that the provider says now, in place of what it said before."""
        with self._lock:
            self._published = {service.key: service for service in services}
            for limit, (key, name) in list(self._made.items()):
                self._publish(limit, key, name)

    def _publish(self, limit: Limit, key: str, name: str) -> None:
        service = self._published.get(key)
        method = service.methods.get(name) if service is not None else None
        limit.publish(
            method.timeout if method is not None else None,
            service.timeout if service is not None else None,
        )
