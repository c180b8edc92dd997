"""A function that lets callers in, and callers of it."""

import hmac

import grpc.aio

import facade

TOKEN = "Bearer open sesame"
SHOWN = {"authorization": TOKEN}


class Door:
    """Lets in who has the token. ``asked`` has whom it was asked about."""

    def __init__(self):
        self.asked = []

    def __call__(self, peer, credentials):
        self.asked.append((peer, dict(credentials)))
        if hmac.compare_digest(credentials.get("authorization", b""), TOKEN.encode()):
            return "Ann"
        raise PermissionError(f"a secret reason about {credentials}")


def client(target, **settings):
    return facade.AsyncClient(target, **{"timeout": 20, "credentials": SHOWN, **settings})


def raw(target):
    return grpc.aio.insecure_channel(target)
