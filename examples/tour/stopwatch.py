"""A filter of one's own. It neither knows nor asks at which side it runs."""

from time import perf_counter

from facade import Filter, Invocation, Invoker, Result


class Stopwatch(Filter):
    """Sends along how long the rest of the chain took."""

    def __init__(self, label: str) -> None:
        self.label = label

    async def invoke(self, invoker: Invoker, invocation: Invocation) -> Result:
        start = perf_counter()
        result = await invoker.invoke(invocation)
        result.attachments[self.label] = f"{(perf_counter() - start) * 1000:.2f} ms"
        return result
