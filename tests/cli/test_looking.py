"""``facade ls``, ``ping``, ``protos``, and the program itself."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import facade
from facade.cli import protos


@facade.service("demo.Some")
class Some:
    async def go(self) -> None: ...


ROOT = Path(facade.__file__).resolve().parent.parent


def test_ls_shows_signatures(run, provider):
    """Each service, and each method as it is written, with what the provider publishes."""
    lines = run("ls", provider.address).out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "demo.Greeter:1.0.0 Says hello.",
        'hello(name: str, *, loud: bool = ...) -> str timeout 20 s # Greet "somebody".',
        "log(line: str) -> None timeout 20 s oneway",
        "twice(data: bytes, when: datetime | None = ...) -> bytes timeout 30 s idempotent",
        "buy(order: Order) -> list[Order] timeout 20 s",
        "nothing() -> None timeout 20 s",
        "fails() -> None timeout 20 s",
        "never() -> None timeout 20 s",
        "odd/demo.Numbers",
        "sum(numbers: list[int]) -> int",
        "count(start: int, *, to: int = ...) -> AsyncIterator[int]",
        "total(numbers: AsyncIterator[int]) -> int",
        "breaks() -> AsyncIterator[str]",
    ]
    assert len({line.index("timeout") for line in lines if "timeout" in line}) == 1


def test_ls_does_nothing_to_a_terminal(run, serving):
    """Whatever a provider says of itself."""

    @facade.service("demo.Nasty")
    class Nasty:
        async def go(self) -> None:
            """\x1b]0;x\x07 \u202e"""

    server = facade.Server()
    server.export(Nasty, Nasty())
    with serving(server) as address:
        for words in ((), ("--json",)):
            assert all(line.isprintable() for line in run("ls", address, *words).out.split("\n"))


def test_ls_of_one_service(run, provider):
    """By its name, or by its key."""
    for name in ("demo.Numbers", "odd/demo.Numbers"):
        assert run("ls", provider.address, name).out.startswith("odd/demo.Numbers\n")


def test_ls_as_json(run, provider):
    """Everything that Describe tells."""
    told = json.loads(run("ls", provider.address, "--json").out)
    assert told["application"] == "greeter"
    assert told["services"][0]["methods"]["log"]["oneway"] is True


def test_ls_of_an_unknown_service(run, provider):
    """The nearest name is told."""
    done = run("ls", provider.address, "demo.Number", code=1)
    assert "there are: demo.Greeter:1.0.0, odd/demo.Numbers" in done.err


def test_ls_unreachable(run, nowhere):
    """As with a call."""
    assert "Connection refused" in run("ls", nowhere, code=69).err


def test_ping(run, provider):
    """It says how long connecting took, and each round trip, and sums up."""
    lines = run("ping", provider.address, "-c", "2").out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["connected", "round", "round", "2"]
    assert "min" in lines[-1]


def test_ping_shows_no_password(run, provider):
    """What it prints ends in logs."""
    out = run("ping", f"static://ann:s3cret@{provider.address}", "-c", "1").out
    assert out.startswith("connected to static://ann:***@")
    assert "s3cret" not in out


def test_ping_of_an_empty_provider(run, serving):
    """It needs no service: to hear that there is none is an answer."""
    with serving(facade.Server()) as address:
        assert "1 round trips" in run("ping", address, "-c", "1").out


class Refuse(facade.Filter):
    async def invoke(self, invoker, invocation):
        raise facade.RpcError("not you", code=facade.Code.FORBIDDEN)


def test_ping_that_is_refused(run, serving):
    """No filter needs to let it through: who refuses is there."""
    server = facade.Server(filters=[Refuse(), "default"])
    server.export(Some, Some())
    with serving(server) as address:
        assert "1 round trips" in run("ping", address, "-c", "1").out


def test_ping_unreachable(run, nowhere):
    """Exit code 1, as that of ping."""
    done = run("ping", nowhere, code=1)
    assert (done.out, done.err.count("\n")) == ("", 1)


def test_protos_are_copied(run, tmp_path):
    """Under the folder that their import lines name; a second time too."""
    for _ in range(2):
        done = run("protos", str(tmp_path / "new"))
    wanted = {p.relative_to(ROOT / "protos") for p in (ROOT / "protos/facade/v1").glob("*.proto")}
    copied = [Path(line).relative_to(tmp_path / "new") for line in done.out.splitlines()]
    assert set(copied) == wanted
    for path in copied:
        assert (tmp_path / "new" / path).read_text() == (ROOT / "protos" / path).read_text()


def test_protos_of_a_wheel(monkeypatch, tmp_path):
    """They lie beside the generated code there."""
    place = tmp_path / "facade"
    (place / "v1").mkdir(parents=True)
    (place / "v1" / "a.proto").touch()
    monkeypatch.setattr(protos, "__file__", str(place / "cli" / "protos.py"))
    assert protos.find() == [place / "v1" / "a.proto"]


def test_protos_where_nothing_can_be_written(run, tmp_path):
    """An error, and no traceback."""
    (tmp_path / "file").touch()
    assert "cannot write" in run("protos", str(tmp_path / "file"), code=1).err


# The program


def test_version(run):
    """That of the package."""
    assert run("--version").out == f"facade-rpc {version('facade-rpc')}\n"


def test_help_tells_the_exit_codes(run):
    """And names the commands, but not the one that is ours alone."""
    shown = run("--help").out
    assert "Exit codes" in shown
    assert "worker " not in shown


def test_module_is_the_program():
    """``python -m facade`` does what ``facade`` does."""
    done = subprocess.run(
        [sys.executable, "-m", "facade", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("facade-rpc ")


def test_missing_extra():
    """One line says what to install."""
    code = "import sys; sys.modules['typer'] = None; from facade.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "facade: the command line needs typer: run pip install 'facade-rpc[cli]'"
    ]


def test_completion():
    """typer's, for the shells that it knows."""
    done = subprocess.run(
        [sys.executable, "-m", "facade"],
        env={"_FACADE_COMPLETE": "complete_bash", "COMP_WORDS": "facade pi", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["ping"]
