"""Frames as they should be, and what becomes of them in the hands of an attacker."""

import random

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage

from facade.codec import encode_plain
from facade.exchange.envelope import Envelope
from facade.v1.exchange_pb2 import Frame
from tests.security.conftest import frame, invocation, setup

# Ids, sizes and times at which something may overflow.
EDGES = [0, 1, 2, 3, 5, 7, 64, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


def envelope(id=0, **kinds):
    """From what its fields are, as JSON has them."""
    return json_format.ParseDict({"id": str(id), **kinds}, Envelope())


def provider_frames():
    """What a consumer sends."""
    packed = AnyMessage(type_url="type/demo.Nothing", value=b"\x01\x02")
    value = envelope(5, invocation={"service": "demo.Vault", "method": "any", "value": [{"a": 1}]})
    value.invocation.attachments["trace"] = "1"
    value.invocation.binary_attachments["key"] = b"\xff"
    any_ = invocation(7)
    any_.invocation.any.CopyFrom(packed)
    raw = invocation(9)
    raw.invocation.raw = b"\x00" * 20
    late = invocation(11, time_left_us=1)
    back = invocation(17, "tell", {"callback": 1})
    items = [
        envelope(13, item={"argument": 0, "msgpack": "AQ=="}),
        envelope(13, item={"end": True}),
    ]
    return [
        frame(setup()),
        frame(invocation(1, "echo", "hello"), invocation(3, "any", {"a": [1, 2.5, None, b"x"]})),
        frame(value, any_, raw, late),
        frame(invocation(13, "total", None), *items),
        frame(invocation(15, "count", 5), envelope(15, credit={"items": 3, "bytes": "100"})),
        frame(back, invocation(19, "echo", "x", oneway=True), invocation(21, "wait")),
        frame(envelope(21, cancel={"reason": "because"})),
        frame(envelope(0, ping={"nonce": "7"}), envelope(0, pong={"nonce": "7"})),
        frame(envelope(23, chunk={"data": "AAAA", "totalBytes": "100"})),
        frame(envelope(0, drain={"reason": "done"})),
    ]


def consumer_frames():
    """What a provider sends."""
    wrong = {"code": "CODE_BIZ", "type": "ValueError", "arguments": "kaF4", "raised": True}
    refused = {"code": "CODE_NETWORK", "status": 14, "execution": "EXECUTION_NOT_STARTED"}
    hook = invocation(2, "call", "news", service="facade.Callback")
    hook.invocation.attachments["callback.service.instid"] = "1"
    release = invocation(4, "_release", 1, service="facade.Callback")
    release.invocation.attachments["callback.service.instid"] = "1"
    return [
        frame(setup()),
        frame(envelope(1, result={"msgpack": "okhp", "attachments": {"a": "b"}})),
        frame(envelope(3, result={"value": [1, {"a": None}]}), envelope(5, result={"raw": "AA=="})),
        frame(envelope(7, result={"error": wrong}), envelope(9, result={"error": refused})),
        frame(envelope(11, result={"expired": True})),
        frame(envelope(13, item={"msgpack": "AQ=="}), envelope(13, result={"msgpack": "wA=="})),
        frame(envelope(15, credit={"argument": 0, "items": 5})),
        frame(hook, release),
        frame(envelope(0, ping={"nonce": "1"}), envelope(0, drain={"reason": "stop"})),
    ]


class Mutator:
    """Makes bad frames of good ones, the same for the same seed."""

    def __init__(self, corpus, seed, *, rising):
        self.random = random.Random(seed)
        self.corpus = corpus
        # Whether ids are to rise, as those of new calls do.
        self.rising = rising
        # Without what begins and ends a stream.
        self.calls = corpus[1:-1]
        self._made = -1
        self.ways = [
            self.flip, self.overwrite, self.insert, self.delete, self.repeat, self.splice,
            self.cut, self.overflow, self.change, self.change, self.change, self.shuffle,
        ]  # fmt: skip

    def begin(self):
        """A new stream."""
        self._made = -1

    def frame(self):
        rare = self.random.random() < 0.1
        data = self._renumbered(self.random.choice(self.corpus if rare else self.calls))
        for _ in range(self.random.choice((1, 1, 1, 2, 4))):
            data = bytearray(self.random.choice(self.ways)(data))
        if self._parsed(data) is None and self.random.random() < 0.8:
            return self.frame()  # most of what is changed at random is no frame at all
        return bytes(data)

    def frames(self, count):
        return [self.frame() for _ in range(count)]

    def _renumbered(self, data):
        """The same about newer calls, as ids are used once."""
        self._made += self.rising and self.random.random() < 0.9
        parsed = Frame.FromString(data)
        for each in parsed.envelopes:
            if each.id:
                each.id += 32 * max(0, self._made)
        return bytearray(parsed.SerializeToString())

    def _at(self, data):
        return self.random.randrange(len(data) + 1)

    def flip(self, data):
        if data:
            data[self._at(data) - 1] ^= 1 << self.random.randrange(8)
        return data

    def overwrite(self, data):
        if data:
            data[self._at(data) - 1] = self.random.choice((0, 0x7F, 0x80, 0xFF, 0x0A))
        return data

    def insert(self, data):
        at = self._at(data)
        return data[:at] + self.random.randbytes(self.random.randrange(1, 9)) + data[at:]

    def delete(self, data):
        at = self._at(data)
        return data[:at] + data[at + self.random.randrange(1, 9) :]

    def repeat(self, data):
        start, end = sorted((self._at(data), self._at(data)))
        return data[:end] + data[start:end] * self.random.randrange(1, 5) + data[end:]

    def splice(self, data):
        other = self.random.choice(self.corpus)
        return data[: self._at(data)] + other[self._at(other) :]

    def cut(self, data):
        return data[: self._at(data)]

    def overflow(self, data):
        at = self._at(data)
        return data[:at] + b"\xff" * self.random.choice((5, 9, 10)) + data[at:]

    def shuffle(self, data):
        """Envelopes of several frames, in another order."""
        parsed = self._parsed(data)
        if parsed is None:
            return data
        envelopes = list(parsed.envelopes)
        envelopes += Frame.FromString(self.random.choice(self.corpus)).envelopes
        self.random.shuffle(envelopes)
        return frame(*envelopes)

    def change(self, data):
        """A well-formed frame, in which a field has a value that it should not have."""
        parsed = self._parsed(data)
        if parsed is None or not parsed.envelopes:
            return data
        message = self.random.choice(parsed.envelopes)
        if self.random.random() < 0.3:
            message.id = self.random.choice(EDGES)
            return parsed.SerializeToString()
        while True:
            field = self.random.choice(message.DESCRIPTOR.fields)
            value = getattr(message, field.name)
            if hasattr(value, "__len__") and not isinstance(value, (str, bytes)):
                return parsed.SerializeToString()  # a list, or a map
            if field.message_type is None:
                break
            message = value
        self._set(message, field)
        return parsed.SerializeToString()

    def _set(self, message, field):
        nested = encode_plain([[[{"a": [b"\x00", 2**63]}]]])
        kind = field.cpp_type
        if kind == field.CPPTYPE_STRING:
            texts = ("", "__class__", "a" * 300, "facade.Callback", "\u202e\n", "call")
            bites = (b"", nested, b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x91" * 2000)
            binary = field.type == field.TYPE_BYTES
            setattr(message, field.name, self.random.choice(bites if binary else texts))
        elif kind == field.CPPTYPE_BOOL:
            setattr(message, field.name, self.random.random() < 0.5)
        elif kind in (field.CPPTYPE_UINT64, field.CPPTYPE_UINT32):
            most = 2**64 if kind == field.CPPTYPE_UINT64 else 2**32
            setattr(message, field.name, self.random.choice([e for e in EDGES if e < most]))
        elif kind in (field.CPPTYPE_INT32, field.CPPTYPE_ENUM):
            setattr(message, field.name, self.random.choice((-1, 0, 1, 99, 2**31 - 1)))
        elif kind == field.CPPTYPE_DOUBLE:
            setattr(message, field.name, float("nan"))

    def _parsed(self, data):
        try:
            return Frame.FromString(bytes(data))
        except Exception:
            return None
