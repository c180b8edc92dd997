"""Invocations."""

import pytest

import facade


@pytest.mark.behaviour("B1.2")
def test_attributes_stay_local() -> None:
    """Attributes take any key and are apart from what travels."""
    invocation = facade.Invocation("demo.Echo", "echo", attachments={"trace": "1"})
    invocation.attributes[test_attributes_stay_local] = 1
    assert invocation.attachments == {"trace": "1"}
