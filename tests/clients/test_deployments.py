"""The Helm chart and the compose files are what Helm, Kubernetes and Compose take."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.harness import binary, environment

pytestmark = pytest.mark.clients
EXAMPLES = Path(__file__).parents[2] / "fixtures" / "examples"
CHART = EXAMPLES / "chart"
STORE = "postgresql://mdmsim@db.example:5432/mdmsim"
CLUSTER = (f"--set=replicas=3,store.url={STORE},store.secret=mdmsim",)


def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, timeout=60,
        env=environment() | {"HELM_NO_PLUGINS": "1"},
    )  # fmt: skip


def rendered(*flags: str) -> str:
    """Return the objects that Helm makes of the chart."""
    done = run(binary("helm"), "template", "apple", str(CHART), "--namespace", "mdm", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> list[str]:
    """Return kind and name of each, which Kubernetes' own types have taken."""
    done = run(binary("deployments"), "kubernetes", given=text)
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


@pytest.mark.parametrize("flags", [(), CLUSTER])
def test_helm_finds_nothing_wrong_with_the_chart(flags: tuple[str, ...]) -> None:
    done = run(binary("helm"), "lint", "--strict", str(CHART), *flags)

    assert done.returncode == 0, done.stdout


def test_one_pod_has_its_volume() -> None:
    text = rendered()

    assert objects(text) == ["Service apple", "StatefulSet apple"]
    assert "volumeClaimTemplates:" in text
    assert "MDMSIM_STORE" not in text
    assert "--public-url=https://apple.mdm.svc" in text


def test_replicas_have_a_database_and_no_volume() -> None:
    text = rendered(*CLUSTER, "--set=settings.MDMSIM_WORLD=school,drainSeconds=7")

    assert objects(text) == ["Deployment apple", "PodDisruptionBudget apple", "Service apple"]
    assert "emptyDir: {}" in text
    assert re.search(rf'name: MDMSIM_STORE\n\s+value: "{re.escape(STORE)}"', text)
    assert re.search(r'name: MDMSIM_WORLD\n\s+value: "school"', text)
    assert re.search(r"secretRef:\n\s+name: mdmsim", text)
    assert "terminationGracePeriodSeconds: 17" in text


@pytest.mark.parametrize(
    ("flags", "about"),
    [
        ("replicas=3", "replicas: SQLite is for one; name a database under store.url"),
        (f"store.url={STORE}", "store.secret: name a secret with PGPASSWORD and MDMSIM_STORE_KEY"),
        ("store.url=postgresql://mdmsim:0Zpassword@db.example/x", "at '/store/url'"),
        ("settings.WORLD=demo", "invalid propertyName 'WORLD'"),
        ("replica=3", "additional properties 'replica' not allowed"),
    ],
)
def test_what_cannot_work_is_refused(flags: str, about: str) -> None:
    done = run(binary("helm"), "template", "apple", str(CHART), f"--set={flags}")

    assert done.returncode != 0
    assert about in done.stderr


def test_an_object_with_an_unknown_field_is_noticed() -> None:
    text = rendered().replace("serviceName:", "servicename:")

    done = run(binary("deployments"), "kubernetes", given=text)

    assert done.returncode == 1
    assert 'unknown field "spec.servicename"' in done.stderr


@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("compose.yaml", ["mdm", "mdmsim"]),
        ("replicas/compose.yaml", ["balancer", "one", "postgres", "three", "two"]),
    ],
)
def test_compose_takes_its_files(path: str, services: list[str]) -> None:
    given = ("POSTGRES_PASSWORD=0Zsecret", "MDMSIM_STORE_KEY=0Zkey")

    done = run(binary("deployments"), "compose", str(EXAMPLES / path), *given)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == services
