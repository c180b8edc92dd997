"""Send the token that the provider asks for. (Dubbo: DubboInvoker)"""

from collections.abc import Mapping
from typing import Self

from facade.core.filter import CONSUMER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.result import Result
from facade.core.settings import ByMethod, FilterSettings

TOKEN = "token"  # the setting, and the attachment


@activate(group=CONSUMER, order=-1_000, when=TOKEN)
class ConsumerToken(Filter):
    """Send the token with each call::

        client.refer(Greeter, token="s3cret")
        facade.AsyncClient("localhost:50051", filter_settings={"token": "s3cret"})

    The second sends it with every call of the client, also those without an interface. A token
    that is attached to the call itself goes before it. What a refused call raises: see ``token``.
    """

    needs_loop = False
    keys = {TOKEN: str}

    def __init__(self, *, token: str = "", methods: Mapping[str, str] | None = None) -> None:
        own = dict(methods or {})
        for value in (token, *own.values()):
            if not isinstance(value, str):
                raise TypeError("a consumer sends one token: token='...'")
        if not any((token, *own.values())):
            raise ValueError("ConsumerToken has no token: give it one, token='...'")
        self._token = ByMethod(own, token)

    @classmethod
    def configure(cls, settings: FilterSettings) -> Self:
        tokens = settings.by_method(TOKEN, "")
        return cls(token=tokens.default, methods=tokens)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        token = self._token[invocation.name]
        if token:
            invocation.attachments.setdefault(TOKEN, token)
        return await invoker.invoke(invocation)
