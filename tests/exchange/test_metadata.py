"""Attachments as metadata of gRPC, and google.rpc.Status."""

import logging

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.wrappers_pb2 import StringValue

from facade.exchange.metadata import to_attachments, to_metadata
from facade.exchange.richstatus import decode_details, encode_status


def test_grpcs_own_metadata_are_no_attachments():
    """What steers a call, gRPC's or Triple's, is not handed on; anything else is."""
    metadata = [
        ("user-agent", "grpc-python"),
        (":path", "/a/b"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-timeout", "1S"),
        ("grpc-trace-bin", b"\0"),
        ("tri-service-group", "g"),
        ("tri-consumer-appname", "shop"),
        ("tri-color", "red"),
        ("traceparent", "00-1-2-01"),
        ("tenant", "acme"),
        ("token-bin", b"\0\1"),
    ]
    assert to_attachments(metadata) == {
        "tri-color": "red",
        "traceparent": "00-1-2-01",
        "tenant": "acme",
        "token-bin": b"\0\1",
    }


def test_values_of_one_name_are_joined():
    """Text by commas; of bytes the last counts."""
    metadata = [("a", "1"), ("a", "2"), ("b-bin", b"1"), ("b-bin", b"2")]
    assert to_attachments(metadata) == {"a": "1,2", "b-bin": b"2"}


@pytest.mark.parametrize(
    ("attachments", "metadata"),
    [
        ({"a": "text"}, (("a", "text"),)),
        ({"Tenant": "acme"}, (("tenant", "acme"),)),
        ({"a": b"\xff"}, (("a-bin", b"\xff"),)),
        ({"a-bin": b"\xff"}, (("a-bin", b"\xff"),)),
        ({"a": "Jürgen"}, (("a-bin", "Jürgen".encode()),)),
        ({"a": "two\nlines"}, (("a-bin", b"two\nlines"),)),
        ({"a-bin": "text"}, (("a-bin", b"text"),)),
        ({"n": 1}, (("n", "1"),)),
    ],
)
def test_attachments_become_metadata(attachments, metadata):
    """What is not ASCII travels as bytes, and the name says so."""
    assert to_metadata(attachments) == metadata


def test_what_cannot_travel_is_left_out(caplog):
    """A name that gRPC does not take would fail the call; the log tells of it instead."""
    with caplog.at_level(logging.WARNING):
        assert to_metadata({"Größe": "1", "grpc-timeout": "1S", "a": "1"}) == (("a", "1"),)
    assert "Größe" in caplog.text


def test_what_nobody_changed_goes_as_it_was():
    """A servicer's metadata keep their order and number; what a filter changed is new."""
    given = (("a", "1"), ("b", "x"), ("a", "2"), ("c", "y"))
    attachments = to_attachments(given)
    assert to_metadata(attachments, given) == given
    attachments["b"] = "changed"
    del attachments["c"]
    attachments["d"] = "new"
    assert to_metadata(attachments, given) == (
        ("a", "1"),
        ("a", "2"),
        ("b", "changed"),
        ("d", "new"),
    )


def test_rich_status_is_googles():
    """Its bytes are those of google.rpc.Status, and the details come out again."""
    detail = Any()
    detail.Pack(StringValue(value="more"))
    data = encode_status(5, "not found", [detail])
    packed = detail.SerializeToString()
    assert data == b"\x08\x05\x12\x09not found\x1a" + bytes([len(packed)]) + packed
    assert decode_details(data) == (detail,)


def test_what_is_no_rich_status_has_no_details():
    """A peer may send anything."""
    assert decode_details(b"\xff\xff") == ()
