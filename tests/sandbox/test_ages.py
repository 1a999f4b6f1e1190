"""Answers of older servers (contract 1.2, 1.9, 6): the path, or the key, is too new for them."""

from collections.abc import Generator

import pytest

from tests.sandbox.answers import NO_PATH, UNKNOWN, Answer, ask, forbidden, invalid, not_found
from tests.sandbox_process import FULL, SandboxProcess

SEED = {
    "projects": [{"id": 1}],
    "users": [{"id": 1}],
    "releases": [{"version": "1", "hash_id": "abc"}],
    "grouping_rules": [{}, {}],
    "suppression_rules": [{"id": UNKNOWN, "sampling_rate": 0.5}],
    "integrations": [{"id": 7, "kind": "gitlab"}],
    "external_references": [{"issue": 0, "integration": 7, "title": "x"}],
    "issues": [{"name": "TypeError", "severity": "high", "fingerprints": ["a"]}],
    "symbol_sets": [{"id": UNKNOWN, "ref": "a"}],
    "hog_functions": [{"name": "New issues"}, {"name": "Purchases", "type": "destination"}],
}
OLD = "2025"
MIDDLE = "2026-06"
NO_KEY = {
    OLD: forbidden("This action does not support Personal API Key access"),
    MIDDLE: forbidden("This action does not support personal API key access"),
}
FORM = {OLD: "environments/1", MIDDLE: "projects/1"}


@pytest.fixture(scope="module")
def servers() -> Generator[dict[str, SandboxProcess]]:
    with SandboxProcess(SEED, "--age", OLD) as old, SandboxProcess(SEED, "--age", MIDDLE) as middle:
        yield {OLD: old, MIDDLE: middle}


@pytest.mark.parametrize(
    ("age", "form", "path", "status"),
    [
        (OLD, "projects/1", "assignment_rules/", 404),
        (OLD, "projects/1", "fingerprints/", 404),
        (OLD, "projects/1", "symbol_sets/", 200),
        (OLD, "projects/1", "releases/", 200),
        (OLD, "environments/1", "assignment_rules/", 200),
        (MIDDLE, "projects/1", "assignment_rules/", 200),
        (MIDDLE, "environments/1", "assignment_rules/", 200),
    ],
)
def test_paths(servers: dict[str, SandboxProcess], age: str, form: str, path: str, status: int) -> None:
    answer = servers[age].api("GET", path, form=form)

    assert answer.status_code == status
    assert "deprecation" not in answer.headers


@pytest.mark.parametrize(
    ("request_", "absent"),
    [
        ("GET symbol_sets/{id}/download/", [OLD]),
        ("POST symbol_sets/a/b/", [OLD, MIDDLE]),
        ("GET bypass_rules/", [OLD]),
        ("GET severity_rules/", [OLD, MIDDLE]),
        ("PATCH severity_rules/reorder/", [OLD, MIDDLE]),
        ("POST query/issues/", [OLD]),
        ("POST query/issue/", [OLD]),
        ("POST query/issue_events/", [OLD]),
        ("GET settings/retrieve_settings/", [OLD]),
        ("PATCH settings/update_settings/", [OLD]),
        ("GET spike_events/", [OLD]),
        ("GET spike_detection_config/", [OLD]),
        ("GET recommendations/", [OLD]),
        ("POST recommendations/{id}/refresh/", [OLD]),
        ("GET alerts/", [OLD, MIDDLE]),
        ("GET alerts/{id}/", [OLD, MIDDLE]),
        ("GET git-provider-file-links/resolve_github/", [OLD]),
    ],
)
def test_endpoints_that_came_later(servers: dict[str, SandboxProcess], request_: str, absent: list[str]) -> None:
    body = {} if request_.startswith(("POST", "PATCH")) else None
    found = {
        age: ask(server, request_.replace("{id}", UNKNOWN), body, form=FORM[age]) for age, server in servers.items()
    }

    assert [age for age, answer in found.items() if answer == NO_PATH] == absent


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        ("PATCH assignment_rules/reorder/", [OLD, MIDDLE]),
        ("PATCH grouping_rules/reorder/", [OLD, MIDDLE]),
        ("PATCH suppression_rules/reorder/", [OLD, MIDDLE]),
        ("PATCH bypass_rules/reorder/", [MIDDLE]),
        ("PATCH symbol_sets/{id}/", [OLD, MIDDLE]),
        ("PUT symbol_sets/{id}/", [OLD, MIDDLE]),
        ("POST issues/{id}/merge/", [OLD]),
        ("POST issues/{id}/split/", [OLD]),
        ("PATCH issues/{id}/assign/", [OLD]),
        ("PUT issues/{id}/cohort/", [OLD]),
        ("POST issues/bulk/", [OLD]),
        ("GET issues/values/", [OLD]),
        ("PATCH issues/{id}/", []),
        ("GET issues/exists/", []),
    ],
)
def test_actions_that_keys_may_use_later(servers: dict[str, SandboxProcess], request_: str, refused: list[str]) -> None:
    body = None if request_.startswith("GET") else {}
    found = {
        age: ask(server, request_.replace("{id}", UNKNOWN), body, form=FORM[age]) for age, server in servers.items()
    }

    assert [age for age, answer in found.items() if answer == NO_KEY[age]] == refused


# Where a route is missing, a detail route may take its last segment for an id.
@pytest.mark.parametrize(
    ("request_", "answers"),
    [
        ("GET fingerprints/resolve/?fingerprint=a", [invalid("invalid_input", "Invalid fingerprint id")] * 2),
        (
            "GET external_references/search_issues/?integration_id=7",
            [invalid("invalid_input", "Invalid external reference id")] * 2,
        ),
    ],
)
def test_routes_that_another_answers_for(
    servers: dict[str, SandboxProcess], request_: str, answers: list[Answer]
) -> None:
    assert [ask(server, request_, form=FORM[age]) for age, server in servers.items()] == answers


def test_functions_of_no_type(servers: dict[str, SandboxProcess]) -> None:
    found = list[list[str]]()
    for server in servers.values():
        headers = {"Authorization": f"Bearer {FULL}"}
        page = server.http.get(f"{server.url}/api/projects/1/hog_functions/", headers=headers).json()
        found.append([one["name"] for one in page["results"]])

    assert found == [["Purchases"], ["New issues", "Purchases"]]


def test_shapes(servers: dict[str, SandboxProcess]) -> None:
    old, middle = ({"form": FORM[age]} for age in (OLD, MIDDLE))
    one, two = servers.values()

    assert sorted(one.api("GET", "grouping_rules/", **old).json()) == ["count", "next", "previous", "results"]
    assert list(two.api("GET", "grouping_rules/", **middle).json()) == ["results"]
    assert "sampling_rate" not in one.api("GET", f"suppression_rules/{UNKNOWN}/", **old).json()
    assert two.api("GET", f"suppression_rules/{UNKNOWN}/", **middle).json()["sampling_rate"] == 0.5
    for server, more in ((one, old), (two, middle)):
        (issue,) = server.api("GET", "issues/", **more).json()["results"]
        assert "severity" not in issue
        assert list(issue["external_issues"][0]) == ["id", "integration", "external_url"]
        assert list(server.api("GET", "external_references/", **more).json()["results"][0]) == [
            "id",
            "integration",
            "external_url",
        ]
        body = {"version": "2", "project": "x", "hash_id": "abc"}
        assert ask(server, "POST releases/", body, **more) == invalid("invalid_input", "Hash id abc already in use")
    for path in ("releases", "stack_frames", "grouping_rules"):
        assert ask(one, f"GET {path}/no-uuid/", **old) == not_found()
