"""Who is at the door."""

import pytest

from tests.security.authentication.door import Door


@pytest.fixture
def door():
    return Door()
