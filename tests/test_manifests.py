"""What the pages tell Kubernetes is so: ports, commands, times, names."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import facade
from facade.cli.app import app
from facade.registry import open_registry
from tests.test_docs import PAGES, ROOT, blocks, named

WITH_YAML = [page for page in PAGES if "```yaml" in page.read_text()]
KUBERNETES = ROOT / "docs/kubernetes.md"
GRACE: float = inspect.signature(facade.Server).parameters["grace"].default
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def manifests(page: Path) -> list[Any]:
    """The documents of all its YAML blocks."""
    found = [block.code for block in blocks(page) if block.language == "yaml"]
    return [document for code in found for document in yaml.safe_load_all(code)]


def within(node: Any, key: str) -> Iterator[dict[str, Any]]:
    """All mappings in it that have this key."""
    if isinstance(node, dict):
        if key in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from within(part, key)


def containers(page: Path) -> list[dict[str, Any]]:
    return [c for pod in within(manifests(page), "containers") for c in pod["containers"]]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [m for m in manifests(KUBERNETES) if m.get("kind") == kind]


def parsed(command: list[str]) -> dict[str, Any]:
    """The parameters of a command of ours, as its own parser reads them. It raises for what
    there is not."""
    program, name, *arguments = command
    assert program == "facade"
    group: Any = typer.main.get_command(app)
    with group.commands[name].make_context(name, arguments) as context:
        return dict(context.params)


@pytest.mark.parametrize("page", WITH_YAML, ids=named)
def test_probes_ask_at_a_port_of_their_container(page: Path) -> None:
    """Or no pod would ever be ready. They ask as gRPC, which is all that a server answers."""
    asked = 0
    for container in containers(page):
        ports = [port["containerPort"] for port in container.get("ports", [])]
        for probe in filter(None, map(container.get, PROBES)):
            assert probe["grpc"]["port"] in ports
            asked += 1
    assert asked


def test_containers_run_a_command_that_there_is() -> None:
    """Its flags exist, and it listens for others at a port that the container names."""
    (container,) = [c for c in containers(KUBERNETES) if "image" in c]
    given = parsed(container["command"])
    host, _, port = given["address"].rpartition(":")
    assert host == "0.0.0.0"
    assert [int(port)] == [port["containerPort"] for port in container["ports"]]


def test_a_pod_has_time_to_end_in_peace() -> None:
    """What runs before SIGTERM and the server's own grace are over before it is killed."""
    (pod,) = within(manifests(KUBERNETES), "terminationGracePeriodSeconds")
    (container,) = pod["containers"]
    program, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert pod["terminationGracePeriodSeconds"] > float(seconds) + GRACE
    text = KUBERNETES.read_text()
    assert f"`grace` seconds ({GRACE:g})" in text


def test_service_is_headless_and_finds_its_pods() -> None:
    """DNS has an address for each pod, and the port and the labels are those of the pods."""
    (service,), (deployment,) = of_kind("Service"), of_kind("Deployment")
    assert service["spec"]["clusterIP"] == "None"
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == labels
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    (pod,) = within(deployment, "containers")
    (container,) = pod["containers"]
    assert ports == {port["name"]: port["containerPort"] for port in container["ports"]}


def test_rolling_update_never_has_fewer_than_wanted() -> None:
    """A new pod is ready before an old one goes."""
    (deployment,) = of_kind("Deployment")
    update = deployment["spec"]["strategy"]["rollingUpdate"]
    assert update["maxUnavailable"] == 0 < update["maxSurge"]


def test_names_of_the_consumers_are_those_of_the_service() -> None:
    """Each target can be opened, and names the service, its port, or the port's name."""
    (service,) = of_kind("Service")
    (port,) = service["spec"]["ports"]
    name = f"{service['metadata']['name']}.default.svc.cluster.local"
    targets = re.findall(r"dns(?:\+srv)?:///[^\s\"`]+", KUBERNETES.read_text())
    assert len(targets) == 2
    for target in targets:
        pytest.importorskip("dns" if "+srv" in target else "facade")
        open_registry(target)
        wanted = f"_{port['name']}._tcp.{name}" if "+srv" in target else f"{name}:{port['port']}"
        assert wanted in target


def test_code_beside_the_manifests_fits_them() -> None:
    """It is not run: its keywords are parameters, and what it reads of the environment is set."""
    code = "\n".join(b.code for b in blocks(KUBERNETES) if b.language == "python")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    ends = {"Server": facade.Server, "AsyncClient": facade.AsyncClient}
    checked = 0
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ends:
            parameters = inspect.signature(ends[call.func.attr]).parameters
            assert {keyword.arg for keyword in call.keywords} <= set(parameters)
            checked += 1
    assert checked == 2
    read = set(re.findall(r'os\.environ\["(\w+)"\]', code))
    variables = [e for c in containers(KUBERNETES) for e in c.get("env", [])]
    assert read == {variable["name"] for variable in variables}
    assert variables[0]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
