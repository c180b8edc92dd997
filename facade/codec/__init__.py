"""Values to payloads and back, by the type hints of a method.

A payload is the name of its encoding (a field of the wire messages) and its content.
Which encodings a method takes follows from its hints alone, never from what a peer
says; nothing names a class, and nothing is unpickled.

    msgpack   every method, between Python ends
    value     every method: google.protobuf.Value, for JSON tools and other languages
    any       a method of one protobuf message that returns one (or nothing)
    raw       a method of one ``bytes`` that returns ``bytes`` (or nothing)

A stream travels beside the call, value by value; each is encoded alone.
"""

from facade.codec.generic import GenericCodec
from facade.codec.method import MethodCodec
from facade.codec.payload import (
    ANY,
    MALFORMED,
    MSGPACK,
    RAW,
    VALUE,
    Arguments,
    CallingCodec,
    Codec,
    Payload,
    decode_plain,
    encode_plain,
)
from facade.codec.stream import GenericStreamCodec, ItemCodec, StreamCodec

__all__ = [
    "ANY",
    "MALFORMED",
    "MSGPACK",
    "RAW",
    "VALUE",
    "Arguments",
    "CallingCodec",
    "Codec",
    "GenericCodec",
    "GenericStreamCodec",
    "ItemCodec",
    "MethodCodec",
    "Payload",
    "StreamCodec",
    "decode_plain",
    "encode_plain",
]
