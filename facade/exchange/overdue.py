"""What is said of a call that took too long, and of an answer that came too late."""

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from facade.core.countdown import TimeoutCountDown
from facade.core.errors import Code, DeadlineExceeded, Sent
from facade.core.invocation import Invocation
from facade.core.log import get_logger

logger = get_logger(__name__)


def timeout_text(
    invocation: Invocation, started: float, sent_at: float | None, remote_address: str
) -> str:
    """What was waited for, from when to when, and whose share of it was how long. Never an
    argument. Times are seconds of ``monotonic``. (Dubbo: DefaultFuture#getTimeoutMessage)
    """
    now, clock = monotonic(), datetime.now()
    countdown = invocation.countdown
    timeout = invocation.timeout or 0.0
    if countdown is not None:
        # It runs from when the call was made: a wait for a connection is in it.
        timeout = countdown.timeout
        started = min(started, countdown.deadline - timeout)
    if sent_at is None:
        waited = "Sending request timeout in client-side"
        elapsed = f"elapsed: {_ms(now - started)} ms"
    else:
        waited = "Waiting server-side response timeout"
        if invocation.oneway:  # nothing comes back: it was waited for the write
            waited = "Sending request timeout in client-side, while it was written"
        elapsed = (
            f"client elapsed: {_ms(sent_at - started)} ms, server elapsed: {_ms(now - sent_at)} ms"
        )
    return (
        f"{waited}. start time: {_clock(clock - timedelta(seconds=now - started))}, "
        f"end time: {_clock(clock)}, {elapsed}, timeout: {_ms(timeout)} ms, "
        f"request: {invocation}, "
        f"channel: {invocation.local_address or 'here'} -> {remote_address}"
    )


def out_of_time(invocation: Invocation, remote_address: str) -> DeadlineExceeded:
    """For a call whose time is up before it goes."""
    text = timeout_text(invocation, monotonic(), None, remote_address)
    return DeadlineExceeded(text, sent=Sent.NOT_SENT)


def time_left(countdown: TimeoutCountDown | None) -> float | None:
    """Seconds; None for any number."""
    return None if countdown is None else countdown.remaining


def log_late(id: int, result: Any, remote_address: str) -> None:
    """The only trace of an answer that nobody waits for. (Dubbo: DefaultFuture#received)"""
    outcome = "expired" if result.expired else result.WhichOneof("outcome") or "nothing"
    status = "OK"
    if outcome == "error":
        code = result.error.code
        status = Code(code).name if code in Code._value2member_map_ else str(code)
    elif outcome == "expired":
        status = "expired at the provider"
    logger.warning(
        "the answer to call %d came late, from %s, with the status %s, and is dropped: its time "
        "was up, or its caller gave up; which method it was is not known any more",
        id,
        remote_address,
        status,
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _clock(at: datetime) -> str:
    return at.isoformat(" ", timespec="milliseconds")
