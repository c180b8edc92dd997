import asyncio
import contextlib
import sys
import threading

import pytest
from prometheus_client import CollectorRegistry, Counter

import facade
from facade.core.filter import CONSUMER, PROVIDER
from facade.filters.prometheus import Prometheus
from facade.plugins import check_settings, resolve
from facade.testing import FakeInvoker, connected, connected_blocking, invocation


@facade.service("demo.Greeter")
class Greeter:
    async def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    async def hello(self, name: str) -> str:
        if not name:
            raise KeyError(name)
        return f"Hello {name}"


@pytest.fixture
def registry():
    return CollectorRegistry()


def count(registry, name, **labels):
    """A sample of demo.Greeter.hello; None where there is none."""
    labels = {"grpc_service": "demo.Greeter", "grpc_method": "hello"} | labels
    return registry.get_sample_value(name, {"grpc_type": "unary"} | labels)


def call(side=PROVIDER):
    made = invocation("hello", service="demo.Greeter")
    made.caller = object() if side is CONSUMER else None
    return made


@pytest.mark.parametrize(("side", "word"), [(PROVIDER, "server"), (CONSUMER, "client")])
async def test_call_is_counted_and_timed(registry, side, word):
    """Started, handled by code, and how long it took, under the names of its side."""
    during = []

    def method(_):
        during.append(count(registry, f"grpc_{word}_started_total"))
        return "value"

    result = await Prometheus(registry).invoke(FakeInvoker(function=method), call(side))
    assert result.value == "value"
    assert during == [1]
    assert count(registry, f"grpc_{word}_handled_total", grpc_code="OK") == 1
    assert count(registry, f"grpc_{word}_handling_seconds_count") == 1
    assert count(registry, f"grpc_{word}_handling_seconds_bucket", le="+Inf") == 1
    other = {"server": "client", "client": "server"}[word]
    assert count(registry, f"grpc_{other}_started_total") is None


@pytest.mark.behaviour("B3.39")
@pytest.mark.parametrize(
    ("invoker", "code"),
    [
        (FakeInvoker(exception=KeyError("k")), "Unknown"),
        (FakeInvoker(error=facade.DeadlineExceeded("late")), "DeadlineExceeded"),
        (FakeInvoker(error=facade.LimitExceeded("full")), "ResourceExhausted"),
        (FakeInvoker(error=facade.Unavailable("gone")), "Unavailable"),
        (FakeInvoker(error=RuntimeError("bug")), "Internal"),
        (FakeInvoker(error=asyncio.CancelledError()), "Canceled"),
    ],
)
async def test_failures_are_counted_by_code(registry, invoker, code):
    """By the names that Go's libraries give to codes; what was raised goes on as it is."""
    with contextlib.suppress(Exception, asyncio.CancelledError):
        await Prometheus(registry).invoke(invoker, call())
    assert count(registry, "grpc_server_handled_total", grpc_code=code) == 1
    assert count(registry, "grpc_server_handled_total", grpc_code="OK") is None


async def test_cancelled_call_is_counted(registry):
    """A call that is given up has ended, too."""
    filter, forever = Prometheus(registry), asyncio.Event()
    task = asyncio.create_task(
        filter.invoke(FakeInvoker(function=lambda _: forever.wait()), call())
    )
    await asyncio.sleep(0)
    assert count(registry, "grpc_server_started_total") == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert count(registry, "grpc_server_handled_total", grpc_code="Canceled") == 1


async def test_concurrent_calls_are_all_counted(registry):
    """One object serves all calls at once."""
    filter, step = Prometheus(registry), asyncio.Event()
    calls = [filter.invoke(FakeInvoker(function=lambda _: step.wait()), call()) for _ in range(50)]
    tasks = [asyncio.create_task(one) for one in calls]
    await asyncio.sleep(0)
    assert count(registry, "grpc_server_started_total") == 50
    assert count(registry, "grpc_server_handling_seconds_count") == 0
    step.set()
    await asyncio.gather(*tasks)
    assert count(registry, "grpc_server_handled_total", grpc_code="OK") == 50


def test_threads_lose_no_count(registry):
    """A blocking client runs it on the threads that call."""
    filter = Prometheus(registry)
    assert not filter.needs_loop

    def run():
        for _ in range(200):
            with pytest.raises(StopIteration):
                filter.invoke(FakeInvoker("value"), call(CONSUMER)).send(None)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(registry, "grpc_client_started_total") == 1600
    assert count(registry, "grpc_client_handled_total", grpc_code="OK") == 1600


async def test_many_filters_share_a_registry(registry):
    """Client, server and services of a process each have one, and count together."""
    for _ in range(2):
        await Prometheus(registry).invoke(FakeInvoker(), call())
    assert count(registry, "grpc_server_started_total") == 2


async def test_both_ends_count(registry):
    """Over the wire, by the keyword alone; the method's exception is no OK at either."""
    filters = [Prometheus(registry)]
    ends = connected((Greeter, GreeterImpl()), filters=filters, server_filters=filters, timeout=10)
    async with ends as client:
        greeter = client.refer(Greeter)
        await greeter.hello("Ann")
        with pytest.raises(KeyError):
            await greeter.hello("")
    for side in ("client", "server"):
        assert count(registry, f"grpc_{side}_handled_total", grpc_code="OK") == 1
        assert count(registry, f"grpc_{side}_handled_total", grpc_code="Unknown") == 1


def test_blocking_client_counts(registry):
    """Switched on by its key."""
    with connected_blocking(
        (Greeter, GreeterImpl()), filter_settings={"prometheus": registry}, timeout=10
    ) as client:
        assert client.refer(Greeter).hello("Ann") == "Hello Ann"
    assert count(registry, "grpc_client_handled_total", grpc_code="OK") == 1


# Configuration


@pytest.mark.parametrize("side", [PROVIDER, CONSUMER])
def test_key_switches_it_on(registry, side):
    """True or a registry; False is off."""
    names = {value: str(resolve([], side, {"prometheus": value})) for value in (registry, False)}
    assert "prometheus" in names[registry]
    assert "prometheus" not in names[False]


async def test_method_may_be_left_out(registry):
    """What a method says goes before what is said for all."""
    settings = facade.FilterSettings({"prometheus": registry}, {"hello": {"prometheus": False}})
    filter = Prometheus.configure(settings)
    await filter.invoke(FakeInvoker(), call())
    await filter.invoke(FakeInvoker(), invocation("other", service="demo.Greeter"))
    assert count(registry, "grpc_server_started_total") is None
    assert count(registry, "grpc_server_started_total", grpc_method="other") == 1


async def test_one_method_may_be_counted_alone(registry):
    """Where only a method asks for it, others are not counted."""
    filter = Prometheus.configure(facade.FilterSettings({}, {"hello": {"prometheus": registry}}))
    await filter.invoke(FakeInvoker(), call())
    await filter.invoke(FakeInvoker(), invocation("other", service="demo.Greeter"))
    assert count(registry, "grpc_server_started_total") == 1
    assert count(registry, "grpc_server_started_total", grpc_method="other") is None


def test_what_is_no_registry_is_refused():
    """It says what it takes."""
    settings = facade.FilterSettings({"prometheus": "localhost"})
    check_settings(settings, [], "server")
    with pytest.raises(TypeError, match="neither True nor a prometheus_client"):
        Prometheus.configure(settings)


def test_two_registries_are_refused(registry):
    """The methods of a service share one."""
    two = facade.FilterSettings(
        {"prometheus": registry}, {"hello": {"prometheus": CollectorRegistry()}}
    )
    with pytest.raises(ValueError, match="share one registry"):
        Prometheus.configure(two)


def test_other_buckets_are_refused(registry):
    """A histogram has one list of them; who gives none takes what is there."""
    Prometheus(registry, buckets=[0.1, 1])
    Prometheus(registry)
    with pytest.raises(ValueError, match=r"buckets=\(0.1, 1\)"):
        Prometheus(registry, buckets=[0.5])


def test_taken_names_are_told(registry):
    """Another library that counts gRPC calls in the same registry."""
    Counter("grpc_server_started_total", "theirs", registry=registry)
    with pytest.raises(ValueError, match="give the filter one of its own"):
        Prometheus(registry)


def test_missing_library_is_told(monkeypatch):
    """The module can be imported without it, and the error names the extra."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'facade-rpc\[prometheus\]'"):
        Prometheus()
