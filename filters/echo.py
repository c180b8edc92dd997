"""Tell a caller that he gets through. (Dubbo: EchoFilter)"""

from typing import Any

from facade.core.filter import PROVIDER, Filter, Invoker, activate
from facade.core.invocation import Invocation
from facade.core.method import Method, Parameter
from facade.core.result import Result

ECHO = Method("", "$echo", (Parameter("value", Any),), Any)


@activate(group=PROVIDER, order=-2_000)
class Echo(Filter):
    """Answer ``$echo`` of every exported service with its one argument. Always on::

        await client.generic("demo.Greeter").echo("OK")             # "OK"
        await client.generic("demo.Greeter").invoke("$echo", "OK")  # the same

    Filters further out see the call, so it also shows that a token or a limit lets calls in.
    Those further in, and the implementation, are not run. Any plain value will do. With
    ``filters=["-echo"]`` there is no ``$echo``, and a caller gets Unimplemented; one with no
    argument, or two, gets InvalidArgument.

    Beyond Dubbo: calls of other methods do not pass through it, and so cost no more.
    """

    answers = (ECHO,)

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        if invocation.name == ECHO.name and len(invocation.arguments) == 1:
            return Result(invocation.arguments[0])
        return await invoker.invoke(invocation)
