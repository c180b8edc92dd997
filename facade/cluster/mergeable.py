"""One of each group, and their answers together."""

import asyncio
from typing import Any

from facade.cluster.chooser import Chooser
from facade.cluster.cluster import Cluster, refuse_streamed
from facade.cluster.endpoint import Endpoint
from facade.cluster.failure import of_all
from facade.cluster.merger import Merger, default_merger, merger
from facade.cluster.router import Endpoints, Filtered
from facade.core.context import adopt
from facade.core.errors import Code, RpcError, Sent
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import ByMethod

logger = get_logger(__name__)


class Mergeable(Cluster):
    """Calls one endpoint of each group, and merges what they answer. (Dubbo:
    MergeableClusterInvoker)

    merger   how: "list", "set", "dict", "sum", "min", "max", "any", "all", "first", "last" ...;
             "default", by the type; ".name", a method of the values; or a function of a
             sequence of values. None: nothing is merged, and the first group that can be called
             answers

    A group that answers None has nothing to merge. One that fails is left out, and logged; where
    all fail, the last error is raised. What a merger raises is an RpcError.

    Mended: Dubbo answers null where all fail.
    """

    def __init__(self, chooser: Chooser, *, merger: ByMethod | str | Merger | None = None) -> None:
        super().__init__(chooser)
        said = merger if isinstance(merger, ByMethod) else ByMethod({}, merger)
        for each in (said.default, *said.values()):
            _read(each)
        self._said = said
        self._filtered = Filtered()

    async def invoke(self, invocation: Invocation) -> Result:
        chosen = self._one_of_each_group(invocation)
        said = self._said[invocation.name]
        if said is None:
            return await self._first(invocation, chosen)
        refuse_streamed(invocation, "mergeable")
        invocation.start_countdown()
        outcomes = await asyncio.gather(*(_outcome(endpoint, invocation) for endpoint in chosen))
        answers = [o for o in outcomes if isinstance(o, Result) and o.exception is None]
        for endpoint, outcome in zip(chosen, outcomes, strict=True):
            if outcome not in answers:
                why = outcome.exception if isinstance(outcome, Result) else outcome
                logger.warning("%s is left out: %s of %s", endpoint.address, why, invocation)
        if not answers:
            last = outcomes[-1]
            if isinstance(last, Result):
                return last
            last = of_all(last, outcomes)
            raise self._failed(last, invocation, chosen) from last.__cause__
        if len(answers) > 1:
            values = [answer.value for answer in answers if answer.value is not None]
            answers[0].value = _merged(said, invocation, values)
        return answers[0]

    def _one_of_each_group(self, invocation: Invocation) -> list[Endpoint]:
        endpoints = self._chooser.all(invocation)
        groups = dict.fromkeys(endpoint.provider.group for endpoint in endpoints)
        return [self._chooser.among(self._group(endpoints, group), invocation) for group in groups]

    def _group(self, endpoints: Endpoints, group: str) -> Endpoints:
        """The same list each time, so that balancers know it."""
        return self._filtered.of(endpoints, group, lambda e: e.provider.group == group)

    async def _first(self, invocation: Invocation, chosen: list[Endpoint]) -> Result:
        for endpoint in chosen:
            if endpoint.available or endpoint is chosen[-1]:
                break
        invocation.group = _asked(endpoint, invocation)
        try:
            return await endpoint.invoke(invocation)
        except RpcError as error:
            raise self._failed(error, invocation, [endpoint]) from error.__cause__


def _merged(said: Any, invocation: Invocation, values: list[Any]) -> Any:
    if len(values) < 2:
        return values[0] if values else None
    returns = None if invocation.method is None else invocation.method.returns
    merge = _read(said) or default_merger(returns, values)
    if merge is None:
        kind = type(values[0]).__name__
        raise _unmerged(
            f"There is no merger to merge result of {invocation}, {kind}: say which one, "
            'as in merger=".union", or give a function'
        )
    try:
        return merge(values)
    except RpcError:
        raise
    except Exception as error:
        raise _unmerged(
            f"{invocation}: what the groups answered can't be merged by {said!r}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _unmerged(message: str) -> RpcError:
    return RpcError(message, code=Code.UNKNOWN, sent=Sent.MAYBE_EXECUTED)


def _read(said: Any) -> Merger | None:
    return None if said is None else merger(said)


def _asked(endpoint: Endpoint, invocation: Invocation) -> str:
    """What is asked for there: of a provider that is known by its address alone, as it was."""
    provider = endpoint.provider
    return provider.group if provider.service else invocation.group


async def _outcome(endpoint: Endpoint, invocation: Invocation) -> Result | RpcError:
    twin = invocation.copy()
    twin.group = _asked(endpoint, invocation)
    if invocation.caller is not None:
        adopt(invocation)
    try:
        return await endpoint.invoke(twin)
    except RpcError as error:
        return error
