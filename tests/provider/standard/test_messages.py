"""Our messages beside those of the official packages."""

import subprocess
import sys

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from facade.provider.standard.messages import health_file, reflection_file

LIST = ("List", "ListRequest", "ListResponse")

OFFICIAL = "import grpc_health.v1.health, grpc_reflection.v1alpha.reflection"
OURS = """
import asyncio, facade
async def serve():
    async with facade.Server("127.0.0.1:0"): pass
asyncio.run(serve())
"""


def run(code):
    """What a fresh Python prints that runs this."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("code", [f"{OFFICIAL}\n{OURS}", f"{OURS}\n{OFFICIAL}"])
def test_official_packages_can_be_used_too(code):
    """A process may have both, whichever comes first: no name is registered twice."""
    run(code)


def test_nothing_is_imported_before_a_server_starts():
    """``import facade`` and a server that is not started cost nothing of it."""
    shown = "import sys; print(*(m for m in sys.modules if '_service' in m or 'messages' in m))"
    loaded = run(f"import facade; facade.Server()\n{shown}")
    assert [m for m in loaded if "standard" in m] == ["facade.provider.standard.channelz_service"]
    loaded = run(f"{OURS}\n{shown}")
    assert "facade.provider.standard.messages" in loaded
    assert "facade.provider.standard.health_service" in loaded
    without = OURS.replace("Server(", "Server(health=False, reflection=False, address=")
    loaded = run(f"{without}\n{shown}")
    assert "facade.provider.standard.messages" not in loaded


def official(module):
    return FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def plain(file):
    """Without the names of files, options for other languages, and what follows from the rest."""
    proto = FileDescriptorProto()
    proto.CopyFrom(file)
    for part in ("name", "options"):
        proto.ClearField(part)
    messages = list(proto.message_type)
    for message in messages:
        messages += message.nested_type
        for field in message.field:
            field.ClearField("json_name")
    return proto


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (health_file(), official(health_pb2)),
        (reflection_file("v1alpha"), official(reflection_pb2)),
    ],
    ids=["health", "reflection"],
)
def test_messages_are_those_of_the_official_packages(ours, theirs):
    """Field by field. In older packages health has no List yet."""
    ours = plain(ours)
    theirs = plain(theirs)
    if "List" not in {m.name for m in theirs.service[0].method}:
        for parts in (ours.message_type, ours.service[0].method):
            for part in [p for p in parts if p.name.removeprefix("Health") in LIST]:
                parts.remove(part)
    assert ours == theirs


def test_versions_of_reflection_differ_by_the_package_alone():
    """v1 is v1alpha under another name."""
    first, second = (str(plain(reflection_file(version))) for version in ("v1", "v1alpha"))
    assert first.replace(".v1", ".v1alpha") == second
