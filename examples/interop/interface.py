"""What every program here calls, whatever its language."""

import facade


@facade.service("demo.Greeter")
class Greeter:
    """Greets people."""

    async def hello(self, name: str) -> str:
        """A greeting: "Hello Ann"."""
        raise NotImplementedError

    async def add(self, a: int, b: int = 1) -> int:
        """The sum of two numbers."""
        raise NotImplementedError

    async def fail(self, text: str) -> str:
        """Raises ValueError with this text."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> float:
        """Answers after so many seconds."""
        raise NotImplementedError

    async def baggage(self) -> dict[str, str]:
        """The attachments that the call brought, as far as they are text. It sends "seen-by"
        back beside its value."""
        raise NotImplementedError
