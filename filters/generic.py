"""Make the call that ``$invoke`` asks for. (Dubbo: GenericFilter)"""

from typing import Any

from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import Method, Parameter
from facade.core.result import Result

_PARAMETERS = (
    Parameter("method", str),
    Parameter("types", list[str] | None, required=False),
    Parameter("args", list[Any] | dict[str, Any] | None, required=False),
)
INVOKE = Method("", "$invoke", _PARAMETERS, Any)
INVOKE_ASYNC = Method("", "$invokeAsync", _PARAMETERS, Any)


@activate(group=PROVIDER, order=-11_000)
class Generic(Filter):
    """Answer ``$invoke(method, types, args)`` of every exported service. Always on::

        await client.generic("demo.Greeter").invoke("$invoke", "hello", ["str"], ["Ann"])
        await client.generic("demo.Greeter").invoke("hello", "Ann")  # the same, and shorter

    ``args`` are JSON-able values, by position or (beyond Dubbo) by name; they are checked and
    converted by the hints of the method. What comes back is as plain. ``types`` may be left
    out: there is no overloading to resolve, so that only their number is looked at. Where
    ``args`` is None, the method gets as many None as there are types. ``$invokeAsync`` is the
    same: whether a caller waits is his affair.

    The caller gets Unimplemented for an unknown method, and InvalidArgument where arguments do
    not fit, or their number is not that of the types. An exception that he does not know comes
    as a RemoteError with its type and message, which is what a GenericException says.

    Mended: it is the outermost filter, so that all others see the method that is meant, and
    a token or a limit of that method can't be got round. Dubbo's filters look through
    ``$invoke`` one by one, or forget to. No other method's call passes through it.

    Without a meaning here: ``generic=nativejava``, ``bean``, ``gson`` and ``protobuf-json``
    (the payload itself says how it is encoded, and nothing is made by a class name), the
    "class" entry in maps, and GenericImplFilter, as calls with and without an interface are
    the same on the wire.
    """

    answers = (INVOKE, INVOKE_ASYNC)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        if invocation.name.startswith("$invoke"):
            # Its codec has found the method, and read the arguments by its hints.
            method, arguments, keywords = invocation.arguments
            invocation.name, invocation.method = method.name, method
            invocation.arguments, invocation.keywords = arguments, keywords
        return await invoker.invoke(invocation)
