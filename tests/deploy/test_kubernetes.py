"""Kubernetes' manifests: by Kubernetes' schemas, by what is promised of every pod, and by the code.

No cluster is asked. Where kubectl is installed, it puts base and overlay together.
"""

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from cloud.cli import app
from cloud.config import CloudSettings
from console.config import ConsoleSettings
from runtime.config import load

ROOT = Path(__file__).parents[2] / "deploy/kubernetes"
FOLDERS = sorted(path.parent for path in ROOT.rglob("kustomization.yaml"))
VERSIONS = ("1.31", "1.37")
"""The schemas of these releases; the oldest and the newest that we look at."""
SERVERS = {
    ("present", "/health"): "cloud/watching.py",
    ("lake", "/health"): "cloud/watching.py",
    ("door", "/health"): "cloud/door/server.py",
    ("console", "/api/v1/health"): "console/app.py",
}
"""What is probed, and which file answers it."""
MADE_BY_PEOPLE = {
    ("Secret", "lotkeeper-cloud"),
    ("Secret", "console-tls"),
    ("ConfigMap", "gateway"),
    ("PersistentVolumeClaim", "gateway"),
}
"""docs/cloud-deployment.md says how."""

Document = dict[str, Any]


def kustomization(folder: Path) -> Document:
    found: Document = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


def documents(folder: Path) -> list[Document]:
    """What the folder's own files describe."""
    return [
        each
        for name in kustomization(folder)["resources"]
        if (folder / name).is_file()
        for each in yaml.safe_load_all((folder / name).read_text())
    ]


DOCUMENTS = {
    f"{folder.name}-{each['kind']}-{each['metadata']['name']}": each
    for folder in FOLDERS
    for each in documents(folder)
}


def template(document: Document) -> Document | None:
    """Of a document's pods, if it has some."""
    spec = document.get("spec", {})
    found: Document | None = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return found


PODS = {name: found for name, each in DOCUMENTS.items() if (found := template(each))}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_fits_the_schema(name: str, version: str) -> None:
    """Strictly: a field that Kubernetes does not know is a fault."""
    kubernetes_validate.validate(DOCUMENTS[name], version, strict=True)


def test_what_there_is() -> None:
    kinds = {each["kind"] for each in DOCUMENTS.values()}
    assert {"Deployment", "Service", "PodDisruptionBudget", "CronJob", "Job"} <= kinds
    assert len(FOLDERS) == 3


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_each_file_is_named_and_is_there(folder: Path) -> None:
    told = kustomization(folder)
    named = set(told["resources"])
    for made in told.get("configMapGenerator", []):
        named |= set(made["files"])
    assert all((folder / name).exists() for name in named)
    assert {path.name for path in folder.iterdir()} - {"kustomization.yaml"} <= named


def test_the_overlay_changes_what_the_base_has() -> None:
    told = kustomization(ROOT / "overlays/example")
    base = documents(ROOT / "base")
    names = {(each["kind"], each["metadata"]["name"]): each for each in base}
    for patch in told["patches"]:
        document = names[patch["target"]["kind"], patch["target"]["name"]]
        for change in yaml.safe_load(patch["patch"]):
            *way, last = change["path"].strip("/").split("/")
            for step in way:
                document = document[step]
            assert change["op"] == "replace"
            assert last in document
    assert {("Deployment", each["name"]) for each in told["replicas"]} <= names.keys()
    used = {pod["spec"]["containers"][0]["image"] for pod in map(template, base) if pod}
    assert {each["name"] for each in told["images"]} == used


@pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="inherent: needs kubectl, which is no package of CI's registries by itself",
)
@pytest.mark.parametrize("folder", ["overlays/example", "console"])
def test_what_kubectl_puts_together(folder: str) -> None:
    run = subprocess.run(["kubectl", "kustomize", ROOT / folder], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    made = list(yaml.safe_load_all(run.stdout))
    for document in made:
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "lotkeeper"
    maps = {each["metadata"]["name"] for each in made if each["kind"] == "ConfigMap"}
    assert maps
    pods = [pod for pod in map(template, made) if pod]
    mounted = {name for pod in pods for kind, name in referred(pod["spec"]) if kind == "ConfigMap"}
    assert maps <= mounted


@pytest.mark.parametrize("name", PODS)
class TestPod:
    def test_may_do_little(self, name: str) -> None:
        """As the profile `restricted` of Kubernetes' Pod Security Standards has it, and more."""
        spec = PODS[name]["spec"]
        assert spec["automountServiceAccountToken"] is False
        own = spec["securityContext"]
        assert (own["runAsNonRoot"], own["seccompProfile"]["type"]) == (True, "RuntimeDefault")
        assert own["runAsUser"] == 10001
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not [each for each in spec["volumes"] if "hostPath" in each]
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"memory"} <= container["resources"]["limits"].keys()
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()

    def test_holds_no_secret(self, name: str) -> None:
        """They are named, never written down, and reach no argument."""
        spec = PODS[name]["spec"]
        for container in spec["containers"]:
            for variable in container.get("env", []):
                assert variable["value"].startswith("/run/secrets/")
        secrets = [each["secret"] for each in spec["volumes"] if "secret" in each]
        assert all(each["defaultMode"] == 0o440 for each in secrets)

    def test_mounts_what_it_has_and_what_there_is(self, name: str) -> None:
        spec = PODS[name]["spec"]
        volumes = {each["name"] for each in spec["volumes"]}
        for container in spec["containers"]:
            mounts = {each["name"] for each in container["volumeMounts"]}
            assert mounts == volumes
        known = {(each["kind"], each["metadata"]["name"]) for each in DOCUMENTS.values()}
        known |= {
            ("ConfigMap", made["name"])
            for folder in FOLDERS
            for made in kustomization(folder).get("configMapGenerator", [])
        }
        assert set(referred(spec)) <= known | MADE_BY_PEOPLE

    def test_runs_a_command_that_there_is(self, name: str) -> None:
        container = PODS[name]["spec"]["containers"][0]
        if container["image"] == "lotkeeper-cloud":
            said = CliRunner().invoke(app, [container["args"][0], "--help"])
            assert said.exit_code == 0, said.output
            assert "--config" in container["args"]
        else:
            assert (container["image"], container["args"][0]) == ("lotkeeper-console", "run")


def referred(spec: Document) -> Iterator[tuple[str, str]]:
    """What the volumes of a pod are of, and who it is."""
    for each in spec["volumes"]:
        if "configMap" in each:
            yield "ConfigMap", each["configMap"]["name"]
        elif "secret" in each:
            yield "Secret", each["secret"]["secretName"]
        elif "persistentVolumeClaim" in each:
            yield "PersistentVolumeClaim", each["persistentVolumeClaim"]["claimName"]
    if "serviceAccountName" in spec:
        yield "ServiceAccount", spec["serviceAccountName"]


def deployments() -> list[Document]:
    return [each for each in DOCUMENTS.values() if each["kind"] == "Deployment"]


def test_each_deployment_is_probed_where_it_answers() -> None:
    """Paths that the code serves, on the ports of the configuration in the pod."""
    base = load(ROOT / "base/cloud.toml", CloudSettings)
    assert base.door is not None
    ports = {"present": base.metrics.port, "lake": base.metrics.port, "door": base.door.port}
    ports["console"] = load(ROOT / "console/console.toml", ConsoleSettings).http.port
    probed = set()
    for document in deployments():
        name = document["metadata"]["name"]
        container = document["spec"]["template"]["spec"]["containers"][0]
        listening = {each["name"]: each["containerPort"] for each in container["ports"]}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[kind]["httpGet"]
            assert listening[asked["port"]] == ports[name]
            assert (asked.get("scheme") == "HTTPS") == (name == "console")
            probed.add((name, asked["path"]))
    assert probed == SERVERS.keys()
    for (_, path), file in SERVERS.items():
        text = (ROOT.parents[1] / file).read_text()
        strings = {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)}
        assert path in strings or path.removeprefix("/api/v1") in strings


def test_each_deployment_may_lose_one_pod_at_a_time() -> None:
    budgets = {
        json.dumps(each["spec"]["selector"]["matchLabels"]): each["spec"]
        for each in DOCUMENTS.values()
        if each["kind"] == "PodDisruptionBudget"
    }
    for document in deployments():
        spec = document["spec"]
        selected = spec["selector"]["matchLabels"]
        assert selected.items() <= spec["template"]["metadata"]["labels"].items()
        budget = budgets.pop(json.dumps(selected))
        left = budget.get("minAvailable", spec["replicas"] - budget.get("maxUnavailable", 0))
        assert left < spec["replicas"], "a node could never be drained"
    assert not budgets


def test_services_lead_to_pods() -> None:
    services = [each for each in DOCUMENTS.values() if each["kind"] == "Service"]
    assert len(services) == 2
    for service in services:
        wanted = service["spec"]["selector"].items()
        pods = [each["spec"]["template"] for each in deployments()]
        (pod,) = [each for each in pods if wanted <= each["metadata"]["labels"].items()]
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("cloud.toml")), ids=lambda path: path.parent.name
)
def test_the_configuration_is_one_that_the_code_reads(path: Path) -> None:
    settings = load(path, CloudSettings)
    assert settings.stream
    assert settings.postgres
    assert settings.lake
    assert settings.door
    assert (settings.door.host, settings.metrics.host) == ("0.0.0.0", "0.0.0.0")
