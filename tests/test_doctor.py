"""The findings of the doctor, against real servers that are healthy, broken or absent."""

import json

import pytest

from mcp_errortracking import doctor
from mcp_errortracking.config import PostHogSettings, Secret
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import OTHER_PROJECT, READ_ONLY, SandboxProcess


def examine(
    capsys: pytest.CaptureFixture[str], url: str, key: str | None, project: str = "1"
) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and the verdict and text of each check."""
    settings = PostHogSettings(url, Secret(key) if key else None, project, "a test")
    code = doctor.run(settings, as_json=True)
    checks = json.loads(capsys.readouterr().out)["checks"]
    return code, {check["name"]: (check["verdict"], f"{check['finding']}; {check['fix']}") for check in checks}


def test_every_kind_of_key(capsys: pytest.CaptureFixture[str]) -> None:
    seed = {
        "projects": [{"id": 1}, {"id": 2}],
        "keys": [
            {"value": "phx_full"},
            {"value": READ_ONLY, "scopes": ["error_tracking:read"]},
            {"value": "phx_none", "scopes": ["insight:read"]},
            {"value": OTHER_PROJECT, "scoped_teams": [2]},
        ],
        "assignment_rules": [{}, {}],
    }
    with SandboxProcess(seed) as sandbox:
        code, checks = examine(capsys, sandbox.url, "phx_full", "@current")
        assert (code, {verdict for verdict, _ in checks.values()}) == (0, {"ok"})
        assert checks["project"][1] == "@current can be read, 2 assignment rules; "

        code, checks = examine(capsys, sandbox.url, READ_ONLY)
        assert (code, checks["scopes"][0]) == (0, "warning")
        assert "it lacks error_tracking:write" in checks["scopes"][1]

        code, checks = examine(capsys, sandbox.url, "phx_none")
        assert (code, checks["scopes"][0], checks["project"][0]) == (1, "problem", "problem")
        assert "lacks error_tracking:read" in checks["scopes"][1]

        code, checks = examine(capsys, sandbox.url, OTHER_PROJECT)
        assert code == 1
        assert "limited to other projects than 1: 2" in checks["key"][1]

        code, checks = examine(capsys, sandbox.url, "phx_full", "99")
        assert (code, checks["project"][0]) == (1, "problem")
        assert "no project 99" in checks["project"][1]

        code, checks = examine(capsys, sandbox.url, "phx_unknown")
        assert (code, checks["key"][0]) == (1, "problem")
        assert "does not accept the API key" in checks["key"][1]


def test_an_old_server(capsys: pytest.CaptureFixture[str]) -> None:
    with SandboxProcess(None, "--age", "2025") as sandbox:
        code, checks = examine(capsys, sandbox.url, sandbox.key)

    assert (code, checks["paths"][0]) == (0, "warning")
    assert "older than mid 2026" in checks["paths"][1]


def test_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examine(capsys, "http://127.0.0.1:9", None)

    assert code == 1
    assert "POSTHOG_PERSONAL_API_KEY" in checks["key"][1]


def test_hosts_that_are_not_posthog(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examine(capsys, "http://127.0.0.1:9", "phx_key")
    assert (code, checks["key"][0]) == (1, "problem")
    assert "No connection to http://127.0.0.1:9" in checks["key"][1]

    with FaultServer([http(200, b"<html>shop</html>", kind="text/html")]) as server:
        code, checks = examine(capsys, server.url, "phx_key")
    assert code == 1
    assert "check that POSTHOG_HOST" in checks["key"][1]


def test_a_firewall_before_posthog(capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer([http(403, b"<html>Denied</html>", kind="text/html")]) as server:
        code, checks = examine(capsys, server.url, "phx_full")

    assert (code, set(checks), checks["key"][0]) == (1, {"host", "key"}, "problem")
    assert checks["key"][1].startswith("Something before PostHog refuses the request: HTTP 403.")


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.run(PostHogSettings("http://127.0.0.1:9", None, "1", "a test"), as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       host: http://127.0.0.1:9"
    assert lines[1] == "PROBLEM  key: no API key is configured"
    assert lines[2].startswith("         to fix: create a personal API key")
