"""What is under way at one provider of many, and how it ends."""

import facade


class Journal:
    """Stands before the way to a provider: what is under way there, and how it ends."""

    def __init__(self, endpoint):
        self.under_way = self.failed = 0
        # How many were under way when the first one failed.
        self.lost = None
        self._way, endpoint.invoker = endpoint.invoker, self

    @property
    def available(self):
        return self._way.available

    @property
    def held(self):
        return self._way.held

    def begin(self):
        self._way.begin()

    async def invoke(self, invocation):
        self.under_way += 1
        try:
            return await self._way.invoke(invocation)
        except facade.RpcError as error:
            if self.lost is None:
                self.lost = self.under_way
            self.failed += error.sent is facade.Sent.MAYBE_EXECUTED
            raise
        finally:
            self.under_way -= 1

    async def close(self):
        await self._way.close()
