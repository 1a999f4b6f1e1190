"""Links to issue trackers elsewhere (contract 6.9)."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.clock import derived_id
from tests.sandbox.answers import (
    NO_KEY,
    NO_READ,
    NO_WRITE,
    UNKNOWN,
    Answer,
    ask,
    forbidden,
    invalid,
    not_found,
    required,
)
from tests.sandbox_process import READ_ONLY, SandboxProcess

GITHUB, JIRA, LINEAR = 7, 8, 9
CONFIGS: dict[int, dict[str, str]] = {
    GITHUB: {"repository": "web", "title": "Checkout", "body": "x"},
    JIRA: {"project_key": "OPS", "title": "Checkout", "description": "x"},
    LINEAR: {"team_id": "T1", "title": "Checkout", "description": "x"},
}


def an_issue(sandbox: SandboxProcess) -> dict[str, Any]:
    return sandbox.api("GET", f"issues/{derived_id('issue', 12)}/").json()


@pytest.mark.parametrize(
    ("integration", "host", "place"),
    [(GITHUB, "github", "web"), (JIRA, "jira", "OPS"), (LINEAR, "linear", "T1")],
)
def test_create_opens_an_issue_and_ties_it(fresh: SandboxProcess, integration: int, host: str, place: str) -> None:
    issue = an_issue(fresh)
    body = {"integration_id": integration, "issue": issue["id"], "config": CONFIGS[integration]}

    status, made = ask(fresh, "POST external_references/", body)

    assert (status, list(made)) == (201, ["id", "integration", "external_url", "external_id", "title"])
    assert (made["integration"]["id"], made["integration"]["kind"]) == (integration, host)
    assert made["external_url"] == f"https://{host}.example/{place}/issues/{made['external_id']}"
    assert made["title"] == "Checkout"
    assert ask(fresh, f"GET external_references/{made['id']}/") == (200, made)
    assert fresh.api("GET", "external_references/").json()["results"][2:] == [made]
    assert an_issue(fresh) == issue | {"external_issues": [made]}


def test_search_and_link_what_exists(fresh: SandboxProcess) -> None:
    def found(query: str, integration: int = GITHUB) -> list[dict[str, Any]]:
        path = f"external_references/search_issues/?integration_id={integration}{query}"
        return fresh.api("GET", path).json()["issues"]

    assert [one["title"] for one in found("&repository=web")] == [
        "Offers: destructuring of undefined",
        "Checkout fails without an offer",
    ]
    assert [one["id"] for one in found("&search=destruct&repository=web")] == ["1"]
    assert found("&repository=none") == []
    (one, _) = found("&repository=web")
    assert one == {
        "id": "1",
        "title": "Offers: destructuring of undefined",
        "url": "https://github.example/web/issues/1",
        "external_context": {"repository": "web", "number": 1},
    }
    assert [each["external_context"] for each in found("", JIRA)] == [{"key": "OPS-4"}]
    issue = an_issue(fresh)
    body = {"integration_id": GITHUB, "issue": issue["id"], "external_context": one["external_context"]}
    status, made = ask(fresh, "POST external_references/link_issue/", body)
    assert (status, made["external_url"], made["title"]) == (201, one["url"], one["title"])
    again = {**body, "external_context": {"repository": "web", "number": "1"}}
    assert ask(fresh, "POST external_references/link_issue/", again) == (201, made)
    assert an_issue(fresh)["external_issues"] == [made]
    assert fresh.api("GET", "external_references/").json()["count"] == 3


def test_the_tracker_is_not_asked_for_a_link(fresh: SandboxProcess) -> None:
    for integration, context, url in (
        (GITHUB, {"repository": "web", "number": 777}, "https://github.example/web/issues/777"),
        (JIRA, {"key": "OPS-12"}, "https://jira.example/OPS/issues/12"),
    ):
        body = {"integration_id": integration, "issue": an_issue(fresh)["id"], "external_context": context}
        status, made = ask(fresh, "POST external_references/link_issue/", body)
        assert (status, made["external_url"]) == (201, url)


LINK = {"integration_id": GITHUB, "issue": "{issue}"}
OF_GITHUB = "Missing required external context fields for github: repository, number."


@pytest.mark.parametrize(
    ("request_", "body", "answer"),
    [
        ("POST external_references/", {}, required("integration_id")),
        ("POST external_references/", {"integration_id": GITHUB}, required("issue")),
        ("POST external_references/", LINK, required("config")),
        (
            "POST external_references/",
            {**LINK, "integration_id": "x", "config": {}},
            invalid("invalid_input", "A valid integer is required.", "integration_id"),
        ),
        (
            "POST external_references/",
            {"integration_id": 99, "issue": UNKNOWN, "config": {}},
            invalid("invalid_input", "Issue does not belong to this team."),
        ),
        (
            "POST external_references/",
            {**LINK, "integration_id": 99, "config": "x"},
            invalid("invalid_input", "Integration does not belong to this team."),
        ),
        (
            "POST external_references/",
            {**LINK, "config": {"title": "x"}},
            invalid("invalid_input", "Missing required config fields for github: repository, body."),
        ),
        (
            "POST external_references/",
            {**LINK, "config": {"repository": 1, "title": [], "body": ""}},
            invalid("invalid_input", "Config fields for github must be strings: repository, title."),
        ),
        (
            "POST external_references/",
            {**LINK, "config": {"repository": "web", "title": " ", "body": ""}},
            invalid("invalid_input", "Config fields for github cannot be blank: title."),
        ),
        (
            "POST external_references/",
            {**LINK, "config": "x"},
            invalid("invalid_input", "External reference config must be an object."),
        ),
        ("POST external_references/link_issue/", LINK, required("external_context")),
        (
            "POST external_references/link_issue/",
            {**LINK, "external_context": {"repository": "web"}},
            invalid("invalid_input", OF_GITHUB),
        ),
        (
            "POST external_references/link_issue/",
            {**LINK, "external_context": {"repository": "acme/web", "number": 1}},
            invalid("invalid_input", OF_GITHUB),
        ),
        ("GET external_references/search_issues/", None, required("integration_id")),
        (
            "GET external_references/search_issues/?integration_id=99",
            None,
            invalid("invalid_input", "Integration does not belong to this team."),
        ),
        (
            f"GET external_references/search_issues/?integration_id={GITHUB}",
            None,
            invalid("invalid_input", "A repository is required to search GitHub issues."),
        ),
        (
            f"GET external_references/search_issues/?integration_id={GITHUB}&repository=acme/web",
            None,
            invalid(
                "invalid_input",
                "Pass the repository name without an owner; only the integration's account can be searched.",
            ),
        ),
        (f"DELETE external_references/{UNKNOWN}/", None, NO_KEY),
        ("GET external_references/x/", None, invalid("invalid_input", "Invalid external reference id")),
        (f"GET external_references/{UNKNOWN}/", None, not_found("External reference not found")),
    ],
)
def test_what_is_refused(running: SandboxProcess, request_: str, body: Any, answer: Answer) -> None:
    if body and "issue" in body:
        body = {**body, "issue": body["issue"].replace("{issue}", an_issue(running)["id"])}

    assert ask(running, request_, body) == answer
    assert running.api("GET", "external_references/").json()["count"] == 2


def test_scopes(running: SandboxProcess) -> None:
    search = f"GET external_references/search_issues/?integration_id={GITHUB}&repository=web"
    assert ask(running, search, key=READ_ONLY) == forbidden("API key missing required scope 'integration:read'")
    assert ask(running, search, key="phx_sandbox_tracker_key")[0] == 200
    assert ask(running, "POST external_references/", {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "POST external_references/link_issue/", {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "GET external_references/", key="phx_sandbox_nothing_key") == NO_READ


def test_a_limit_of_the_tracker_is_a_429_and_leaves_the_other_calls_alone() -> None:
    seed = {
        "projects": [{"id": 1}],
        "server": {"features": {"tracker_throttles": True}},
        "integrations": [{"id": 1, "kind": "github"}, {"id": 2, "kind": "jira"}],
    }
    search = "GET external_references/search_issues/?integration_id="
    with SandboxProcess(seed) as sandbox:
        status, body = ask(sandbox, f"{search}1&repository=web")
        assert (status, body["type"], body["code"]) == (429, "throttled_error", "throttled")
        assert ask(sandbox, f"{search}1")[0] == 400
        assert ask(sandbox, f"{search}2") == (200, {"issues": []})
        assert ask(sandbox, "GET external_references/")[0] == 200
