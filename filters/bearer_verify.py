"""Take only calls with a good bearer token."""

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Self

from facade.core.context import current_request
from facade.core.errors import Code, RpcError, Sent, Status
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.log import get_logger
from facade.core.result import Result
from facade.core.settings import FilterSettings
from facade.core.unauthorized import asked, check_meant, unauthorized
from facade.filters.bearer import NAME

logger = get_logger(__name__)

_JWT = ("jwt_key", "jwt_algorithms", "jwt_audience", "jwt_issuer", "jwt_leeway")

# Who says one of these means to be guarded, so it switches the filter on, which needs more.
_MEANT = ("jwt_algorithms", "jwt_audience", "jwt_issuer")


@activate(group=PROVIDER, order=-6_000, when=("bearer_verify", "jwt_key", *_MEANT))
class BearerVerify(Filter):
    """Take only calls with a good bearer token. Called ``bearer_verify``.

    ``server.export(Shop, impl, jwt_key=key, jwt_algorithms=["RS256"], jwt_audience="shop")``
    for JSON Web Tokens (``pip install facade-rpc[jwt]``): their signature, ``exp``, which
    must be there, ``nbf``, ``aud`` (``jwt_audience``) and ``iss`` (``jwt_issuer``) are
    checked, with ``jwt_leeway`` (0) seconds. ``jwt_key`` may be a dict of keys by ``kid``.
    Or ``bearer_verify=function``: it gets the token, gives the claims, and refuses by raising, or
    with None or False; it may be async. A method may have its own, or ``bearer_verify=None``
    and ``jwt_key=None`` to be open. Where it is named in ``filters=`` and neither is set, no
    call is taken.

    The claims are in ``RpcContext.values()["claims"]`` and in the invocation's attributes. The
    token goes no further: neither to the method, nor with the calls that it makes.

    Raises RpcError with Code.AUTHORIZATION and Status.UNAUTHENTICATED; an RpcError of the
    function as it is. ImportError at the start where PyJWT is missing; ValueError there for
    algorithms, audience or issuer with nothing that verifies.
    """

    keys: ClassVar[Any] = dict.fromkeys(("bearer_verify", *_JWT), (object, bool))

    def __init__(
        self,
        verify: Callable[[str], Any] | None = None,
        *,
        jwt_key: Any = None,
        jwt_algorithms: Any = None,
        jwt_audience: Any = None,
        jwt_issuer: Any = None,
        jwt_leeway: float = 0,
    ) -> None:
        jwt = (jwt_key, jwt_algorithms, jwt_audience, jwt_issuer, jwt_leeway)
        self._all: Any = _verifier(verify, *jwt) or _take_none
        self._own: dict[str, Any] = {}

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        found = [settings.by_method("bearer_verify"), *map(settings.by_method, _JWT)]
        made = cls()
        if any(v is not None for v in (*settings.all("bearer_verify"), *settings.all("jwt_key"))):
            made._all = _verifier(*(by_name.default for by_name in found))
        else:
            check_meant(settings, _MEANT, "jwt_key, or bearer_verify", "bearer_verify")
        for name in {name for by_name in found for name in by_name}:
            made._own[name] = _verifier(*(by_name[name] for by_name in found))
        return made

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        verify = self._own.get(asked(invocation), self._all)
        if verify is None:
            return await invoker.invoke(invocation)
        header = invocation.attachments.get(NAME)
        if not isinstance(header, str) or header[:7].lower() != "bearer ":
            raise unauthorized(invocation, "it has no bearer token: set bearer= at the consumer")
        claims = await self._verify(verify, header[7:].strip(), invocation)
        invocation.attributes["claims"] = claims
        invocation.attachments.pop(NAME, None)
        request = current_request()
        if request is not None and request.invocation is invocation:
            request.attachments.pop(NAME, None)
            request.values["claims"] = claims
        return await invoker.invoke(invocation)

    async def _verify(self, verify: Callable[[str], Any], token: str, call: Invocation) -> Any:
        try:
            claims = verify(token)
            if inspect.isawaitable(claims):
                claims = await claims
        except RpcError:
            raise
        except Exception as error:
            kind = type(error).__name__
            logger.info("the bearer token of %s from %s: %s", call, call.remote_address, kind)
            raise unauthorized(call, f"its bearer token is not good ({kind})") from error
        if claims is None or claims is False:
            raise unauthorized(call, "its bearer token is not good")
        return claims


def _verifier(
    verify: Any, key: Any, algorithms: Any, audience: Any, issuer: Any, leeway: Any
) -> Callable[[str], Any] | None:
    if verify is not None and key is not None:
        raise ValueError("bearer_verify and jwt_key both say how to verify a token: give one")
    if verify is not None:
        if not callable(verify):
            raise TypeError("bearer_verify is a function that takes the token")
        return verify  # type: ignore[no-any-return]
    if key is None:
        return None
    if isinstance(algorithms, str) or not algorithms or "none" in map(str.lower, algorithms):
        raise ValueError('jwt_key needs jwt_algorithms, a list: ["RS256"], or ["HS256"]')
    if (isinstance(key, Mapping) and not key) or key in ("", b""):
        raise ValueError("jwt_key is empty: no token could be verified")
    for name, value in (("jwt_audience", audience), ("jwt_issuer", issuer)):
        if value is not None and not _is_text(value):
            raise ValueError(f"{name}={value!r}: it is text, or a list of texts")
    leeway = 0 if leeway is None else leeway
    # With NaN, or without end, a token would never expire.
    if not isinstance(leeway, (int, float)) or not 0 <= leeway < math.inf:
        raise ValueError(f"jwt_leeway={leeway!r}: it is a number of seconds, 0 or more")
    return _jwt_verifier(key, list(algorithms), audience, issuer, leeway)


def _is_text(value: Any) -> bool:
    texts = [value] if isinstance(value, str) else value
    return (
        isinstance(texts, Collection)
        and bool(texts)
        and all(isinstance(text, str) and text for text in texts)
    )


def _jwt_verifier(
    key: Any, algorithms: list[str], audience: Any, issuer: Any, leeway: float
) -> Callable[[str], Any]:
    try:
        import jwt  # an extra, and slow to import
    except ImportError:
        raise ImportError("jwt_key needs PyJWT: pip install 'facade-rpc[jwt]'") from None
    for name in algorithms:
        try:
            jwt.get_algorithm_by_name(name)
        except NotImplementedError as error:
            raise ValueError(f"jwt_algorithms: {name!r}: {error}") from None
    rotated = key if isinstance(key, Mapping) else None

    def verify(token: str) -> Any:
        used = key
        if rotated is not None:
            used = rotated[jwt.get_unverified_header(token).get("kid", "")]
        return jwt.decode(
            token,
            used,
            algorithms=algorithms,
            audience=audience,
            issuer=issuer,
            leeway=leeway,
            options={"require": ["exp"]},
        )

    return verify


def _take_none(token: str) -> None:
    """Named in filters=, and nothing set: better closed than open."""
    raise RpcError(
        "this provider takes no call here: set bearer_verify= or jwt_key= for its bearer_verify",
        code=Code.AUTHORIZATION,
        status=Status.UNAUTHENTICATED,
        sent=Sent.NOT_EXECUTED,
    )
