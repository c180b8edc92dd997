"""Threads that take one piece of work after another."""

import threading

import pytest

from facade.provider.threads import Threads

LONG = 30.0


@pytest.fixture
def threads():
    made = []

    def make(most):
        made.append(Threads(most, "test-thread"))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Work:
    """Tells which thread runs it, and when; it runs until it is released."""

    def __init__(self):
        self.begun, self.released = threading.Event(), threading.Event()
        self.thread = None

    def __call__(self):
        self.thread = threading.current_thread()
        self.begun.set()
        assert self.released.wait(LONG)


def test_each_is_started_when_none_is_free(threads):
    """Two pieces of work that run at once have a thread each; names tell which."""
    two, one, another = threads(2), Work(), Work()
    two.run(one)
    two.run(another)
    assert one.begun.wait(LONG)
    assert another.begun.wait(LONG)
    assert {one.thread.name, another.thread.name} == {"test-thread_0", "test-thread_1"}
    for work in (one, another):
        work.released.set()


def test_no_more_than_there_may_be(threads):
    """What is more waits for a thread."""
    single, one, another = threads(1), Work(), Work()
    single.run(one)
    single.run(another)
    assert one.begun.wait(LONG)
    assert not another.begun.is_set()
    one.released.set()
    another.released.set()
    assert another.begun.wait(LONG)
    assert another.thread is one.thread


def test_they_do_not_keep_the_process(threads):
    """They are daemons."""
    work = Work()
    threads(1).run(work)
    assert work.begun.wait(LONG)
    assert work.thread.daemon
    work.released.set()


def test_close(threads):
    """What was given before is done, the threads end, and nothing more is taken."""
    two, one, another = threads(2), Work(), Work()
    two.run(one)
    assert one.begun.wait(LONG)
    two.run(another)
    two.close()
    with pytest.raises(RuntimeError, match="let go"):
        two.run(Work())
    one.released.set()
    another.released.set()
    assert another.begun.wait(LONG)
    for work in (one, another):
        work.thread.join(LONG)
        assert not work.thread.is_alive()
