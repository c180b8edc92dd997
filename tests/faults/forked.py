"""What a process of multiprocessing's forkserver imports."""

import facade


@facade.service("faults.Work")
class Blocking:
    def echo(self, text: str) -> str: ...


def attempt(what: str, target: str) -> None:
    with facade.Client(target, timeout=20) as client:
        print(what, client.refer(Blocking).echo("hello"), flush=True)
