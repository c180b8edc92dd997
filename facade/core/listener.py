"""How listeners are told: each of them, whatever the others do."""

import inspect
from collections.abc import Sequence
from typing import Any

from facade.core.log import get_logger

logger = get_logger(__name__)


def check_listeners(listeners: Sequence[Any], base: type, events: Sequence[str]) -> None:
    """TypeError, with what to do, for what can't be told of these events."""
    for listener in listeners:
        if isinstance(listener, type):
            name = listener.__name__
            raise TypeError(f"{name} is a class: give an object, {name}()")
        if not isinstance(listener, base):
            raise TypeError(
                f"{listener!r} is no listener here: derive its class from facade.{base.__name__}"
            )
        for event in events:
            if inspect.iscoroutinefunction(getattr(listener, event)):
                raise TypeError(
                    f"{type(listener).__name__}.{event} must be a plain `def`: nobody awaits it"
                )


def tell(listeners: Sequence[Any], event: str, subject: Any) -> Exception | None:
    """Call ``event`` of each. What they raise is logged; the last of it is given back.

    (Dubbo: ListenerExporterWrapper, ListenerInvokerWrapper)
    """
    last = None
    for listener in listeners:
        try:
            getattr(listener, event)(subject)
        except Exception as error:
            logger.exception("%r failed in %s(%r)", listener, event, subject)
            last = error
    return last
