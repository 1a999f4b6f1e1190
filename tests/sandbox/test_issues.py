"""Issues, what is done to them, and the log of it (contract 6.6)."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.clock import derived_id
from tests.sandbox.answers import (
    NO_KEY,
    NO_READ,
    NO_WRITE,
    SERVER_ERROR,
    UNKNOWN,
    Answer,
    ask,
    choice,
    forbidden,
    invalid,
    not_found,
    required,
)
from tests.sandbox_process import READ_ONLY, ROLE, SandboxProcess

MISSING = not_found("Issue not found")
USER = {"type": "user", "id": 2}
FIELDS = ["id", "status", "severity", "name", "description", "first_seen", "assignee", "external_issues", "cohort"]


def issues(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """Return the issues in the order of the seed."""
    place = {derived_id("issue", number): number for number in range(100)}
    found = sandbox.api("GET", "issues/").json()["results"]
    return sorted(found, key=lambda one: place.get(one["id"], 100))


def issue(sandbox: SandboxProcess, issue_id: str) -> dict[str, Any]:
    return sandbox.api("GET", f"issues/{issue_id}/").json()


def fingerprints(sandbox: SandboxProcess, issue_id: str) -> list[str]:
    page = sandbox.api("GET", f"fingerprints/?issue_id={issue_id}").json()
    return [record["fingerprint"] for record in page["results"]]


def test_list_and_retrieve(running: SandboxProcess) -> None:
    page = running.api("GET", "issues/?limit=3&offset=1").json()

    assert (page["count"], len(page["results"])) == (31, 3)
    newest_first = sorted(issues(running), key=lambda one: one["id"], reverse=True)
    assert page["results"] == newest_first[1:4]
    assert list(page["results"][0]) == FIELDS
    assert issue(running, page["results"][0]["id"]) == page["results"][0]
    assert ask(running, "GET issues/exists/") == (200, {"exists": True})
    assert ask(running, "GET issues/exists/", form="projects/2") == (200, {"exists": False})
    assert ask(running, f"GET issues/{page['results'][0]['id']}/", form="projects/2") == MISSING


def test_an_issue_that_a_fingerprint_left(running: SandboxProcess) -> None:
    first, other = issues(running)[:2]
    own, others = fingerprints(running, first["id"])[0], fingerprints(running, other["id"])[0]

    assert running.api("GET", f"issues/{first['id']}/", params={"fingerprint": own}).json() == first
    moved = running.api("GET", f"issues/{first['id']}/", params={"fingerprint": others})
    assert (moved.status_code, moved.json()) == (308, {"issue_id": other["id"]})
    assert "location" not in moved.headers
    assert running.api("GET", f"issues/{first['id']}/", params={"fingerprint": "unknown"}).json() == first


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    "change",
    [
        {"status": "resolved"},
        {"status": "suppressed", "severity": "low"},
        {"severity": None},
        {"name": "Checkout", "description": None},
        {},
    ],
)
def test_update(fresh: SandboxProcess, method: str, change: dict[str, Any]) -> None:
    before = issues(fresh)[12]

    answer = ask(fresh, f"{method} issues/{before['id']}/", change | {"id": UNKNOWN, "assignee": USER})

    assert answer == (200, before | change)
    assert issue(fresh, before["id"]) == before | change


@pytest.mark.parametrize("assignee", [USER, {"type": "role", "id": ROLE}, None])
def test_assign(fresh: SandboxProcess, assignee: Any) -> None:
    before = issues(fresh)[3]

    assert ask(fresh, f"PATCH issues/{before['id']}/assign/", {"assignee": assignee}) == (200, {"success": True})
    assert issue(fresh, before["id"]) == before | {"assignee": assignee}


def test_merge_moves_fingerprints_and_deletes_the_sources(fresh: SandboxProcess) -> None:
    target, one, two = (issues(fresh)[number] for number in (12, 0, 1))
    spikes = fresh.api("GET", f"spike_events/?issue_ids={one['id']},{target['id']}").json()["results"]
    together = {text for each in (target, one, two) for text in fingerprints(fresh, each["id"])}

    answer = ask(
        fresh, f"POST issues/{target['id']}/merge/", {"ids": [one["id"], two["id"], target["id"], UNKNOWN, one["id"]]}
    )

    assert answer == (200, {"success": True})
    assert set(fingerprints(fresh, target["id"])) == together
    assert ask(fresh, f"GET issues/{one['id']}/") == MISSING
    assert ask(fresh, f"GET issues/{two['id']}/") == MISSING
    # Its assignee stays; the links of the others go with them.
    assert issue(fresh, target["id"]) == target | {"first_seen": one["first_seen"]}
    assert len(issues(fresh)) == 29
    moved = fresh.api("GET", f"spike_events/?issue_ids={target['id']}").json()["results"]
    assert {spike["id"] for spike in moved} == {spike["id"] for spike in spikes}
    assert [one["title"] for one in fresh.api("GET", "external_references/").json()["results"]] == [
        "Database pool exhausted"
    ]
    (entry,) = fresh.api("GET", f"issues/{target['id']}/activity/").json()["results"]
    assert entry["activity"] == "merged"
    (change,) = entry["detail"]["changes"]
    assert (change["field"], change["after"]) == ("merged_issue_ids", [one["id"], two["id"]])


@pytest.mark.parametrize(
    ("assignees", "adopted"),
    [
        ([USER, None], USER),
        ([USER, USER], USER),
        ([None, None], None),
        ([USER, {"type": "role", "id": ROLE}], None),
    ],
)
def test_a_target_without_assignee_adopts_the_only_one_of_the_sources(
    fresh: SandboxProcess, assignees: list[Any], adopted: Any
) -> None:
    target, *sources = (issues(fresh)[number] for number in (12, 1, 5))
    for one, assignee in zip([target, *sources], [None, *assignees], strict=True):
        fresh.api("PATCH", f"issues/{one['id']}/assign/", {"assignee": assignee})

    fresh.api("POST", f"issues/{target['id']}/merge/", {"ids": [one["id"] for one in sources]})

    assert issue(fresh, target["id"])["assignee"] == adopted


def test_a_merge_of_nothing_else_is_no_success(running: SandboxProcess) -> None:
    target = issues(running)[0]

    assert ask(running, f"POST issues/{target['id']}/merge/", {"ids": [target["id"]]}) == (200, {"success": False})
    gone = ask(running, f"POST issues/{target['id']}/merge/", {"ids": [UNKNOWN]})
    assert gone == (200, {"success": False})
    assert len(issues(running)) == 31


def test_split_makes_an_issue_of_each_fingerprint_it_owns(fresh: SandboxProcess) -> None:
    source, other = issues(fresh)[0], issues(fresh)[1]
    own, rest = fingerprints(fresh, source["id"])
    wanted = [{"fingerprint": own, "name": "Split off"}, {"fingerprint": fingerprints(fresh, other["id"])[0]}]

    status, answer = ask(fresh, f"POST issues/{source['id']}/split/", {"fingerprints": wanted})

    assert (status, answer["success"], len(answer["new_issue_ids"])) == (200, True, 1)
    made = issue(fresh, answer["new_issue_ids"][0])
    assert (made["name"], made["description"], made["status"]) == ("Split off", None, "active")
    assert made["external_issues"] == []
    assert fingerprints(fresh, made["id"]) == [own]
    assert fingerprints(fresh, source["id"]) == [rest]
    assert fresh.api("GET", "issues/").json()["results"][0]["id"] == made["id"]  # the newest
    (entry,) = fresh.api("GET", f"issues/{source['id']}/activity/").json()["results"]
    assert (entry["activity"], entry["detail"]["changes"][0]["after"]) == ("split", answer["new_issue_ids"])
    nothing = (200, {"success": True, "new_issue_ids": []})
    assert ask(fresh, f"POST issues/{source['id']}/split/", {}) == nothing
    assert ask(fresh, f"POST issues/{source['id']}/split/", {"fingerprints": [{"fingerprint": "unknown"}]}) == nothing
    assert len(issues(fresh)) == 32


def test_a_split_names_what_has_no_name_and_drops_the_spikes(fresh: SandboxProcess) -> None:
    source = issues(fresh)[12]  # the one of the spike
    own = [{"fingerprint": text} for text in fingerprints(fresh, source["id"])]
    assert fresh.api("GET", f"spike_events/?issue_ids={source['id']}").json()["count"] == 1

    status, answer = ask(fresh, f"POST issues/{source['id']}/split/", {"fingerprints": own})

    assert (status, len(answer["new_issue_ids"])) == (200, len(own))
    assert issue(fresh, answer["new_issue_ids"][0])["name"] == "Untitled issue"
    assert fresh.api("GET", f"spike_events/?issue_ids={source['id']}").json()["count"] == 0


def test_bulk(fresh: SandboxProcess) -> None:
    before = issues(fresh)
    ids = [before[0]["id"], before[5]["id"], UNKNOWN]

    for change, action in (({"status": "suppressed"}, "set_status"), ({"assignee": USER}, "assign")):
        assert ask(fresh, "POST issues/bulk/", {"action": action, "ids": ids, **change}) == (200, {"success": True})
        for one in before:
            if one["id"] in ids:
                one |= change
        assert issues(fresh) == before
    unassign = {"action": "assign", "ids": ids[:1], "assignee": None}
    assert ask(fresh, "POST issues/bulk/", unassign) == (200, {"success": True})
    assert [one["assignee"] for one in issues(fresh) if one["id"] in ids] == [None, USER]


def test_cohort(fresh: SandboxProcess) -> None:
    before = issues(fresh)[0]

    assert ask(fresh, f"PUT issues/{before['id']}/cohort/", {"cohortId": 3}) == (200, {"success": True})
    assert issue(fresh, before["id"]) == before | {"cohort": {"id": 3, "name": "Beta testers"}}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("key=name&value=type", ["TypeError"]),
        ("key=name&value=", []),
        ("key=name", []),
        ("key=issue_description&value=undefined", "descriptions"),
        ("key=status&value=a", []),
        ("", []),
    ],
)
def test_values(running: SandboxProcess, query: str, names: Any) -> None:
    if names == "descriptions":
        names = [one["description"] for one in issues(running) if "undefined" in one["description"]]
        assert len(names) == 3
    answer = (200, {"results": [{"name": name} for name in names], "refreshing": False})
    assert ask(running, f"GET issues/values/?{query}") == answer


UUIDS = invalid("invalid_input", "Must be a valid UUID.", "ids__1")


@pytest.mark.parametrize(
    ("request_", "body", "answer"),
    [
        ("GET issues/{unknown}/", None, MISSING),
        ("GET issues/no-uuid/", None, SERVER_ERROR),
        ("DELETE issues/{id}/", None, (405, None)),
        ("POST issues/", {}, NO_KEY),
        ("PATCH issues/{unknown}/", {"status": "resolved"}, MISSING),
        ("PATCH issues/{id}/", {"status": "archived"}, choice("archived", "status")),
        ("PATCH issues/{id}/", {"status": None}, choice(None, "status")),
        ("PATCH issues/{id}/", {"severity": "urgent"}, choice("urgent", "severity")),
        ("PATCH issues/{id}/", {"name": 5}, invalid("invalid_input", "Not a valid string.", "name")),
        ("PATCH issues/{unknown}/assign/", {"assignee": USER}, MISSING),
        ("PATCH issues/{id}/assign/", {"assignee": {"type": "team", "id": 1}}, choice("team", "assignee__type")),
        (
            "PATCH issues/{id}/assign/",
            {"assignee": {"type": "user", "id": 99}},
            invalid("invalid_input", "Assignee user does not belong to this organization."),
        ),
        (
            "PATCH issues/{id}/assign/",
            {"assignee": "me"},
            invalid("invalid_input", "Invalid data. Expected a dictionary, but got str.", "assignee__non_field_errors"),
        ),
        ("PATCH issues/{id}/assign/", {"assignee": {"id": 1}}, required("assignee__type")),
        (
            "PATCH issues/{id}/assign/",
            {"assignee": {"type": "user", "id": True}},
            invalid("invalid_input", "Expected a user ID or role UUID.", "assignee__id"),
        ),
        (
            "PATCH issues/{id}/assign/",
            {"assignee": {"type": "user", "id": ROLE}},
            invalid("invalid_input", "Provide a numeric user ID.", "assignee__id"),
        ),
        (
            "PATCH issues/{id}/assign/",
            {"assignee": {"type": "role", "id": 1}},
            invalid("invalid_input", "Provide a valid role UUID.", "assignee__id"),
        ),
        ("DELETE issues/no-uuid/", None, (405, None)),
        ("PUT issues/bulk/", {}, NO_KEY),
        ("POST issues/{id}/merge/", {}, required("ids")),
        ("POST issues/{id}/merge/", {"ids": []}, invalid("empty", "This list may not be empty.", "ids")),
        ("POST issues/{id}/merge/", {"ids": [UNKNOWN, "x"]}, UUIDS),
        ("POST issues/{unknown}/merge/", {"ids": [UNKNOWN]}, MISSING),
        (
            "POST issues/{id}/split/",
            {"fingerprints": "abc"},
            invalid("not_a_list", 'Expected a list of items but got type "str".', "fingerprints"),
        ),
        ("POST issues/{id}/split/", {"fingerprints": [{"name": "x"}]}, required("fingerprints__0__fingerprint")),
        ("POST issues/{unknown}/split/", {}, MISSING),
        ("PUT issues/{id}/cohort/", {}, invalid("invalid_input", "Please provide a cohort id")),
        ("PUT issues/{id}/cohort/", {"cohortId": 99}, not_found("Cohort not found")),
        ("PUT issues/{unknown}/cohort/", {"cohortId": 3}, MISSING),
        ("POST issues/bulk/", {"ids": [UNKNOWN]}, (200, {"success": True})),
        ("POST issues/bulk/", {"ids": [UNKNOWN], "action": "delete"}, (200, {"success": True})),
        (
            "POST issues/bulk/",
            {"ids": [UNKNOWN], "action": "assign", "assignee": {"type": "team", "id": 1}},
            invalid("invalid_input", "Assignee type must be 'user' or 'role'."),
        ),
        (
            "POST issues/bulk/",
            {"ids": [UNKNOWN], "action": "assign", "assignee": {"type": "user", "id": "x"}},
            invalid("invalid_input", "User assignee id must be an integer."),
        ),
        (
            "POST issues/bulk/",
            {"ids": [UNKNOWN], "action": "assign", "assignee": {"type": "role", "id": UNKNOWN}},
            invalid("invalid_input", "Assignee role does not belong to this organization."),
        ),
        (
            "POST issues/bulk/",
            {"ids": [UNKNOWN], "action": "set_status", "status": "archived"},
            invalid("invalid_input", "Invalid status"),
        ),
        ("POST issues/bulk/", {"action": "assign"}, (200, {"success": True})),
        ("POST issues/bulk/", {"action": "assign", "ids": [UNKNOWN, "x"]}, SERVER_ERROR),
        ("GET issues/{unknown}/activity/", None, (404, None)),
        ("GET git-provider-file-links/resolve_github/", None, "no key"),
        ("GET git-provider-file-links/resolve_gitlab/?owner=a", None, "no key"),
    ],
)
def test_what_is_refused(running: SandboxProcess, request_: str, body: Any, answer: Any) -> None:
    before = issues(running)
    if answer == "no key":
        answer = forbidden("This action does not support personal API key access")

    assert ask(running, request_.replace("{id}", before[0]["id"]).replace("{unknown}", UNKNOWN), body) == answer
    assert issues(running) == before


@pytest.mark.parametrize(
    ("request_", "key", "answer"),
    [
        ("PATCH issues/{id}/", READ_ONLY, NO_WRITE),
        ("PATCH issues/{id}/assign/", READ_ONLY, NO_WRITE),
        ("POST issues/{id}/merge/", READ_ONLY, NO_WRITE),
        ("POST issues/{id}/split/", READ_ONLY, NO_WRITE),
        ("PUT issues/{id}/cohort/", READ_ONLY, NO_WRITE),
        ("POST issues/bulk/", READ_ONLY, NO_WRITE),
        ("GET issues/values/", "phx_sandbox_nothing_key", NO_READ),
        ("GET issues/exists/", "phx_sandbox_nothing_key", NO_READ),
        ("GET issues/", "phx_sandbox_nothing_key", NO_READ),
        ("GET issues/activity/", READ_ONLY, forbidden("API key missing required scope 'activity_log:read'")),
        ("GET issues/{id}/activity/", READ_ONLY, forbidden("API key missing required scope 'activity_log:read'")),
    ],
)
def test_scopes(running: SandboxProcess, request_: str, key: str, answer: Answer) -> None:
    body = None if request_.startswith("GET") else {}
    assert ask(running, request_.replace("{id}", UNKNOWN), body, key=key) == answer


def test_a_merge_may_find_that_something_changed_meanwhile() -> None:
    seed = {
        "projects": [{"id": 1}],
        "server": {"features": {"merge_conflicts": True}},
        "issues": [{"fingerprints": ["a"]}, {"fingerprints": ["b"]}],
    }
    with SandboxProcess(seed) as sandbox:
        one, two = issues(sandbox)
        refused = ask(sandbox, f"POST issues/{one['id']}/merge/", {"ids": [two["id"]]})
        assert refused == invalid("invalid_input", "Issue fingerprints changed before merge. Please retry.")
        assert len(issues(sandbox)) == 2


def test_activity_is_kept_newest_first(fresh: SandboxProcess) -> None:
    one, two = issues(fresh)[:2]
    empty = {"results": [], "next": None, "previous": None, "total_count": 0}
    assert ask(fresh, "GET issues/activity/") == (200, empty)
    for status in ("resolved", "active", "active"):  # the last one changes nothing
        fresh.api("PATCH", f"issues/{one['id']}/", {"status": status})
    fresh.api("PATCH", f"issues/{two['id']}/assign/", {"assignee": USER})

    log = fresh.api("GET", "issues/activity/").json()
    assert (log["total_count"], [entry["activity"] for entry in log["results"]]) == (
        3,
        ["assigned", "updated", "updated"],
    )
    own = fresh.api("GET", f"issues/{one['id']}/activity/?limit=1&page=2").json()
    assert own["total_count"] == 2
    assert own["next"] is None
    assert own["previous"] == f"{fresh.url}/api/projects/1/error_tracking/issues/{one['id']}/activity/?limit=1&page=1"
    (entry,) = own["results"]
    assert (entry["item_id"], entry["scope"]) == (one["id"], "ErrorTrackingIssue")
    assert entry["user"] == {"first_name": "Ada", "email": "ada@acme.example"}
    assert list(entry["detail"]) == ["changes", "name", "short_id", "trigger", "type"]
    assert entry["detail"]["changes"] == [
        {
            "type": "ErrorTrackingIssue",
            "action": "changed",
            "field": "status",
            "before": "active",
            "after": "resolved",
        }
    ]
    both = {"severity": "low", "status": "suppressed", "description": "new"}
    fresh.api("PATCH", f"issues/{two['id']}/", both)
    newest = fresh.api("GET", "issues/activity/?limit=1").json()["results"][0]
    assert [change["field"] for change in newest["detail"]["changes"]] == ["status", "severity"]
    fresh.api("PATCH", f"issues/{two['id']}/", {"description": "newer"})
    assert fresh.api("GET", "issues/activity/").json()["total_count"] == 4
    least = invalid("min_value", "Ensure this value is greater than or equal to 1.", "limit")
    assert ask(fresh, "GET issues/activity/?limit=0") == least
    assert ask(fresh, "GET issues/activity/?page=x") == invalid("invalid_input", "A valid integer is required.", "page")
