"""The Helm chart in deploy/helm: linted and rendered by Helm's own library (`.ci/helm`), and checked without it."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from mcp_errortracking import __version__
from mcp_errortracking.compose import oauth_for
from mcp_errortracking.config import VARIABLES, HttpSettings, ToolSelection, load_oauth, load_posthog

ROOT = Path(__file__).parents[1]
CHART = ROOT / "deploy/helm/mcp-errortracking"
PYTHON = ROOT / ".venv/helm/bin/python"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
TEMPLATES = {file.name: file.read_text("utf-8") for file in (CHART / "templates").iterdir()}
KUBERNETES = yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8"))

OAUTH = {
    "issuer": "https://login.example/realms/acme",
    "audience": ["https://mcp.example/mcp"],
    "scopes": {"errors:write": "write", "errors:read": "read"},
}
INTROSPECTION = {
    **OAUTH,
    "audience": ["mcp"],
    "resource": "https://errors.example:8443/mcp",
    "introspection": "https://login.example/introspect",
    "clientId": "mcp-server",
}
TLS = {"enabled": True, "className": "nginx", "tlsSecret": "errors-tls"}
CASES: dict[str, dict[str, Any]] = {
    "tokens": {"serverTokens": True, "hosts": ["a.example", "b.example"]},
    "oauth": {"oauth": OAUTH, "ingress": TLS, "hosts": ["other.example", "mcp.example"]},
    "introspection": {"oauth": INTROSPECTION, "serverTokens": True, "sharedLimits": {"fromSecret": True}},
    "bare": {
        "serverTokens": True,
        "metrics": False,
        "autoscaling": {"enabled": False},
        "sharedLimits": {"valkey": {"enabled": False}},
        "posthog": {"host": "https://eu.posthog.com", "project": "7"},
        "settings": {"MCP_TOOLSETS": "all", "MCP_READ_ONLY": "1"},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "podAnnotations": {"a": "b"},
    },
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({}, "Nobody could call this server: set serverTokens to true, or oauth.issuer."),
    "no audience": ({"oauth": {"issuer": "https://login.example"}}, "oauth.issuer is set without oauth.audience"),
    "no client": ({"oauth": {**INTROSPECTION, "clientId": ""}}, "oauth.introspection needs oauth.clientId"),
    "no hosts": ({"serverTokens": True, "ingress": TLS}, "ingress.enabled needs hosts."),
    "no tls": ({"oauth": OAUTH, "ingress": {"enabled": True}}, "With OAuth, clients need TLS"),
    "plain issuer": ({"oauth": {**OAUTH, "issuer": "http://login.example"}}, "/oauth/issuer"),
    "unknown value": ({"serverToken": True}, "serverToken"),
    "unknown setting": ({"serverTokens": True, "settings": {"LOG": "x"}}, "LOG"),
}


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Lint, render and pack the chart, with each of the cases."""
    if not PYTHON.exists():
        if os.environ.get("MCP_TEST_ALL"):
            pytest.fail("run .ci/helm first")
        pytest.skip("needs .ci/helm")
    values = CASES | {name: case for name, (case, _) in REFUSED.items()}
    asked = {"chart": str(CHART), "folder": str(tmp_path_factory.mktemp("chart")), "values": values}
    command = [PYTHON, ROOT / "tests/helm/render.py"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def objects(helm: dict[str, Any], case: str) -> dict[tuple[str, str], Any]:
    """Return the objects of a case, by kind and name."""
    assert "error" not in helm["rendered"][case], helm["rendered"][case]
    files = helm["rendered"][case]["files"]
    texts = [text for name, text in files.items() if not name.endswith("NOTES.txt")]
    found = [one for text in texts for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def pod(helm: dict[str, Any], case: str) -> Any:
    return objects(helm, case)["Deployment", "errors"]["spec"]["template"]["spec"]


def environment(helm: dict[str, Any], case: str) -> dict[str, str]:
    """Return the variables of a case; those from the secret have its key in brackets."""
    variables = pod(helm, case)["containers"][0]["env"]
    return {
        one["name"]: one["value"] if "value" in one else f"[{one['valueFrom']['secretKeyRef']['key']}]"
        for one in variables
    }


def test_helm_finds_nothing_to_complain_about(helm: dict[str, Any]) -> None:
    found = [message["error"] for message in helm["lint"]["messages"]]
    assert (found, helm["lint"]["errors"]) == (["icon is recommended"], [])
    assert helm["package"].endswith(f"mcp-errortracking-{__version__}.tgz")


@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_what_helm_renders(helm: dict[str, Any], case: str) -> None:
    rendered = objects(helm, case)
    for one in rendered.values():
        assert kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    kinds = sorted(kind for kind, _ in rendered)
    usual = ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"]
    valkey = ["Deployment", "NetworkPolicy", "Service"]
    expected = {
        "tokens": usual + valkey,
        "oauth": [*usual, *valkey, "Ingress"],
        "introspection": usual,
        "bare": ["Deployment", "PodDisruptionBudget", "Service"],
    }
    assert kinds == sorted(expected[case])
    for (kind, name), one in rendered.items():
        if kind == "Service":
            target = rendered["Deployment", name]["spec"]
            labels = target["template"]["metadata"]["labels"]
            assert one["spec"]["selector"] == labels == target["selector"]["matchLabels"]


@pytest.mark.parametrize("case", CASES)
def test_the_server_starts_with_these_variables(helm: dict[str, Any], case: str) -> None:
    found = environment(helm, case)
    assert set(found) <= set(VARIABLES)
    secrets = {name: value for name, value in found.items() if value.startswith("[")}
    filled = found | {name: "phx_0123456789" if name.startswith("POSTHOG") else "secret" for name in secrets}
    oauth = oauth_for(load_oauth(filled), ToolSelection())
    assert (oauth is not None) == ("oauth" in CASES[case])
    assert load_posthog({**filled, "MCP_SHARED_LIMITS": "redis://a"}).host == found["POSTHOG_HOST"]
    if oauth:
        assert oauth.settings.resource_server_url
        assert oauth.settings.resource_server_url.host in found["MCP_ALLOWED_HOSTS"].split(",")


def test_oauth_comes_from_the_values(helm: dict[str, Any]) -> None:
    found = environment(helm, "oauth")
    assert {name: value for name, value in found.items() if "OAUTH" in name} == {
        "MCP_OAUTH_ISSUER": "https://login.example/realms/acme",
        "MCP_OAUTH_AUDIENCE": "https://mcp.example/mcp",
        "MCP_OAUTH_SCOPES": "errors:read=read,errors:write=write",
    }
    assert found["MCP_ALLOWED_HOSTS"] == "other.example,mcp.example"
    assert "MCP_SERVER_TOKEN_FILE" not in found
    opaque = environment(helm, "introspection")
    assert opaque["MCP_OAUTH_CLIENT_SECRET"] == "[oauth-client-secret]"
    assert opaque["MCP_ALLOWED_HOSTS"] == "errors.example"


def test_replicas_share_their_limits(helm: dict[str, Any]) -> None:
    assert environment(helm, "tokens")["MCP_SHARED_LIMITS"] == "redis://errors-limits:6379/0"
    assert environment(helm, "introspection")["MCP_SHARED_LIMITS"] == "[shared-limits]"
    assert "MCP_SHARED_LIMITS" not in environment(helm, "bare")
    policy = objects(helm, "tokens")["NetworkPolicy", "errors-limits"]["spec"]
    deployment = objects(helm, "tokens")["Deployment", "errors"]["spec"]
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": deployment["selector"]["matchLabels"]}}]
    assert "egress" not in policy


def test_the_chart_is_as_locked_down_as_the_yaml(helm: dict[str, Any]) -> None:
    plain = next(one for one in KUBERNETES if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    charted = pod(helm, "tokens")
    for name in ("securityContext", "automountServiceAccountToken", "terminationGracePeriodSeconds", "volumes"):
        assert charted[name] == plain[name], name
    for name in (
        "securityContext",
        "livenessProbe",
        "readinessProbe",
        "lifecycle",
        "resources",
        "volumeMounts",
        "ports",
    ):
        assert charted["containers"][0][name] == plain["containers"][0][name], name
    assert charted["terminationGracePeriodSeconds"] > HttpSettings().timeout
    limits = objects(helm, "tokens")["Deployment", "errors-limits"]["spec"]["template"]["spec"]
    assert limits["containers"][0]["securityContext"] == plain["containers"][0]["securityContext"]
    assert limits["securityContext"]["runAsNonRoot"]


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_cannot_work_are_refused(helm: dict[str, Any], case: str) -> None:
    assert REFUSED[case][1] in helm["rendered"][case].get("error", "rendered")


def test_the_values_in_the_docs_fit_the_schema() -> None:
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n# my-values.yaml\n(.*?)```", page, re.DOTALL)
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load(shown)
    jsonschema.validate(values, schema)
    assert values["oauth"]["scopes"] == {"errors:read": "read", "errors:write": "write"}


def test_without_helm_the_values_fit_their_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    validator.check_schema(schema)
    validator.validate(VALUES)
    assert set(schema["properties"]) - {"global"} == set(VALUES)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_without_helm_no_secret_is_a_plain_setting() -> None:
    validator = jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text("utf-8")))
    refused = {name for name in VARIABLES if not validator.is_valid({"settings": {name: "x"}})}

    assert refused == {
        "POSTHOG_PERSONAL_API_KEY",
        "POSTHOG_CLI_API_KEY",
        "POSTHOG_CLI_TOKEN",
        "MCP_SERVER_TOKEN",
        "MCP_OAUTH_CLIENT_SECRET",
    }


def test_without_helm_the_templates_name_settings_and_values_that_exist() -> None:
    text = "".join(TEMPLATES.values())
    named = set(re.findall(r"\b(?:MCP|POSTHOG)_[A-Z_]+\b", text)) | set(VALUES["settings"])
    assert named <= set(VARIABLES)
    for path in re.findall(r"\.Values\.([\w.]+)", text):
        value: Any = VALUES
        for part in path.split("."):
            assert part in value, path
            value = value[part]
