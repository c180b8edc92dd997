# mypy: disable-error-code="empty-body"
"""What provider and consumer share."""

import facade


@facade.service("examples.Greeter", version="1.0.0")
class Greeter:
    """Says hello."""

    async def hello(self, name: str) -> str: ...

    @facade.method(oneway=True)
    async def log(self, line: str) -> None: ...
