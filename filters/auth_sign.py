"""Sign each call with a shared secret. (Dubbo: ConsumerSignFilter)"""

import hmac
import itertools
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar, Self

from msgspec.msgpack import encode

from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import FilterSettings

KEY_ID = "auth-key-id"
TIME = "auth-time"  # milliseconds since 1970
NONCE = "auth-nonce"  # "session-number": see Seen
SIGNATURE = "auth-signature"
NAMES = (KEY_ID, TIME, NONCE, SIGNATURE)


def sign(secret: bytes, invocation: Invocation, key_id: str, sent: str, nonce: str) -> str:
    """HMAC-SHA256, in hex, of a msgpack array: no two calls have the same bytes."""
    call = (invocation.service, invocation.group, invocation.version, invocation.name)
    return hmac.digest(secret, encode(("facade-1", *call, key_id, sent, nonce)), "sha256").hex()


@activate(group=CONSUMER, order=-1_000, when="auth_secret")
class AuthSign(Filter):
    """Sign each call. The consumer's end of AuthVerify, called ``auth_sign``.

    ``client.refer(Shop, auth_key_id="shop-2026", auth_secret=os.environ["SHOP_KEY"])``. The
    signature is over service, group, version, method, time and a nonce. It proves who calls,
    and that the call is new; what keeps arguments and answers from being read and changed on
    the way is TLS. A method may have a key of its own, or ``auth_secret=None``. Raises
    ValueError at the start for a secret without an id.

    Dubbo: ConsumerSignFilter, AccessKeyAuthenticator. Mended: the secret is no part of the
    text that is signed, and a nonce is.
    """

    needs_loop = False
    # Of any type: an error of another type would show the secret.
    per_attempt = True
    keys: ClassVar[Any] = {"auth_key_id": (object, bool), "auth_secret": (object, bool)}

    def __init__(
        self,
        key_id: str = "",
        secret: str | bytes | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._all = _key(key_id, secret)
        self._own: dict[str, tuple[str, bytes] | None] = {}
        self._begin()

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        ids, found = settings.by_method("auth_key_id", ""), settings.by_method("auth_secret")
        made = cls(ids.default, found.default)
        made._own = {name: _key(ids[name], found[name]) for name in {*ids, *found}}
        return made

    def _begin(self) -> None:
        self._process = os.getpid()
        self._session = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        key = self._own.get(invocation.name, self._all)
        if key is None:
            return await invoker.invoke(invocation)
        if os.getpid() != self._process:  # a fork would use our numbers again
            self._begin()
        key_id, secret = key
        sent = str(int(self._clock() * 1000))
        nonce = f"{self._session}-{next(self._numbers)}"
        attachments = invocation.attachments
        attachments[KEY_ID] = key_id
        attachments[TIME] = sent
        attachments[NONCE] = nonce
        attachments[SIGNATURE] = sign(secret, invocation, key_id, sent, nonce)
        return await invoker.invoke(invocation)


def _key(key_id: Any, secret: Any) -> tuple[str, bytes] | None:
    if secret is None:
        return None
    if not isinstance(key_id, str) or not key_id:
        raise ValueError("auth_secret needs auth_key_id, the text by which the provider knows it")
    return key_id, as_secret(secret, "auth_secret")


def as_secret(secret: Any, what: str) -> bytes:
    if isinstance(secret, str):
        secret = secret.encode()
    if not isinstance(secret, bytes):
        raise TypeError(f"{what} is text or bytes, not {type(secret).__name__}")
    if not secret:
        raise ValueError(f"{what} is empty: anybody could sign with it")
    return secret
