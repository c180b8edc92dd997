"""Report the errors that nobody expected, as Sentry would: python -m examples.error_hook"""

import asyncio
import traceback
from collections.abc import Callable, Sequence

import facade
from examples.greeter.interface import Greeter
from examples.greeter.provider import GreeterImpl

Report = dict[str, str]


class ErrorHook(facade.Filter):
    """Hand a report of each unexpected error to ``send``, which must not block.

    ``expected`` are exceptions of methods that belong to what they promise. Refusals (a limit,
    a deadline, a bad argument) say themselves what they are. With sentry_sdk, ``send`` would be
    ``lambda report: sentry_sdk.capture_message(report["error"], extras=report)``.
    """

    needs_loop = False

    def __init__(
        self,
        send: Callable[[Report], object],
        expected: Sequence[type[Exception]] = (),
    ) -> None:
        self._send = send
        self._expected = tuple(expected)

    def on_response(
        self, result: facade.Result, invoker: facade.Invoker, invocation: facade.Invocation
    ) -> None:
        if result.exception is not None and not isinstance(result.exception, self._expected):
            self._report(result.exception, "the method raised", invocation)

    def on_error(
        self, error: BaseException, invoker: facade.Invoker, invocation: facade.Invocation
    ) -> None:
        # A refusal is an answer, and a cancelled call is its caller's business.
        if isinstance(error, Exception) and not isinstance(error, facade.RpcError):
            self._report(error, "a filter failed", invocation)

    def _report(self, error: BaseException, what: str, invocation: facade.Invocation) -> None:
        """Who called what, and where it failed: never with what values."""
        frames = traceback.extract_tb(error.__traceback__)
        report = {
            "error": type(error).__name__,
            "what": what,
            "where": f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "",
            "call": str(invocation),
            "caller": invocation.remote_application or invocation.remote_address,
        }
        try:
            self._send(report)
        except Exception:
            traceback.print_exc()  # a lost report must not cost the call


class ClumsyGreeter(GreeterImpl):
    async def hello(self, name: str) -> str:
        if not name:
            raise ValueError("a name is needed")
        return f"Hello {[][len(name)]}"


async def main() -> None:
    hook = ErrorHook(print, expected=[ValueError])
    # Behind the defaults it is innermost, and sees what methods raise before anybody else.
    server = facade.Server(filters=["default", hook])
    server.export(Greeter, ClumsyGreeter())
    async with server:
        address = f"127.0.0.1:{server.port}"
        async with facade.AsyncClient(address, timeout=10, application="shop") as client:
            greeter = client.refer(Greeter)
            for name in ("", "Ann"):
                try:
                    await greeter.hello(name)
                except (ValueError, IndexError) as error:
                    print(f"hello({name!r}) raised {error!r}")


if __name__ == "__main__":
    asyncio.run(main())
