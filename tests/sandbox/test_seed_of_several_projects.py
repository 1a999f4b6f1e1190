"""Seeds that say more than the default one: other projects, chosen numbers, settings, a log."""

from typing import Any

import pytest

from tests.sandbox.answers import ask, invalid, not_found
from tests.sandbox_process import SandboxProcess

ISSUE, OTHERS = "01936f2e-7a51-7000-8000-000000000101", "01936f2e-7a51-7000-8000-000000000102"
SEED: dict[str, Any] = {
    "projects": [{"id": 1}, {"id": 2}],
    "users": [{"id": 1, "first_name": "Ada"}, {"id": 2, "first_name": "Bob", "email": "bob@x.example"}],
    "issues": [{"id": ISSUE, "name": "One", "fingerprints": ["a"]}, {"id": OTHERS, "project": 2}],
    "integrations": [
        {"id": 1, "kind": "slack"},
        {"id": 2, "kind": "gitlab"},
        {"id": 3, "kind": "github", "project": 2},
        {"id": 4, "kind": "github"},
    ],
    "cohorts": [{"id": 5, "name": "Ours"}, {"id": 6, "name": "Theirs", "project": 2}],
    "external_references": [{"issue": 0, "integration": 4, "title": "Known", "number": 4711}],
    "activity": [
        {
            "issue": 0,
            "activity": "updated",
            "user": 2,
            "created_at": "2026-11-01T00:00:00Z",
            "changes": [{"field": "status", "before": "active", "after": "resolved"}],
        },
        {"issue": 0, "activity": "assigned", "created_at": "2026-10-01T00:00:00Z"},
    ],
    "alerts": [{"name": "x", "triggers": ["issue_created"], "filters": {"properties": []}}],
}


@pytest.fixture(scope="module")
def shop() -> Any:
    with SandboxProcess(SEED) as sandbox:
        yield sandbox


def test_integrations_and_cohorts_of_another_project_do_not_count_here(shop: SandboxProcess) -> None:
    config = {"repository": "web", "title": "x", "body": ""}
    theirs = {"integration_id": 3, "issue": ISSUE, "config": config}
    refused = invalid("invalid_input", "Integration does not belong to this team.")
    assert ask(shop, "POST external_references/", theirs) == refused
    elsewhere = {"integration_id": 4, "issue": OTHERS, "config": config}
    refused = invalid("invalid_input", "Issue does not belong to this team.")
    assert ask(shop, "POST external_references/", elsewhere) == refused
    assert ask(shop, f"PUT issues/{ISSUE}/cohort/", {"cohortId": 6}) == not_found("Cohort not found")
    assert ask(shop, f"PUT issues/{OTHERS}/cohort/", {"cohortId": 6}, form="projects/2") == (200, {"success": True})


def test_a_reference_has_the_number_chosen(shop: SandboxProcess) -> None:
    (reference,) = shop.api("GET", "external_references/").json()["results"]
    assert (reference["external_id"], reference["external_url"]) == ("4711", "https://github.example/web/issues/4711")
    assert shop.api("GET", f"issues/{ISSUE}/").json()["external_issues"] == [reference]


def test_the_log(shop: SandboxProcess) -> None:
    newest, oldest = shop.api("GET", f"issues/{ISSUE}/activity/").json()["results"]
    assert (newest["activity"], newest["user"]) == ("updated", {"first_name": "Bob", "email": "bob@x.example"})
    assert newest["detail"]["changes"] == [
        {
            "type": "ErrorTrackingIssue",
            "action": "changed",
            "field": "status",
            "before": "active",
            "after": "resolved",
        }
    ]
    assert (oldest["created_at"], oldest["user"]["first_name"]) == ("2026-10-01T00:00:00Z", "Ada")


def test_every_fingerprint_leads_to_its_issue(shop: SandboxProcess) -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    moved = shop.api("GET", f"issues/{nil}/", params={"fingerprint": "a"})
    assert (moved.status_code, moved.json()) == (308, {"issue_id": ISSUE})
    assert "location" not in moved.headers
    gone = shop.api("GET", f"issues/{nil}/", params={"fingerprint": "b"})
    assert (gone.status_code, gone.json()["detail"]) == (404, "Issue not found")
    assert shop.api("GET", "fingerprints/resolve/", params={"fingerprint": "a"}).json()["issue_id"] == ISSUE


def test_source_links_of_a_branch() -> None:
    release = "01936f2e-7a51-7000-8000-0000000000a1"
    git = {"remote_url": "https://ada:secret@github.com/acme/shop.git?x#y", "commit_id": "3f6c2a91d07b"}
    contents = {"source": "src/a.ts", "line": 17, "lang": "javascript"}
    frame = {"resolved": True, "symbol_set_ref": "chunk", "contents": contents}
    context = {"before": [], "line": {"number": 18, "line": "x"}, "after": []}
    seed = {
        "projects": [{"id": 1}],
        "server": {"features": {"source_links": True}},
        "stack_frames": [
            {"raw_id": "aa/0", **frame, "context": context},
            {"raw_id": "bb/0", **frame},
            {"raw_id": "cc/0"},
        ],
    }
    with SandboxProcess(seed) as sandbox:
        made = sandbox.api(
            "POST", "releases/", {"version": "1", "project": "p", "metadata": {"git": git, "x": 1}}
        ).json()
        assert made["metadata"] == {
            "git": {"remote_url": "https://github.com/acme/shop.git", "commit_id": "3f6c2a91d07b"},
            "x": 1,
        }
        body = {"release_id": made["id"], "raw_ids": ["aa/0", "bb/0", "cc/0", "dd/0"]}
        url = "https://github.com/acme/shop/blob/3f6c2a91d07b/src/a.ts#L18"
        link = {"provider": "github", "url": url, "path": "src/a.ts"}
        path = "POST git-provider-file-links/resolve/"
        assert ask(sandbox, path, body) == (200, {"results": [{"raw_id": one, **link} for one in ("aa/0", "bb/0")]})
        assert ask(sandbox, path, {**body, "release_id": release}) == (200, {"results": []})
        assert ask(sandbox, path, {**body, "raw_ids": []})[0] == 400


def test_the_newest_server_has_no_source_links(shop: SandboxProcess) -> None:
    assert ask(shop, "POST git-provider-file-links/resolve/", {})[0] == 404
