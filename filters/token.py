"""Let in who has the token. (Dubbo: TokenFilter)"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Self

from facade.core.errors import Code, RpcError, Sent, Status
from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

# The attachment. It reaches the provider's filters, but no method, and goes no further.
TOKEN = "token"

Tokens = str | Sequence[str]


@activate(group=PROVIDER, order=-6_000, when=TOKEN)
class Token(Filter):
    """Refuse calls that bring no such token::

        server.export(Greeter, GreeterImpl(), token="s3cret")
        server.export(Greeter, GreeterImpl(), token=["new", "old"])  # while it is replaced
        server.export(Greeter, GreeterImpl(), token="s3cret", methods={"ping": {"token": ""}})

    Raises RpcError with FORBIDDEN and UNAUTHENTICATED, before the method ran. A method whose
    token is empty asks for none. A token proves who calls only where nobody listens: use TLS.

    Mended: the comparison takes as long for any token of one length, the token that came is
    not repeated in the text, and the code is not UNKNOWN. ``token=True``, with which Dubbo
    publishes a random one in its registry, is a TypeError: who may read there could call.
    """

    keys = {TOKEN: (str, list, tuple)}

    def __init__(self, *, token: Tokens = "", methods: Mapping[str, Tokens] | None = None) -> None:
        own = {name: _encoded(tokens) for name, tokens in (methods or {}).items()}
        self._taken = ByMethod(own, _encoded(token))
        if not any((self._taken.default, *own.values())):
            raise ValueError("Token asks for no token: give it one, token='...', or leave it out")

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        tokens = settings.by_method(TOKEN, "")
        return cls(token=tokens.default, methods=tokens)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        taken = self._taken[invocation.name]
        if taken:
            given = invocation.attachments.get(TOKEN, "")
            if isinstance(given, str):
                given = given.encode()
            # Each is compared, so that the time does not tell which one it was.
            if not sum(hmac.compare_digest(given, token) for token in taken):
                raise _refusal(invocation, "another" if given else "none")
        return await invoker.invoke(invocation)


def _encoded(tokens: Tokens) -> tuple[bytes, ...]:
    listed = (tokens,) if isinstance(tokens, str) else tuple(tokens)
    if not all(isinstance(token, str) for token in listed):
        raise TypeError("a token is text: token='...', or a list of such")
    if not isinstance(tokens, str) and not all(listed):
        raise ValueError("a list of tokens has an empty one, which would let everybody in")
    return tuple(token.encode() for token in listed if token)


def _refusal(invocation: Invocation, came: str) -> RpcError:
    return RpcError(
        f"{invocation} asks for a token, and {came} came from {invocation.remote_address}: "
        "the consumer gives it by refer(..., token=...)",
        code=Code.FORBIDDEN,
        status=Status.UNAUTHENTICATED,
        sent=Sent.NOT_EXECUTED,
    )
