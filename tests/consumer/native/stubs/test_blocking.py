"""Generated stubs on Client: calls are as those of grpcio without asyncio."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

import facade
from facade import Client, RpcContext
from tests.greeter.greeter_pb2 import Greeting, Hello
from tests.greeter.greeter_pb2_grpc import (
    GreeterServicer,
    GreeterStub,
    add_GreeterServicer_to_server,
)


class Plain(GreeterServicer):
    """A provider without asyncio that knows nothing of us."""

    def __init__(self):
        self.started = threading.Event()
        self.ended = threading.Event()

    def SayHello(self, request, context):  # noqa: N802
        context.set_trailing_metadata((("place", "here"),))
        if request.name == "slow":
            if not context.add_callback(self.ended.set):  # it is over already
                self.ended.set()
            self.started.set()
            self.ended.wait()
        if request.name == "refused":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such guest")
        return Greeting(text=f"Hello {request.name} {dict(context.invocation_metadata()).get('n')}")

    def SayHellos(self, request, context):  # noqa: N802
        context.add_callback(self.ended.set)
        for number in range(request.count):
            yield Greeting(text=str(number))
        if request.name == "endless":
            self.ended.wait()

    def SayHelloToAll(self, requests, context):  # noqa: N802
        names = [request.name for request in requests]
        return Greeting(text=", ".join(names))

    def Chat(self, requests, context):  # noqa: N802
        for request in requests:
            if request.name == "refused":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such guest")
            yield Greeting(text=request.name)


@pytest.fixture
def servicer():
    return Plain()


@pytest.fixture
def client(servicer):
    pool = ThreadPoolExecutor(12)
    server = grpc.server(pool)
    add_GreeterServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Client(f"127.0.0.1:{port}", timeout=10) as client:
        yield client
    server.stop(0).wait()
    pool.shutdown()


@pytest.fixture
def stub(client):
    return GreeterStub(client.channel())


def hellos(*names):
    return (Hello(name=name) for name in names)


def test_a_value(stub):
    """A call gives its answer; with_call and future give the call as well."""
    assert stub.SayHello(Hello(name="Ann")).text == "Hello Ann None"
    assert RpcContext.response_attachments() == {"place": "here"}
    answer, call = stub.SayHello.with_call(Hello(name="Ann"), 5, (("n", "1"),))
    assert answer.text == "Hello Ann 1"
    assert call.code() is grpc.StatusCode.OK
    assert call.details() == ""
    ((key, value),) = call.trailing_metadata()
    assert (key, value) == ("place", "here")
    assert call.trailing_metadata()[0].key == "place"
    assert not call.is_active()
    future = stub.SayHello.future(Hello(name="Ann"))
    assert future.result(5).text == "Hello Ann None"
    assert future.done()
    assert future.exception() is None
    told = queue.Queue()
    future.add_done_callback(told.put)
    assert told.get() is future


def test_streams(stub):
    """Answers are iterated over; requests come from an iterator, as the provider takes them."""
    call = stub.SayHellos(Hello(count=3))
    assert [answer.text for answer in call] == ["0", "1", "2"]
    assert call.code() is grpc.StatusCode.OK
    assert stub.SayHelloToAll(hellos("Ann", "Bob")).text == "Ann, Bob"
    said = queue.Queue()
    answers = stub.Chat(iter(said.get, None))
    for name in ("Ann", "Bob"):
        said.put(Hello(name=name))
        assert next(answers).text == name
    said.put(None)
    assert list(answers) == []


def test_errors(stub):
    """They are grpcio's and ours; a future keeps its own."""
    with pytest.raises(grpc.RpcError) as caught:
        stub.SayHello(Hello(name="refused"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "no such guest"
    assert isinstance(caught.value, facade.RpcError)
    future = stub.SayHello.future(Hello(name="refused"))
    assert future.exception(5).code() is grpc.StatusCode.NOT_FOUND
    assert future.traceback(5) is not None
    with pytest.raises(grpc.RpcError, match="no such guest"):
        list(stub.Chat(hellos("refused", "Ann")))
    with pytest.raises(TimeoutError):
        stub.SayHello.future(Hello(name="slow"), timeout=0.05).result()


def test_requests_that_fail(stub):
    """What an iterator raises is the cause of the call's error."""

    def requests():
        yield Hello(name="Ann")
        raise KeyError("lost")

    with pytest.raises(grpc.RpcError, match="raised KeyError") as caught:
        stub.SayHelloToAll(requests())
    assert isinstance(caught.value.__cause__, KeyError)


def test_requests_that_exit(stub):
    """An iterator that raises SystemExit ends its call, and nobody else's."""

    def requests():
        yield Hello(name="Ann")
        raise SystemExit(3)

    with pytest.raises(grpc.RpcError, match="raised SystemExit"):
        stub.SayHelloToAll(requests())
    assert stub.SayHello(Hello(name="Ann")).text == "Hello Ann None"


def test_threads_share_a_stream(stub):
    """Each answer goes to one of those who iterate over the call."""
    call = stub.SayHellos(Hello(count=100))
    with ThreadPoolExecutor(4) as pool:
        taken = pool.map(lambda _: [int(answer.text) for answer in call], range(4))
    assert sorted(number for numbers in taken for number in numbers) == list(range(100))


def test_cancelling(stub, servicer):
    """A future can be cancelled, and so can a stream."""
    future = stub.SayHello.future(Hello(name="slow"))
    with pytest.raises(grpc.FutureTimeoutError):
        future.result(0.01)
    assert future.running()
    assert servicer.started.wait(10)
    assert future.cancel()
    with pytest.raises(grpc.FutureCancelledError):
        future.result()
    assert future.cancelled()
    assert servicer.ended.wait(10)
    servicer.ended.clear()
    answers = stub.SayHellos(Hello(name="endless", count=1))
    assert next(answers).text == "0"
    assert answers.is_active()
    assert answers.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert caught.value.code() is grpc.StatusCode.CANCELLED
    assert servicer.ended.wait(10)


def test_an_early_break(stub, servicer):
    """Leaving a loop early ends the call at the provider, and the thread of its requests."""
    for _ in stub.SayHellos(Hello(name="endless", count=1)):
        break
    assert servicer.ended.wait(10)
    said = queue.Queue()
    said.put(Hello(name="Ann"))
    before = set(threading.enumerate())
    for _ in stub.Chat(iter(said.get, None)):
        break
    (thread,) = [t for t in threading.enumerate() if t.name == "facade-stream" and t not in before]
    while thread.is_alive():
        said.put(Hello(name="Bob"))  # nobody takes it
        thread.join(0.01)


def test_callbacks(stub):
    """add_callback is called at the end, and says where that is over."""
    told = threading.Event()
    call = stub.SayHellos(Hello(count=1))
    assert call.add_callback(told.set)
    assert len(list(call)) == 1
    assert told.wait(10)
    assert not call.add_callback(told.set)


def test_many_threads(stub):
    """Threads that call at once each get their own answers, attachments included."""

    def work(number):
        for _ in range(10):
            RpcContext.client_attachments()["n"] = str(number)
            assert stub.SayHello(Hello(name="Ann")).text == f"Hello Ann {number}"
            texts = [a.text for a in stub.Chat(hellos(*[str(number)] * 3))]
            assert texts == [str(number)] * 3
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))


def test_the_channel_is_the_clients(client, stub):
    """To close it changes nothing; it tells no states."""
    with client.channel() as channel:
        assert isinstance(channel, grpc.Channel)
        with pytest.raises(NotImplementedError):
            channel.subscribe(print)
    assert stub.SayHello(Hello()).text


class Passes(grpc.UnaryUnaryClientInterceptor, grpc.StreamUnaryClientInterceptor):
    """Waits for what it is given, as interceptors do that retry or measure."""

    def __init__(self):
        self.codes = []

    def intercept_unary_unary(self, continuation, details, request):
        outcome = continuation(details, request)
        self.codes.append(outcome.code())
        assert outcome.done()
        return outcome

    intercept_stream_unary = intercept_unary_unary


def test_interceptors_of_grpcio(client):
    """They are put around the channel, and take answers and errors as calls that have ended."""
    passes = Passes()
    stub = GreeterStub(grpc.intercept_channel(client.channel(), passes))
    assert stub.SayHello(Hello(name="Ann")).text == "Hello Ann None"
    assert stub.SayHelloToAll(hellos("Ann")).text == "Ann"
    with pytest.raises(grpc.RpcError) as caught:
        stub.SayHello(Hello(name="refused"))
    assert isinstance(caught.value, facade.RpcError)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.exception() is caught.value
    assert tuple(caught.value.trailing_metadata()) == (("place", "here"),)
    assert passes.codes[::2] == [grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND]


def test_callbacks_ask_their_call(stub, servicer):
    """A callback may ask the call for its status, and may call on: it holds nobody up."""
    told = queue.Queue()

    def tell(future):
        try:
            told.put((future.code(), stub.SayHello(Hello(name="Bob")).text))
        except Exception as error:
            told.put(error)

    future = stub.SayHello.future(Hello(name="slow"))
    future.add_done_callback(tell)
    answers = stub.SayHellos(Hello(name="endless"))
    answers.add_callback(lambda: tell(answers))
    servicer.ended.set()
    assert list(answers) == []
    for _ in range(2):
        assert told.get(timeout=10) == (grpc.StatusCode.OK, "Hello Bob None")


def test_requests_by_keyword(stub):
    """They have the names that grpcio gives them."""
    assert stub.SayHello(request=Hello(name="Ann")).text == "Hello Ann None"
    assert stub.SayHelloToAll(request_iterator=hellos("Ann"), timeout=9).text == "Ann"
    assert [a.text for a in stub.Chat(request_iterator=hellos("Ann"))] == ["Ann"]
