"""Rules that say which calls go where. (Dubbo: ConditionStateRouter)"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from facade.cluster.argument import argument
from facade.cluster.endpoint import Endpoint
from facade.cluster.router import Endpoints, Filtered
from facade.core.invocation import Invocation
from facade.registry.provider import Provider

_TOKEN = re.compile(r"\s*(=>|!=|=|&|,|[^\s&!=,]+)")
_NAME = re.compile(r"[A-Za-z_][\w.-]*(?:\[[^\[\]]+\])?\Z")
_RANGE = re.compile(r"([0-9]*)~([0-9]*)\Z")
_SIGNS = frozenset({"=>", "!=", "=", "&", ","})


class Condition(NamedTuple):
    """``key = a,b`` or ``key != a,b``."""

    key: str
    same: bool
    values: tuple[str, ...]

    def matches(self, value: str | None) -> bool:
        """None: there is no such thing, which is like no value."""
        if value is None:
            return not self.same
        return any(_like(pattern, value) for pattern in self.values) is self.same


class ConditionRouter:
    """Calls that are as ``when`` says go to providers that are as ``then`` says.

        ConditionRouter("method = find*,get* => host = 10.0.1.*")
        ConditionRouter("host = 10.20.*  & arguments[0] = vip => zone = $zone", consumer={...})
        ConditionRouter("application = batch =>")  # none at all

    Of a call there are ``method``, ``service``, ``group``, ``version``, ``arguments[n]``,
    ``attachments[name]``, and what is said of the ``consumer``: its host, application or what
    else. Arguments that are given by name count, too, where the client has the interface. Of a
    provider there are ``host``, ``port``, ``address``, ``application``, ``service``, ``group``,
    ``version``, ``tag``, and its parameters.

    A value is text, with ``*`` for any part of it, or a range of whole numbers (``1~9``,
    ``~9``, ``1~``), or ``$name``: that of the consumer. Without ``when``, a rule is for all calls;
    with nothing behind ``=>``, these calls go nowhere. Where no provider is as the rule says,
    it does not hold, unless ``force`` is set: then the call fails.

    ValueError for a rule that can't be read; it shows the place.
    """

    def __init__(
        self, rule: str, *, force: bool = False, consumer: dict[str, str] | None = None
    ) -> None:
        self._rule = rule
        self._when, self._then = parse(rule)
        self._force = force
        self._consumer = dict(consumer or {})
        self._when = [_resolved(c, self._consumer) for c in self._when]
        if self._then is not None:
            self._then = [_resolved(c, self._consumer) for c in self._then]
        self._filtered = Filtered()

    def route(self, endpoints: Endpoints, invocation: Invocation) -> Endpoints:
        for condition in self._when:
            if not condition.matches(_of_call(condition.key, invocation, self._consumer)):
                return endpoints
        if self._then is None:
            return ()
        part = self._filtered.of(endpoints, None, self._wanted)
        return part if part or self._force else endpoints

    def _wanted(self, endpoint: Endpoint) -> bool:
        provider = endpoint.provider
        assert self._then is not None
        return all(c.matches(_of_provider(c.key, provider)) for c in self._then)

    def __repr__(self) -> str:
        return f"ConditionRouter({self._rule!r}{', force=True' if self._force else ''})"


def parse(rule: str) -> tuple[list[Condition], list[Condition] | None]:
    """``when`` and ``then``; None for a ``then`` that lets nothing through."""
    tokens = _tokens(rule)
    arrows = [n for n, (token, _) in enumerate(tokens) if token == "=>"]
    if not arrows:
        raise _wrong(rule, len(rule), "there is no =>: write `when => then`")
    if len(arrows) > 1:
        raise _wrong(rule, tokens[arrows[1]][1], "there is a second =>")
    when, then = tokens[: arrows[0]], tokens[arrows[0] + 1 :]
    after = _conditions(rule, then, len(rule))
    if [token for token, _ in when] == ["true"]:
        when = []
    return _conditions(rule, when, tokens[arrows[0]][1]), after or None


def _tokens(rule: str) -> list[tuple[str, int]]:
    """Each with its place."""
    found = []
    at, end = 0, len(rule.rstrip())
    while at < end:
        match = _TOKEN.match(rule, at)
        if match is None:
            raise _wrong(rule, at + len(rule[at:]) - len(rule[at:].lstrip()), "write != or =")
        found.append((match[1], match.start(1)))
        at = match.end()
    return found


def _conditions(rule: str, tokens: Sequence[tuple[str, int]], end: int) -> list[Condition]:
    """``end``: where what is missing should be."""
    found = []
    rest = list(tokens)

    def take(what: str) -> tuple[str, int]:
        if not rest:
            raise _wrong(rule, end, f"{what} is missing")
        token, at = rest.pop(0)
        if token in _SIGNS:
            raise _wrong(rule, at, f"{what} is missing before {token!r}")
        return token, at

    while rest:
        key, at = take("a name")
        if not _NAME.match(key):
            raise _wrong(rule, at, f"{key!r} is no name")
        _check_key(rule, key, at)
        if not rest or rest[0][0] not in ("=", "!="):
            place = rest[0][1] if rest else end
            raise _wrong(rule, place, f"write = or != behind {key!r}")
        same = rest.pop(0)[0] == "="
        values = [take("a value")[0]]
        while rest and rest[0][0] == ",":
            rest.pop(0)
            values.append(take("a value")[0])
        found.append(Condition(key, same, tuple(values)))
        if rest:
            token, at = rest.pop(0)
            if token != "&":
                raise _wrong(rule, at, f"{token!r}: write & between two conditions")
            if not rest:
                raise _wrong(rule, end, "a condition is missing behind &")
    return found


def _check_key(rule: str, key: str, at: int) -> None:
    name, bracket, index = key.partition("[")
    if name == "arguments" and not (bracket and index[:-1].isdecimal()):
        raise _wrong(rule, at, f"{key!r}: write arguments[0], arguments[1] and so on")
    if name == "attachments" and not bracket:
        raise _wrong(rule, at, f"{key!r}: write attachments[name]")


def _wrong(rule: str, at: int, what: str) -> ValueError:
    return ValueError(f"a rule can't be read at {at + 1}: {what}\n  {rule}\n  {' ' * at}^")


def _resolved(condition: Condition, consumer: dict[str, str]) -> Condition:
    values = tuple(
        consumer.get(value[1:], "") if value.startswith("$") else value
        for value in condition.values
    )
    return condition._replace(values=values)


def _like(pattern: str, value: str) -> bool:
    if number := _RANGE.match(pattern):
        return (
            value.isascii()
            and value.isdigit()
            and _size(number[1]) <= _size(value)
            and (not number[2] or _size(value) <= _size(number[2]))
        )
    if "*" not in pattern:
        return pattern == value
    first, *middle, last = pattern.split("*")
    if not value.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - at >= len(last) and value.endswith(last)


def _size(number: str) -> tuple[int, str]:
    """By which numbers compare, also those that are too long for ``int``."""
    digits = number.lstrip("0")
    return len(digits), digits


def _of_call(key: str, invocation: Invocation, consumer: dict[str, str]) -> str | None:
    name, bracket, index = key.partition("[")
    if bracket:
        if name == "arguments":
            return argument(invocation, int(index[:-1]))
        if name == "attachments":
            value: Any = invocation.attachments.get(index[:-1])
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if key == "method":
        return invocation.name
    if key in ("service", "group", "version"):
        said: str = getattr(invocation, key)
        return said
    return consumer.get(key)


def _of_provider(key: str, provider: Provider) -> str | None:
    if key in ("host", "port"):
        host, _, port = provider.address.rpartition(":")
        return port if key == "port" else host.strip("[]")
    if key in ("address", "application", "service", "group", "version", "tag"):
        said: str = getattr(provider, key)
        return said
    return provider.parameters.get(key)
