"""Take only signed calls. (Dubbo: ProviderAuthFilter)"""

import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from facade.core.context import current_request
from facade.core.errors import LimitExceeded, Sent
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.unauthorized import asked, check_meant, unauthorized
from facade.filters.auth_sign import NAMES, as_secret, sign

# How far apart the numbers of calls may be that come in another order than they were signed.
DISORDER = 4096


# Who says one of these means to be guarded, so it switches the filter on, which needs more.
_MEANT = ("auth_window", "auth_sessions")


@activate(group=PROVIDER, order=-6_000, when=("auth_keys", *_MEANT))
class AuthVerify(Filter):
    """Take only calls that are signed with a known key. Called ``auth_verify``.

    ``server.export(Shop, impl, auth_keys={"shop-2026": new, "shop-2025": old})``: all of them
    are good, so that keys can be changed without a stop. ``auth_window`` (60): by how many
    seconds the clocks may differ. Each call is good once: of every client it is remembered
    which of its numbered calls came, for as long as the window, for ``auth_sessions`` (10000)
    clients. A method may have keys of its own, or ``auth_keys=None`` to be open. Where it is
    named in ``filters=`` and no keys are set, no call is taken.

    The id of the key is in ``RpcContext.values()["auth_key_id"]`` and in the invocation's
    attributes. The signature goes no further: neither to the method, nor with its calls.

    Raises RpcError with Code.AUTHORIZATION and Status.UNAUTHENTICATED for a call that is not
    signed, wrongly, too early, too late or again; LimitExceeded for too many clients at once.
    ValueError at the start for ``auth_window`` or ``auth_sessions`` without keys.
    Dubbo: ProviderAuthFilter. Mended: a replay window; the comparison takes the same time
    wherever signatures differ; it raises instead of answering.
    """

    keys: ClassVar[Any] = {
        "auth_keys": (object, bool),
        "auth_window": (int, float),
        "auth_sessions": int,
    }
    common = _MEANT

    def __init__(
        self,
        keys: Mapping[str, str | bytes] | None,
        *,
        window: float = 60.0,
        sessions: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not window > 0:
            raise ValueError(f"auth_window={window!r} lets no call in: give seconds, such as 60")
        if sessions < 1:
            raise ValueError(f"auth_sessions={sessions!r} lets no client in: give 1 or more")
        self._all = _keys({} if keys is None else keys)
        self._own: dict[str, dict[str, bytes] | None] = {}
        self._window = window
        self._clock = clock
        self._seen = Seen(sessions, 2 * window)

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        found = settings.by_method("auth_keys")
        made = cls(
            found.default,
            window=settings.get("auth_window", 60.0),
            sessions=settings.get("auth_sessions", 10_000),
        )
        if any(keys is not None for keys in settings.all("auth_keys")):
            made._all = _keys(found.default)
        else:
            check_meant(settings, _MEANT, "auth_keys", "auth_verify")
        made._own = {name: _keys(value) for name, value in found.items()}
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        keys = self._own.get(asked(invocation), self._all)
        if keys is None:
            return await invoker.invoke(invocation)
        key_id = self._verify(keys, invocation)
        invocation.attributes["auth_key_id"] = key_id
        request = current_request()
        served = request if request is not None and request.invocation is invocation else None
        for name in NAMES:
            invocation.attachments.pop(name, None)
            if served is not None:
                served.attachments.pop(name, None)
        if served is not None:
            served.values["auth_key_id"] = key_id
        return await invoker.invoke(invocation)

    def _verify(self, keys: Mapping[str, bytes], invocation: Invocation) -> str:
        key_id, sent, nonce, signature = map(invocation.attachments.get, NAMES)
        if not (
            isinstance(key_id, str)
            and isinstance(sent, str)
            and isinstance(nonce, str)
            and isinstance(signature, str)
        ):
            raise unauthorized(invocation, "it is not signed: set auth_key_id and auth_secret")
        expected = sign(keys.get(key_id, b"?"), invocation, key_id, sent, nonce)
        same = hmac.compare_digest(expected.encode(), signature.encode())
        if not same or key_id not in keys:
            raise unauthorized(invocation, "its key is not known here, or its signature is wrong")
        # From here on all is as a known client has signed it.
        session, _, number = nonce.rpartition("-")
        if not (sent.isdecimal() and number.isdecimal() and len(sent) + len(number) < 50):
            raise unauthorized(invocation, "its auth-time or auth-nonce has another form")
        now, signed = self._clock(), int(sent) / 1000
        if abs(now - signed) > self._window:
            raise unauthorized(
                invocation,
                f"it was signed {now - signed:.0f} s ago by the clock here, and auth_window is "
                f"{self._window:g} s",
            )
        if not self._seen.is_new(f"{key_id}/{session}", int(number), now):
            raise unauthorized(invocation, "it came before, or long after later ones")
        return key_id


class Seen:
    """Which calls came already: for each session a bit for each of its last numbers.

    So its size depends on the number of clients, not of calls. A session is forgotten when
    all that it sent is too old to be taken.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        # Session: highest number, bits below it, last heard of. The longest silent first.
        self._sessions: dict[str, tuple[int, int, float]] = {}

    def is_new(self, session: str, number: int, now: float) -> bool:
        """And remember it. LimitExceeded where there is no room for another session."""
        highest, bits, _ = self._sessions.pop(session, (number, 0, now))
        if number > highest:
            ahead = number - highest
            bits = (bits << ahead) & _MASK if ahead < DISORDER else 0
            highest = number
        behind = highest - number
        new = behind < DISORDER and not bits >> behind & 1
        if len(self._sessions) >= self._limit:
            self._forget(now)
        self._sessions[session] = (highest, bits | 1 << behind if new else bits, now)
        return new

    def _forget(self, now: float) -> None:
        for session, (_, _, heard) in list(self._sessions.items()):
            if now - heard <= self._seconds:
                break
            del self._sessions[session]
        if len(self._sessions) >= self._limit:
            raise LimitExceeded(
                f"more than auth_sessions={self._limit} clients sign calls at the same time",
                sent=Sent.NOT_EXECUTED,
            )


_MASK = (1 << DISORDER) - 1


def _keys(keys: Any) -> dict[str, bytes] | None:
    if keys is None:
        return None
    if not isinstance(keys, Mapping):
        raise TypeError('auth_keys is a dict of secrets by key id: {"shop-2026": b"..."}')
    return {
        str(key_id): as_secret(secret, "a secret of auth_keys") for key_id, secret in keys.items()
    }
