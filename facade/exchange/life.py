"""The life of a stream: its states, and what leads from one to the next.

    connecting --setup--> ready --leave--> draining --peer leaves--> drained --idle--> closed
                            \\--peer leaves--> followed --leave--------^

``lost`` leads to closed from everywhere, and so does ``leave`` before the setup has come, as
nothing may be said before it. There is no I/O here.
"""

from enum import Enum


class State(Enum):
    CONNECTING = "connecting"  # the peer's setup has not come
    READY = "ready"
    DRAINING = "draining"  # we call no more; the peer still may, until it has heard of it
    FOLLOWED = "followed"  # the peer calls no more; we may for as long as we have nothing better
    DRAINED = "drained"  # nobody calls any more, and what was called comes to its end
    CLOSED = "closed"


class Event(Enum):
    SETUP = "setup"  # the peer's came
    LEAVE = "leave"  # we want to end it in peace
    PEER_LEAVES = "peer leaves"  # its drain came, which we answer with ours
    IDLE = "idle"  # no call is open at either end, and all is written
    LOST = "lost"  # it broke, or has to end at once


NEXT = {
    (State.CONNECTING, Event.SETUP): State.READY,
    (State.CONNECTING, Event.LEAVE): State.CLOSED,
    (State.CONNECTING, Event.IDLE): State.CONNECTING,
    (State.CONNECTING, Event.LOST): State.CLOSED,
    (State.READY, Event.LEAVE): State.DRAINING,
    (State.READY, Event.PEER_LEAVES): State.FOLLOWED,
    (State.READY, Event.IDLE): State.READY,
    (State.READY, Event.LOST): State.CLOSED,
    (State.DRAINING, Event.LEAVE): State.DRAINING,
    (State.DRAINING, Event.PEER_LEAVES): State.DRAINED,
    (State.DRAINING, Event.IDLE): State.DRAINING,
    (State.DRAINING, Event.LOST): State.CLOSED,
    (State.FOLLOWED, Event.LEAVE): State.DRAINED,
    (State.FOLLOWED, Event.IDLE): State.FOLLOWED,
    (State.FOLLOWED, Event.LOST): State.CLOSED,
    (State.DRAINED, Event.LEAVE): State.DRAINED,
    (State.DRAINED, Event.IDLE): State.CLOSED,
    (State.DRAINED, Event.LOST): State.CLOSED,
    (State.CLOSED, Event.LEAVE): State.CLOSED,
    (State.CLOSED, Event.IDLE): State.CLOSED,
    (State.CLOSED, Event.LOST): State.CLOSED,
}

# What a peer does that it may not do, by what it should know.
BROKEN = {
    (State.CONNECTING, Event.PEER_LEAVES): "the first envelope must be setup, not drain",
    (State.READY, Event.SETUP): "setup comes once",
    (State.DRAINING, Event.SETUP): "setup comes once",
    (State.FOLLOWED, Event.SETUP): "setup comes once",
    (State.FOLLOWED, Event.PEER_LEAVES): "drain comes once",
    (State.DRAINED, Event.SETUP): "setup comes once",
    (State.DRAINED, Event.PEER_LEAVES): "drain comes once",
}


class Life:
    """Where one stream stands. ``usable``: a new call may go. ``set_up``: the peer may send
    anything but its setup. ``hears_calls``: it may call, as it has not said that it leaves."""

    __slots__ = ("hears_calls", "set_up", "state", "usable")

    def __init__(self) -> None:
        self.state = State.CONNECTING
        self.usable = self.set_up = self.hears_calls = False

    def happen(self, event: Event) -> bool:
        """Whether it changed anything. ValueError for what the peer may not do."""
        before = self.state
        broken = BROKEN.get((before, event))
        if broken is not None:
            raise ValueError(broken)
        # What a closed stream still hears is nobody's concern.
        self.state = NEXT.get((before, event), before)
        # Asked for each envelope: it must not take a call.
        self.usable = self.state in (State.READY, State.FOLLOWED)
        self.hears_calls = self.state in (State.READY, State.DRAINING)
        self.set_up = self.state is not State.CONNECTING
        return self.state is not before

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def __repr__(self) -> str:
        return f"<Life: {self.state.value}>"
