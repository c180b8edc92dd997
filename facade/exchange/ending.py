"""How a stream ended, and why."""

import asyncio
from typing import Any

from facade.core.errors import RpcError, Status
from facade.core.log import get_logger
from facade.exchange.stream import FrameStream

logger = get_logger(__name__)

# Seconds for what a peer had said before it ended the stream. It is there already.
LAST_WORDS = 1.0


async def hear_out(
    writer: asyncio.Task[None], others: tuple[asyncio.Future[Any], ...], stream: FrameStream
) -> bool:
    """A write has failed, as the peer has ended the stream: what he said before is still to be
    read, and why he did. Whether one of ``others`` came to an end by it."""
    problem = writer.exception()
    if not isinstance(problem, Exception) or stream.explain(problem) is None:
        return False
    done, _ = await asyncio.wait(others, timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def reason_of(problem: BaseException, known: RpcError | None, stream: FrameStream) -> RpcError:
    """Why a stream ends that ``problem`` came up on; what was ``known`` before goes first."""
    if isinstance(problem, Exception) and not isinstance(problem, RpcError):
        problem = stream.explain(problem) or problem
    if isinstance(problem, RpcError):
        return known or problem
    logger.error("a bug in the exchange ends the stream", exc_info=problem)
    return RpcError("a bug in the exchange: see the log", status=Status.INTERNAL)
