"""The rules of every endpoint (contract 1): paths, keys, error bodies, pages, limits."""

from typing import Any

import pytest

from tests.sandbox.answers import hog
from tests.sandbox_process import FULL, OTHER_PROJECT, READ_ONLY, SandboxProcess

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
RULE = {"filters": {"type": "AND", "values": []}, "assignee": {"type": "user", "id": 1}}


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    return running


@pytest.mark.parametrize("path", ["assignment_rules/", "assignment_rules", "fingerprints/", "symbol_sets", "releases/"])
@pytest.mark.parametrize("form", ["projects/1", "environments/1", "projects/@current", "environments/@current"])
def test_both_path_forms_with_and_without_a_slash(sandbox: SandboxProcess, form: str, path: str) -> None:
    answer = sandbox.api("GET", f"{path}?limit=1", form=form)

    assert answer.status_code == 200
    assert list(answer.json()) == ["count", "next", "previous", "results"]
    if form.startswith("environments"):
        target = f"/api/projects/{form.partition('/')[2]}/error_tracking/{path}?limit=1"
        assert answer.headers["deprecation"] == "true"
        assert answer.headers["link"] == f'<{target}>; rel="successor-version"'
        assert answer.headers["sunset"] == "Fri, 31 Jul 2026 00:00:00 GMT"
    else:
        assert "deprecation" not in answer.headers


@pytest.mark.parametrize(
    ("form", "path", "detail"),
    [
        ("projects/99", "assignment_rules/", "Project not found."),
        ("projects/abc", "assignment_rules/", "Project not found."),
        ("projects/1", "nothing/", "Endpoint not found."),
        ("projects/1", "assignment_rules/a.b/", "Endpoint not found."),
        ("projects/1", "assignment_rules/a/b/", "Endpoint not found."),
        ("projects/1", f"assignment_rules/{UNKNOWN}/", "Not found."),
    ],
)
def test_what_is_not_there(sandbox: SandboxProcess, form: str, path: str, detail: str) -> None:
    answer = sandbox.api("GET", path, form=form)

    assert (answer.status_code, answer.json()) == (404, hog("invalid_request", "not_found", detail))


@pytest.mark.parametrize(
    ("headers", "query", "code", "detail"),
    [
        ({}, {}, "not_authenticated", "Authentication credentials were not provided."),
        ({"Authorization": "Basic x"}, {}, "not_authenticated", "Authentication credentials were not provided."),
        (
            {"Authorization": "Bearer phx_wrong"},
            {"personal_api_key": FULL},
            "authentication_failed",
            "Personal API key found in request Authorization header is invalid.",
        ),
        (
            {},
            {"personal_api_key": "phx_wrong"},
            "authentication_failed",
            "Personal API key found in request query string is invalid.",
        ),
    ],
)
def test_a_missing_or_unknown_key(
    sandbox: SandboxProcess, headers: dict[str, str], query: dict[str, str], code: str, detail: str
) -> None:
    url = f"{sandbox.url}/api/projects/1/error_tracking/assignment_rules/"
    answer = sandbox.http.get(url, headers=headers, params=query)

    assert (answer.status_code, answer.json()) == (401, hog("authentication_error", code, detail))
    assert answer.headers["www-authenticate"].startswith("Bearer resource_metadata=")


def test_a_key_may_come_in_the_query_or_the_body(sandbox: SandboxProcess) -> None:
    url = f"{sandbox.url}/api/projects/1/error_tracking"

    assert sandbox.http.get(f"{url}/fingerprints/", params={"personal_api_key": FULL}).status_code == 200
    in_body = {"personal_api_key": READ_ONLY, "raw_ids": []}
    assert sandbox.http.post(f"{url}/stack_frames/batch_get", json=in_body).status_code == 200
    wrong = sandbox.http.post(f"{url}/stack_frames/batch_get", json={"personal_api_key": "phx_wrong"})
    assert wrong.json()["detail"] == "Personal API key found in request body is invalid."


@pytest.mark.parametrize(
    ("key", "method", "path", "body", "detail"),
    [
        (READ_ONLY, "POST", "assignment_rules/", RULE, "API key missing required scope 'error_tracking:write'"),
        (
            READ_ONLY,
            "DELETE",
            f"assignment_rules/{UNKNOWN}/",
            None,
            "API key missing required scope 'error_tracking:write'",
        ),
        (
            OTHER_PROJECT,
            "GET",
            "assignment_rules/",
            None,
            "API key does not have access to the requested project: ID 1.",
        ),
    ],
)
def test_what_a_key_may_not_do(
    sandbox: SandboxProcess, key: str, method: str, path: str, body: Any, detail: str
) -> None:
    answer = sandbox.api(method, path, body, key=key)

    assert (answer.status_code, answer.json()) == (403, hog("authentication_error", "permission_denied", detail))


def test_writing_includes_reading_but_not_the_other_way_round() -> None:
    seed = {
        "organizations": [{"id": "o1", "name": "Acme"}, {"id": "o2", "name": "Closed", "allows_api_keys": False}],
        "projects": [{"id": 1, "organization": "o1"}, {"id": 2, "organization": "o2"}, {"id": 3, "organization": "o1"}],
        "users": [{"id": 5, "projects": [1, 2]}],
        "keys": [
            {"value": "phx_w", "scopes": ["error_tracking:write"]},
            {"value": "phx_none", "scopes": ["insight:read"]},
            {"value": "phx_org", "scoped_organizations": ["o2"]},
        ],
    }
    with SandboxProcess(seed) as sandbox:
        assert sandbox.api("GET", "assignment_rules/", key="phx_w").status_code == 200
        missing = sandbox.api("GET", "assignment_rules/", key="phx_none").json()["detail"]
        assert missing == "API key missing required scope 'error_tracking:read'"
        closed = sandbox.api("GET", "assignment_rules/", form="projects/2").json()["detail"]
        assert closed.startswith("Organization 'Closed' does not allow using personal API keys.")
        other = sandbox.api("GET", "assignment_rules/", form="projects/3").json()["detail"]
        assert other == "You don't have access to the project."
        organization = sandbox.api("GET", "assignment_rules/", key="phx_org").json()["detail"]
        assert organization == "API key does not have access to the requested organization: ID o1."


def test_method_media_type_and_broken_json(sandbox: SandboxProcess) -> None:
    wrong_method = sandbox.api("PUT", "assignment_rules/", {})
    assert wrong_method.status_code == 403
    refusal = "This action does not support personal API key access"
    assert wrong_method.json() == hog("authentication_error", "permission_denied", refusal)

    headers = {"Content-Type": "text/plain"}
    wrong_type = sandbox.api("POST", "symbol_sets/bulk_delete/", headers=headers, content=b"x")
    assert wrong_type.status_code == 415
    assert wrong_type.json()["detail"] == 'Unsupported media type "text/plain" in request.'

    headers = {"Content-Type": "application/json"}
    broken = sandbox.api("POST", "assignment_rules/", headers=headers, content=b"{")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    assert broken.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize("path", ["assignment_rules/no-uuid/", "symbol_sets/no-uuid/", "releases/no-uuid/"])
def test_an_id_that_is_no_uuid_is_a_server_error(sandbox: SandboxProcess, path: str) -> None:
    answer = sandbox.api("GET", path)

    assert (answer.status_code, answer.json()) == (500, hog("server_error", "error", "A server error occurred."))


@pytest.mark.parametrize(
    ("query", "rows", "following", "previous"),
    [
        ("limit=2", 2, "limit=2&offset=2", None),
        ("limit=2&offset=2", 2, "limit=2&offset=4", "limit=2"),
        ("limit=2&offset=3", 2, "limit=2&offset=5", "limit=2&offset=1"),
        ("offset=31", 1, None, "limit=100"),
        ("limit=2&offset=99", 0, None, "limit=2&offset=97"),
        ("limit=0", 32, None, None),
        ("limit=-3&offset=-1", 32, None, None),
        ("limit=x&offset=y", 32, None, None),
        ("limit=500", 32, None, None),
    ],
)
def test_pages(sandbox: SandboxProcess, query: str, rows: int, following: str | None, previous: str | None) -> None:
    page = sandbox.api("GET", f"fingerprints/?{query}").json()

    link = f"{sandbox.url}/api/projects/1/error_tracking/fingerprints/?"
    assert (page["count"], len(page["results"])) == (32, rows)
    assert page["next"] == (following and link + following)
    assert page["previous"] == (previous and link + previous)


def test_links_of_the_alias_lead_to_the_canonical_path(sandbox: SandboxProcess) -> None:
    page = sandbox.api("GET", "fingerprints/?limit=1", form="environments/1").json()

    assert page["next"].startswith(f"{sandbox.url}/api/projects/1/error_tracking/fingerprints/?")


def test_throttling_counts_per_key_and_apart_for_symbol_sets() -> None:
    seed = {"projects": [{"id": 1}], "keys": [{"value": FULL}, {"value": READ_ONLY}]}
    with SandboxProcess(seed, "--rate-limit", "2/hour") as sandbox:
        assert [sandbox.api("GET", "fingerprints/").status_code for _ in range(2)] == [200, 200]
        refused = sandbox.api("GET", "assignment_rules/")
        assert refused.status_code == 429
        seconds = int(refused.headers["retry-after"])
        assert 3500 < seconds <= 3600
        detail = f"Request was throttled. Expected available in {seconds} seconds."
        assert refused.json() == hog("throttled_error", "throttled", detail)
        assert sandbox.api("GET", "symbol_sets/").status_code == 200
        assert sandbox.api("GET", "fingerprints/", key=READ_ONLY).status_code == 200


def test_the_key_and_its_user(sandbox: SandboxProcess) -> None:
    def get(path: str, key: str = FULL) -> Any:
        return sandbox.http.get(f"{sandbox.url}/api/{path}", headers={"Authorization": f"Bearer {key}"})

    own = get("personal_api_keys/@current/", READ_ONLY).json()
    assert (own["scopes"], own["value"], own["mask_value"]) == (["error_tracking:read"], None, "phx_..._key")
    assert get("personal_api_keys/").status_code == 403
    assert get("personal_api_keys/other/").json()["detail"] == "This action does not support Personal API Key access"
    assert get("personal_api_keys/@current/", OTHER_PROJECT).json()["scoped_teams"] == [2]
    me = get("users/@me/").json()
    assert (me["id"], me["team"]["id"], me["organization"]["name"]) == (1, 1, "Acme")
    assert get("users/@me/", READ_ONLY).json()["detail"] == "API key missing required scope 'user:read'"
    assert get("projects/1/").json()["name"] == get("projects/@current/").json()["name"] == "Acme Web"
    assert get("projects/1/", OTHER_PROJECT).status_code == 403
    assert get("projects/9/").json()["detail"] == "Project not found."
    assert get(f"organizations/{me['organization']['id']}/").json() == me["organization"]
    scoped = "API keys with scoped projects are only supported on project-based endpoints."
    assert get("projects/", OTHER_PROJECT).json()["detail"] == scoped


def test_the_journal_holds_no_key(sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()
    sandbox.api("POST", f"stack_frames/batch_get?personal_api_key={FULL}", {"personal_api_key": FULL, "raw_ids": ["x"]})

    (entry,) = sandbox.journal()
    assert entry["method"] == "POST"
    assert entry["path"] == "/api/projects/1/error_tracking/stack_frames/batch_get"
    assert (entry["query"], entry["body"]) == ({}, {"raw_ids": ["x"]})
    assert (entry["status"], entry["key"]) == (200, "full access")
