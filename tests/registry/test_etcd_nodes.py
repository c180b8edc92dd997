"""etcd's keys as a tree, with answers of the test's own."""

import asyncio
from types import SimpleNamespace

import pytest

from facade.registry import etcd_api
from facade.registry.etcd import EtcdNodes
from facade.registry.etcd_api import EtcdApi
from facade.registry.etcd_messages import message


class Api:
    """Answers a range with these keys, and a watch with these answers; then it ends."""

    def __init__(self, *keys):
        self.keys = keys
        self.ranges = 0

    async def call(self, method, noun, **fields):
        self.ranges += 1
        pairs = [SimpleNamespace(key=key) for key in self.keys]
        return SimpleNamespace(kvs=pairs, header=SimpleNamespace(revision=1))

    async def watch(self, key, end, revision):
        event = {"kv": {"key": b"/dubbo/demo.A/providers/c"}}
        yield message("WatchResponse")(events=[event])

    async def close(self):
        pass


async def told_until(nodes, wanted):
    lists, enough = [], asyncio.Event()

    def told(names):
        lists.append(names)
        if len(lists) == wanted:
            enough.set()

    nodes.watch("/dubbo/demo.A/providers", told)
    async with asyncio.timeout(20):
        await enough.wait()
    return lists


async def test_key_that_is_no_text():
    """Somebody wrote it there: it is passed over as others are, and hides none of them."""
    nodes = EtcdNodes(Api(b"/dubbo/demo.A/providers/a", b"/dubbo/demo.A/providers/\xff"), 10, "x")
    lists = await told_until(nodes, 2)
    assert lists == [["a", "\ufffd"], ["a", "c", "\ufffd"]]
    await nodes.close()


async def test_watch_that_ends_at_once(monkeypatch):
    """It is begun again after a pause, and not as fast as it can be."""
    pauses, sleep = [], asyncio.sleep

    async def note(seconds):
        pauses.append(seconds)
        await sleep(0)

    nodes = EtcdNodes(Api(b"/dubbo/demo.A/providers/a"), 10, "x")
    monkeypatch.setattr(asyncio, "sleep", note)
    await told_until(nodes, 6)
    assert all(pauses[:2])
    await nodes.close()


class NeverBegins:
    """A stream whose connection was lost just as it began: gRPC never takes what is written."""

    def __init__(self):
        self.cancelled = False

    def __call__(self, **settings):
        return self

    async def write(self, request):
        await asyncio.Event().wait()

    def cancel(self):
        self.cancelled = True


@pytest.mark.parametrize("use", ["watch", "keep_alive"])
async def test_stream_that_never_begins(monkeypatch, use):
    """It is given up in time, and so is tried again: a watch would be silent for ever."""
    monkeypatch.setattr(etcd_api, "PATIENCE", 0.01)
    api, stream = EtcdApi(("127.0.0.1:1",)), NeverBegins()
    monkeypatch.setattr(api, "_method", lambda *_: stream)
    with pytest.raises(TimeoutError):
        await (api.keep_alive(7) if use == "keep_alive" else anext(api.watch(b"a", b"b", 1)))
    assert stream.cancelled
    await api.close()
