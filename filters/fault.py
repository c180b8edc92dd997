"""Delay or refuse calls on purpose, in tests of those who make them."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Self

from facade.core.errors import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    RpcError,
    Sent,
    Status,
    Unavailable,
    Unimplemented,
)
from facade.core.filter import Filter, Invoker, activate
from facade.core.hint import hint
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings

Abort = str | Code | Status

_CLASSES: tuple[type[RpcError], ...] = (
    DeadlineExceeded,
    InvalidArgument,
    LimitExceeded,
    Unavailable,
    Unimplemented,
)
# The status that goes with a code, and the code that goes with a status, where there is one.
_PAIRS = {cls.code: cls.status for cls in _CLASSES} | {
    Code.FORBIDDEN: Status.PERMISSION_DENIED,
    Code.AUTHORIZATION: Status.UNAUTHENTICATED,
    Code.VALIDATION: Status.INVALID_ARGUMENT,
    Code.TIMEOUT_TERMINATE: Status.DEADLINE_EXCEEDED,
    Code.NO_INVOKER_AVAILABLE: Status.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class _Rule:
    delay: float
    error: type[RpcError]
    code: Code
    status: Status
    aborts: bool
    share: float


@activate(order=1000, when=("fault_delay", "fault_abort"))
class Fault(Filter):
    """Let a share of the calls wait, or fail, or wait and fail.

        Fault(delay=0.3)                                    # all wait 0.3 s
        Fault(abort="UNAVAILABLE", share=0.1, seed=1)       # every tenth fails
        server.export(Greeter, impl, fault_abort="LIMIT_EXCEEDED", fault_share=0.5)

    ``delay`` is in seconds. ``abort`` is the name of a Status or a Code, or one of them.
    ``share`` is from 0 to 1. With a ``seed`` the same calls are hit each time, as long as they
    come in the same order; ``random`` is a generator of one's own. The settings are
    fault_delay, fault_abort, fault_share and fault_seed, all but the last by method, too.

    Raises the RpcError of that status or code, e.g. Unavailable: at the consumer as not sent,
    at the provider as not executed. It is the innermost filter, so all others see the fault.
    """

    per_attempt = True
    keys = {
        "fault_delay": float,
        "fault_abort": (str, Code, Status),
        "fault_share": float,
        "fault_seed": int,
    }
    common = ("fault_seed",)

    def __init__(
        self,
        *,
        delay: float = 0.0,
        abort: Abort | None = None,
        share: float = 1.0,
        seed: int | None = None,
        random: Random | None = None,
    ) -> None:
        self._random = random if random is not None else Random(seed)
        self._default = _rule(delay, abort, share)
        self._by_method: dict[str, _Rule] = {}
        self.needs_loop = self._default.delay > 0

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        delay = settings.by_method("fault_delay", 0.0)
        abort = settings.by_method("fault_abort")
        share = settings.by_method("fault_share", 1.0)
        made = cls(
            delay=delay.default,
            abort=abort.default,
            share=share.default,
            seed=settings.get("fault_seed"),
        )
        for name in {*delay, *abort, *share}:
            made._by_method[name] = rule = _rule(delay[name], abort[name], share[name])
            made.needs_loop = made.needs_loop or rule.delay > 0
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        rule = self._by_method.get(invocation.name, self._default)
        # A share of 0 or 1 takes nothing from the generator.
        if rule.share < 1 and (rule.share == 0 or self._random.random() >= rule.share):
            return await invoker.invoke(invocation)
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.aborts:
            at_provider = invocation.caller is None
            raise rule.error(
                f"{invocation} was failed on purpose, by the fault filter (fault_abort)",
                code=rule.code,
                status=rule.status,
                sent=Sent.NOT_EXECUTED if at_provider else Sent.NOT_SENT,
            )
        return await invoker.invoke(invocation)


def _rule(delay: float, abort: Abort | None, share: float) -> _Rule:
    if not 0 <= delay < float("inf"):
        raise ValueError(f"fault_delay={delay}: seconds, 0 or more")
    if not 0 <= share <= 1:
        raise ValueError(f"fault_share={share}: from 0 (no call) to 1 (each call)")
    if abort is Status.OK:
        raise ValueError("fault_abort: nothing fails with OK; leave it out")
    if abort is None or abort == "":
        return _Rule(delay, RpcError, Code.UNKNOWN, Status.UNKNOWN, False, share)
    named = _named(abort) if isinstance(abort, str) else abort
    if isinstance(named, Status):
        code = next((code for code, status in _PAIRS.items() if status is named), Code.UNKNOWN)
        status = named
    else:
        code, status = named, _PAIRS.get(named, Status.UNKNOWN)
    cls = next((cls for cls in _CLASSES if cls.status is status), RpcError)
    return _Rule(delay, cls, code, status, True, share)


def _named(name: str) -> Status | Code:
    known: dict[str, Status | Code] = {**Code.__members__, **Status.__members__}
    known.pop("OK")
    if name not in known:
        meant = hint(name.upper(), known, f"there are: {', '.join(sorted(known))}")
        raise ValueError(f"fault_abort={name!r} is no Status and no Code: {meant}")
    return known[name]
