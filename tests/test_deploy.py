"""The files in deploy/: as far as they can be tried without a container engine. nginx.conf: server/test_replicas.py."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from mcp_errortracking import config
from mcp_errortracking.cli.main import parse

DEPLOY = Path(__file__).parents[1] / "deploy"
OBJECTS: dict[str, Any] = {
    found["kind"]: found for found in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))
}
POD = OBJECTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["mcp"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
EXPOSED = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("kind", OBJECTS)
def test_kubernetes_takes_it(kind: str) -> None:
    assert kubernetes_validate.validate(OBJECTS[kind], kubernetes_validate.latest_version(), strict=True)


def test_a_mistake_would_be_seen() -> None:
    wrong = OBJECTS["PodDisruptionBudget"] | {"spec": {"minAvailables": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="minAvailables"):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_parts_find_each_other() -> None:
    labels = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"],
        OBJECTS["Service"]["spec"]["selector"],
        OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector == labels
    assert (
        OBJECTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
        == OBJECTS["Deployment"]["metadata"]["name"]
    )
    assert [str(CONTAINER["ports"][0]["containerPort"])] == EXPOSED
    assert COMPOSE["ports"] == [f"127.0.0.1:{EXPOSED[0]}:{EXPOSED[0]}"]


def test_no_more_rights_than_needed() -> None:
    assert POD["securityContext"]["runAsNonRoot"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert f"USER {POD['securityContext']['runAsUser']}:{POD['securityContext']['runAsGroup']}" in DOCKERFILE
    assert COMPOSE["user"] in DOCKERFILE
    assert COMPOSE["read_only"]
    assert CONTAINER["securityContext"]["capabilities"]["drop"] == COMPOSE["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("environment", [{e["name"] for e in CONTAINER["env"]}, set(COMPOSE["environment"])])
def test_only_variables_that_are_read(environment: set[str]) -> None:
    assert environment - set(config.VARIABLES) == set()


def test_the_command_is_one() -> None:
    words = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    options = parse(yaml.safe_load(words[0]))
    assert (options.transport, options.bind, [str(options.port)]) == ("http", "0.0.0.0", EXPOSED)


def test_a_call_may_end_before_the_container_does() -> None:
    longest = config.HttpSettings().timeout
    assert POD["terminationGracePeriodSeconds"] > longest
    assert float(COMPOSE["stop_grace_period"].removesuffix("s")) > longest
