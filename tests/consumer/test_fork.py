"""Clients and a process that forks. Each test's script runs in a process of its own."""

import asyncio
import sys

import pytest

import facade

# In the child nothing is waited for longer than its calls may take.
SCRIPT = """
import os, sys, warnings
import facade

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads

@facade.service("fork.Greeter")
class Greeter:
    def hello(self, name: str) -> str: ...

def attempt(what, target=sys.argv[1]):
    try:
        with facade.Client(target, timeout=20) as client:
            print(what, client.refer(Greeter).hello(what), flush=True)
    except Exception as error:
        print(what, type(error).__name__, error, flush=True)

def in_child(function, *arguments):
    pid = os.fork()
    if pid == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
"""


@facade.service("fork.Greeter")
class Greeter:
    def hello(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    def hello(self, name: str) -> str:
        return f"Hello {name}"


@pytest.fixture
async def run():
    """Runs the script, which finds a provider, and gives the lines that it prints."""
    server = facade.Server("127.0.0.1:0")
    server.export(Greeter, GreeterImpl())

    async def run(rest: str) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", SCRIPT + rest, f"127.0.0.1:{server.port}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode().splitlines()

    async with server:
        yield run


async def test_client_that_is_made_in_the_child(run):
    """It works, though there was a client before that had made no call."""
    lines = await run("""
client = facade.Client(sys.argv[1], timeout=20)
in_child(attempt, "child")
print(client.refer(Greeter).hello("parent"))
""")
    assert lines == ["child Hello child", "Hello parent"]


async def test_client_that_was_made_before_the_fork(run):
    """In the child it says so; in the parent it goes on."""
    lines = await run("""
client = facade.Client(sys.argv[1], timeout=20)
greeter = client.refer(Greeter)
print(greeter.hello("parent"))

def use():
    try:
        greeter.hello("child")
    except RuntimeError as error:
        print(error, flush=True)

in_child(use)
print(greeter.hello("parent again"))
""")
    assert lines == [
        "Hello parent",
        "this client was made before a fork: make one in the child",
        "Hello parent again",
    ]


async def test_fork_of_a_process_that_used_grpc(run):
    """gRPC does not work in the child: a client or server there says so at once."""
    lines = await run("""
attempt("parent")

def serve():
    attempt("child")
    try:
        facade.Server().run()
    except RuntimeError as error:
        print("server", error, flush=True)

in_child(serve)
attempt("again")
""")
    told = "gRPC was in use in this process before it forked, and does not work in the child: "
    assert lines[0] == "parent Hello parent"
    assert lines[1].startswith(f"child RuntimeError {told}")
    assert lines[2].startswith(f"server {told}")
    assert lines[3:] == ["again Hello again"]


async def test_calls_within_the_process_after_a_fork(run):
    """The parent's servers do not run in the child: there is nothing to call there."""
    lines = await run("""
import asyncio

class GreeterImpl(Greeter):
    def hello(self, name: str) -> str:
        return f"Hello {name}, within"

async def main():
    server = facade.Server("injvm")
    server.export(Greeter, GreeterImpl())
    async with server:
        await asyncio.to_thread(attempt, "parent", "injvm")
        in_child(attempt, "child", "injvm")

asyncio.run(main())
""")
    assert lines == [
        "parent Hello parent, within",
        "child Unavailable Service [fork.Greeter] not found: no server that runs in this process "
        "exports anything at 'injvm'",
    ]


async def test_garbage_of_grpc_in_the_child(run):
    """Collecting there what the parent's clients left does not wait for the parent's threads."""
    lines = await run("""
import gc
gc.disable()
attempt("parent")

def collect():
    gc.collect()
    print("collected", flush=True)

in_child(collect)
attempt("again")
""")
    assert lines == ["parent Hello parent", "collected", "again Hello again"]
