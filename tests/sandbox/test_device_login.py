"""The sandbox's login of command lines answers as PostHog's does (contract 1.10)."""

from typing import Any

import httpx
import pytest

from tests.sandbox.answers import hog
from tests.sandbox_process import SandboxProcess

EXPIRED = {"status": "expired", "error": "expired_token", "error_description": "Device code expired"}


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    return running


def post(sandbox: SandboxProcess, name: str, body: Any = None, **headers: str) -> httpx.Response:
    return sandbox.http.post(f"{sandbox.url}/api/cli-auth/{name}/", json=body or {}, headers=headers)


def test_a_login_from_code_to_key(sandbox: SandboxProcess) -> None:
    begun = post(sandbox, "device-code").json()
    assert list(begun) == [
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    ]
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert begun["verification_uri_complete"] == f"{sandbox.url}/cli/authorize?code={begun['user_code']}"
    code = {"device_code": begun["device_code"]}
    pending = post(sandbox, "poll", code)
    assert (pending.status_code, pending.json()) == (202, {"status": "pending"})

    approval = {"user_code": begun["user_code"], "project_id": 1, "scopes": ["hog_function:write"]}
    approved = post(sandbox, "authorize", approval).json()
    assert (approved["status"], approved["label"].startswith("CLI - ")) == ("success", True)
    assert post(sandbox, "authorize", approval).json()["error"] == "already_authorized"
    granted = post(sandbox, "poll", code)
    key = granted.json()["personal_api_key"]
    assert (granted.status_code, granted.json()) == (
        200,
        {"status": "authorized", "personal_api_key": key, "label": approved["label"], "project_id": "1"},
    )
    assert len(approved["label"]) <= 40
    gone = post(sandbox, "poll", code)
    assert (gone.status_code, gone.json()) == (400, EXPIRED)

    own = sandbox.http.get(
        f"{sandbox.url}/api/personal_api_keys/@current/", headers={"Authorization": f"Bearer {key}"}
    ).json()
    assert (own["label"], own["scopes"], own["mask_value"]) == (
        approved["label"],
        ["hog_function:write"],
        approved["mask_value"],
    )


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"user_code": "NONE-0000"}, 400, "invalid_code"),
        ({"project_id": 99}, 400, "invalid_project"),
        ({"scopes": []}, 400, "invalid_request"),
    ],
)
def test_an_approval_that_is_refused(sandbox: SandboxProcess, change: dict[str, Any], status: int, error: str) -> None:
    begun = post(sandbox, "device-code").json()
    answer = post(sandbox, "authorize", {"user_code": begun["user_code"], "project_id": 1} | change)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert post(sandbox, "poll", {"device_code": begun["device_code"]}).status_code == 202


def test_fields_that_are_missing(sandbox: SandboxProcess) -> None:
    required = hog("validation_error", "required", "This field is required.", "device_code")
    assert (post(sandbox, "poll").status_code, post(sandbox, "poll").json()) == (400, required)
    assert post(sandbox, "poll", {"device_code": "unknown"}).json() == EXPIRED


def test_no_page_of_another_origin_approves(sandbox: SandboxProcess) -> None:
    begun = post(sandbox, "device-code").json()
    body = {"user_code": begun["user_code"], "project_id": 1}
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert post(sandbox, "authorize", body, **headers).status_code == 403
        form = {"user_code": begun["user_code"], "project_id": "1", "decision": "authorize"}
        assert sandbox.http.post(f"{sandbox.url}/cli/authorize", data=form, headers=headers).status_code == 403
    assert post(sandbox, "poll", {"device_code": begun["device_code"]}).status_code == 202


def test_the_page_shows_the_code_and_the_scopes_of_the_use_case(sandbox: SandboxProcess) -> None:
    page = sandbox.http.get(f"{sandbox.url}/cli/authorize?code=<b>&use_cases=error_tracking")

    assert 'value="&lt;b&gt;"' in page.text
    assert 'name="scopes" size="80" value="error_tracking:write"' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]


def test_older_servers() -> None:
    with SandboxProcess(None, "--age", "2025") as old:
        assert post(old, "device-code").json() == hog("invalid_request", "not_found", "Endpoint not found.")
    with SandboxProcess({"projects": [{"id": 1}], "server": {"features": {"cli_scopes": False}}}) as fixed:
        begun = post(fixed, "device-code").json()
        post(fixed, "authorize", {"user_code": begun["user_code"], "project_id": 1, "scopes": ["hog_function:write"]})
        key = post(fixed, "poll", {"device_code": begun["device_code"]}).json()["personal_api_key"]
        own = fixed.http.get(
            f"{fixed.url}/api/personal_api_keys/@current/", headers={"Authorization": f"Bearer {key}"}
        ).json()
    assert own["scopes"] == [
        "event_definition:read",
        "property_definition:read",
        "error_tracking:read",
        "error_tracking:write",
    ]
