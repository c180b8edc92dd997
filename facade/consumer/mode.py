"""How a call is to hand its value over, and whether it is oneway: what decides it."""

from itertools import count
from typing import Self

import msgspec

from facade.core.invocation import Attachments, Invocation
from facade.core.method import InvokeMode, Method
from facade.core.switch import ASYNC, RETURN, SENT, read, scoped

# Of this process, for the attachment ``id``. (Dubbo: RpcUtils#attachInvocationIdIfAsync)
_ids = count()


class Handover(msgspec.Struct, frozen=True):
    """What the interface and the configuration say; attachments may say otherwise.

    ``mode`` is None where the client's own way holds: to wait, or to give an awaitable.
    """

    mode: InvokeMode | None = None
    oneway: bool = False
    # By the signature: nothing else is possible then.
    gives_future: bool = False

    @classmethod
    def of(cls, method: Method | None, mode: InvokeMode | None) -> Self:
        """Of a method of a reference that is made with ``mode``."""
        if method is None:
            return cls(_chosen(mode))
        if method.mode is InvokeMode.FUTURE:
            return cls(InvokeMode.FUTURE, method.oneway, gives_future=True)
        return cls(_chosen(mode), method.oneway)

    def changed(self, mode: InvokeMode | None, oneway: bool | None) -> Self:
        """With what is not None. TypeError for a mode that the signature rules out."""
        changed = self
        if mode is not None:
            chosen = _chosen(mode)
            if self.gives_future and chosen is not InvokeMode.FUTURE:
                raise TypeError(
                    f"mode={mode}: a method that is declared to give a future always does"
                )
            changed = msgspec.structs.replace(changed, mode=chosen)
        return changed if oneway is None else msgspec.structs.replace(changed, oneway=oneway)

    def decide(self, attachments: Attachments, method: str) -> tuple[InvokeMode | None, bool]:
        """Mode and oneway of a call with these attachments."""
        mode, oneway = self.mode, self.oneway
        is_async = read(attachments, method, ASYNC)
        if is_async is not None and not self.gives_future:
            mode = InvokeMode.ASYNC if is_async else None
        returns = read(attachments, method, RETURN)
        return mode, oneway if returns is None else not returns


def _chosen(mode: InvokeMode | None) -> InvokeMode | None:
    if mode is not None and not isinstance(mode, InvokeMode):
        raise TypeError(f"mode is one of facade.InvokeMode, not {mode!r}")
    return None if mode is InvokeMode.SYNC else mode


def take_scoped(attachments: Attachments, method: str) -> Attachments:
    """Take out what steers this method alone: no other end has a use for it."""
    taken = {name: attachments.pop(name) for name in scoped(method) if name in attachments}
    if (sent := taken.pop(f"{method}.{SENT}", None)) is not None:
        attachments[SENT] = sent  # for the invoker
    return taken


def number(invocation: Invocation) -> None:
    """Give the call an id, unless it has one."""
    if "id" not in invocation.attachments and "id" not in (invocation.taken or ()):
        invocation.attachments["id"] = str(next(_ids))
