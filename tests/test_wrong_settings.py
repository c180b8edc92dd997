"""Settings that can't be meant fail where they are written, at either end."""

import pytest

import facade


def client(**settings):
    return facade.AsyncClient("127.0.0.1:1", **settings)


@pytest.mark.parametrize("end", [client, facade.Client, facade.Server])
@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        ("heartbeat", None, TypeError, "None is not a number of seconds"),
        ("heartbeat", 0, ValueError, "0 s is no time to wait; give more than 0"),
        ("heartbeat_timeout", None, TypeError, "None is not a number of seconds"),
        ("application", 3, TypeError, "application=3: it is a name, of type str"),
        ("limits", 3, TypeError, "limits=3: it is facade.Limits"),
        ("limits", {"idle": 1}, TypeError, "it is facade.Limits"),
        ("max_message_size", 0, ValueError, "max_message_size=0: how many bytes, 1 or more"),
        ("max_message_size", -1, ValueError, "1 or more"),
        ("max_message_size", 1.5, ValueError, "1 or more"),
        ("max_message_size", True, ValueError, "1 or more"),
    ],
)
def test_setting_of_an_end(end, name, value, kind, text):
    """The error names the setting, and says what may stand there."""
    given = {name: value}
    if end is facade.Client:
        given["target"] = "127.0.0.1:1"
    with pytest.raises(kind, match=text) as caught:
        end(**given)
    assert name in str(caught.value)


@pytest.mark.parametrize("end", [facade.AsyncClient, facade.Client])
def test_a_client_always_has_a_timeout(end):
    """None is no timeout of a client: there is nothing left that could say one."""
    with pytest.raises(TypeError, match="timeout of the client: None is not a number of seconds"):
        end("127.0.0.1:1", timeout=None)
