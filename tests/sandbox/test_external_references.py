"""Links to issue trackers elsewhere (contract 6.9)."""

from typing import Any

import pytest

from tests.sandbox.answers import NO_READ, NO_WRITE, UNKNOWN, Answer, ask, forbidden, invalid, not_found, required
from tests.sandbox_process import READ_ONLY, SandboxProcess

GITHUB, JIRA, LINEAR = 7, 8, 9
CONFIGS: dict[int, dict[str, str]] = {
    GITHUB: {"repository": "acme/web", "title": "Checkout", "body": "x"},
    JIRA: {"project_key": "OPS", "title": "Checkout", "description": "x"},
    LINEAR: {"team_id": "T1", "title": "Checkout", "description": "x"},
}


def an_issue(sandbox: SandboxProcess) -> dict[str, Any]:
    return sandbox.api("GET", "issues/").json()["results"][12]


def no_such(name: str, value: Any) -> Answer:
    return invalid("does_not_exist", f'Invalid pk "{value}" - object does not exist.', name)


@pytest.mark.parametrize(
    ("integration", "host", "place"),
    [(GITHUB, "github", "acme/web"), (JIRA, "jira", "OPS"), (LINEAR, "linear", "T1")],
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
    def found(query: str) -> list[dict[str, Any]]:
        return fresh.api("GET", f"external_references/search_issues/?integration_id={GITHUB}{query}").json()["issues"]

    assert [one["title"] for one in found("")] == [
        "Offers: destructuring of undefined",
        "Upgrade react-native-svg",
        "Checkout fails without an offer",
    ]
    assert [one["id"] for one in found("&search=OFFER")] == ["1", "3"]
    (one,) = found("&search=offer&repository=acme/web")[:1]
    assert found("&repository=acme/none") == []
    assert one["url"] == "https://github.example/acme/web/issues/1"
    issue = an_issue(fresh)
    body = {"integration_id": GITHUB, "issue": issue["id"], "external_context": one["external_context"]}
    status, made = ask(fresh, "POST external_references/link_issue/", body)
    assert (status, made["external_url"], made["title"]) == (201, one["url"], one["title"])
    assert an_issue(fresh)["external_issues"] == [made]
    assert len(found("")) == 3


LINK = {"integration_id": GITHUB, "issue": "{issue}"}


@pytest.mark.parametrize(
    ("request_", "body", "answer"),
    [
        ("POST external_references/", {}, required("integration_id")),
        ("POST external_references/", {"integration_id": GITHUB}, required("issue")),
        ("POST external_references/", LINK, required("config")),
        ("POST external_references/", {"integration_id": 99}, no_such("integration_id", 99)),
        ("POST external_references/", {"integration_id": GITHUB, "issue": UNKNOWN}, no_such("issue", UNKNOWN)),
        (
            "POST external_references/",
            {**LINK, "config": {"title": "x", "body": "y"}},
            invalid("invalid_input", "Missing required field: repository"),
        ),
        (
            "POST external_references/",
            {**LINK, "config": "x"},
            invalid("not_a_dict", 'Expected a dictionary of items but got type "str".', "config"),
        ),
        ("POST external_references/link_issue/", LINK, required("external_context")),
        (
            "POST external_references/link_issue/",
            {**LINK, "external_context": {"number": 99}},
            invalid("invalid_input", "External issue not found"),
        ),
        ("GET external_references/search_issues/", None, required("integration_id")),
        ("GET external_references/search_issues/?integration_id=99", None, not_found("Integration not found")),
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
    search = f"GET external_references/search_issues/?integration_id={GITHUB}"
    assert ask(running, search, key=READ_ONLY) == forbidden("API key missing required scope 'integration:read'")
    assert ask(running, search, key="phx_sandbox_tracker_key")[0] == 200
    assert ask(running, "POST external_references/", {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "POST external_references/link_issue/", {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "GET external_references/", key="phx_sandbox_nothing_key") == NO_READ
