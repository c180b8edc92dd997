"""One call on its way: what is called, with what, and how long it may take."""

from typing import Any

from facade.core.countdown import TimeoutCountDown
from facade.core.method import Method, service_key

# What travels with a call: text or bytes, by name.
Attachments = dict[str, str | bytes]


class Invocation:
    """A call, as filters and invokers see it. One object per call, and its filters' to change.

    ``attachments`` travel to the provider; ``attributes`` stay here, for what a filter
    keeps per call. ``timeout`` is in seconds: the longest that the caller waits, set
    before the call. ``countdown`` runs from when the call was made (consumer) or
    received (provider). ``in_countdown``: whether the call takes over the time that is left
    where it is made, and tells its provider what it has itself.
    """

    __slots__ = (
        "_attributes",
        "arguments",
        "async_context",
        "attachments",
        "caller",
        "codec",
        "countdown",
        "group",
        "in_countdown",
        "keywords",
        "local_address",
        "method",
        "name",
        "oneway",
        "outcome",
        "remote_address",
        "remote_application",
        "remote_identity",
        "service",
        "taken",
        "timeout",
        "version",
    )

    def __init__(
        self,
        service: str,
        name: str,
        arguments: tuple[Any, ...] = (),
        keywords: dict[str, Any] | None = None,
        *,
        attachments: Attachments | None = None,
        group: str = "",
        version: str = "",
        timeout: float | None = None,
        oneway: bool = False,
        method: Method | None = None,
    ) -> None:
        self.service = service
        self.name = name
        self.arguments = arguments
        self.keywords = keywords
        self.attachments = {} if attachments is None else attachments
        self.group = group
        self.version = version
        self.timeout = timeout
        self.oneway = oneway
        # None for a generic call, which has no interface at hand.
        self.method = method
        # How its values travel; for the invoker at the end of the chain.
        self.codec: Any = None
        self.countdown: TimeoutCountDown | None = None
        self.in_countdown = True
        # Who calls, and what he took from his context for this call: see core.context.
        self.caller: Any = None
        self.taken: Attachments | None = None
        # Consumer: the future of the call, or what one would be made of: see core.future.
        self.outcome: Any = None
        # Provider: who answers it later, once the method has said so.
        self.async_context: Any = None
        self.local_address = ""
        self.remote_address = ""
        self.remote_application = ""
        # Provider: who calls, as the server's ``authenticate`` says, or his certificate.
        self.remote_identity: Any = None
        self._attributes: dict[Any, Any] | None = None

    @property
    def attributes(self) -> dict[Any, Any]:
        """Notes of filters about this call. They never leave the process."""
        if self._attributes is None:
            self._attributes = {}
        return self._attributes

    @property
    def service_key(self) -> str:
        return service_key(self.service, self.group, self.version)

    def start_countdown(self) -> TimeoutCountDown | None:
        """Count the timeout down from now on, unless that has begun. None without one.

        ``consumer_context`` does it; a chain may be without it.
        """
        if self.countdown is None and self.timeout is not None:
            self.countdown = TimeoutCountDown(self.timeout)
        return self.countdown

    def copy(self) -> "Invocation":
        """The same call once more, for an attempt beside another: its attachments and notes
        are its own, and so is what came of it."""
        twin = Invocation.__new__(Invocation)
        for slot in Invocation.__slots__:
            setattr(twin, slot, getattr(self, slot))
        twin.attachments = self.attachments.copy()
        twin.outcome = None
        if self._attributes is not None:
            twin._attributes = self._attributes.copy()
        return twin

    def __str__(self) -> str:
        return f"{self.service_key}.{self.name}"

    def __repr__(self) -> str:
        # Arguments stay out of it: this lands in logs.
        count = len(self.arguments) + len(self.keywords or ())
        return f"<Invocation {self} with {count} argument{'' if count == 1 else 's'}>"
