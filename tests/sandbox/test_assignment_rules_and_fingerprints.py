"""Assignment rules (contract 3) and fingerprints (contract 4)."""

import threading
from typing import Any

import pytest

from tests.sandbox_process import FULL, ROLE, SandboxProcess

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}]}
USER = {"type": "user", "id": 1}
GOOD = {"filters": FILTERS, "assignee": USER}


@pytest.fixture
def sandbox(fresh: SandboxProcess) -> SandboxProcess:
    return fresh


def create(sandbox: SandboxProcess, **fields: Any) -> dict[str, Any]:
    answer = sandbox.api("POST", "assignment_rules/", GOOD | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_create_and_read(sandbox: SandboxProcess) -> None:
    rule = create(sandbox, order_key="7.0", disabled_data={"message": "x"}, id=UNKNOWN)

    assert list(rule) == ["id", "filters", "assignee", "order_key", "disabled_data", "created_at", "updated_at"]
    assert (rule["filters"], rule["assignee"], rule["order_key"], rule["disabled_data"]) == (FILTERS, USER, 7, None)
    assert rule["id"] != UNKNOWN
    assert sandbox.api("GET", f"assignment_rules/{rule['id']}/").json() == rule


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"type": "user", "id": "2"}, {"type": "user", "id": 2}),
        ({"type": "role", "id": ROLE.upper()}, {"type": "role", "id": ROLE}),
    ],
)
def test_assignees(sandbox: SandboxProcess, sent: dict[str, Any], stored: dict[str, Any]) -> None:
    assert create(sandbox, assignee=sent)["assignee"] == stored


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        ({}, "required", "filters", "This field is required."),
        ({"filters": FILTERS}, "required", "assignee", "This field is required."),
        ({"filters": None}, "null", "filters", "This field may not be null."),
        (GOOD | {"assignee": None}, "null", "assignee", "This field may not be null."),
        (GOOD | {"filters": []}, "invalid_input", "filters", "Expected a JSON object."),
        (GOOD | {"filters": {}}, "invalid_input", "filters", "Invalid filters payload."),
        (
            GOOD | {"filters": {"type": "AND", "values": [{"key": "a", "operator": "like", "value": 1}]}},
            "invalid_input",
            "filters",
            "Invalid filters payload.",
        ),
        (
            GOOD | {"assignee": "me"},
            "invalid_input",
            "assignee__non_field_errors",
            "Invalid data. Expected a dictionary, but got str.",
        ),
        (GOOD | {"assignee": {"id": 1}}, "required", "assignee__type", "This field is required."),
        (GOOD | {"assignee": {"type": "user"}}, "required", "assignee__id", "This field is required."),
        (
            GOOD | {"assignee": {"type": "group", "id": 1}},
            "invalid_choice",
            "assignee__type",
            '"group" is not a valid choice.',
        ),
        (
            GOOD | {"assignee": {"type": "user", "id": True}},
            "invalid_input",
            "assignee__id",
            "Expected an integer user ID or UUID role ID.",
        ),
        (
            GOOD | {"assignee": {"type": "user", "id": ROLE}},
            "invalid_input",
            "assignee__id",
            "User assignee IDs must be integers.",
        ),
        (
            GOOD | {"assignee": {"type": "role", "id": 1}},
            "invalid_input",
            "assignee__id",
            "Role assignee IDs must be UUIDs.",
        ),
        (GOOD | {"order_key": "x"}, "invalid_input", "order_key", "A valid integer is required."),
        (GOOD | {"order_key": True}, "invalid_input", "order_key", "A valid integer is required."),
        (GOOD | {"order_key": 1.5}, "invalid_input", "order_key", "A valid integer is required."),
        (GOOD | {"order_key": None}, "null", "order_key", "This field may not be null."),
        ([], "invalid_input", None, "Invalid data. Expected a dictionary, but got list."),
    ],
)
def test_what_create_refuses(running: SandboxProcess, body: Any, code: str, attr: str | None, detail: str) -> None:
    before = running.api("GET", "assignment_rules/").json()["count"]

    answer = running.api("POST", "assignment_rules/", body)

    expected = {"type": "validation_error", "code": code, "detail": detail, "attr": attr}
    assert (answer.status_code, answer.json()) == (400, expected)
    assert running.api("GET", "assignment_rules/").json()["count"] == before


@pytest.mark.parametrize("fields", [{"assignee": {"type": "user", "id": 999}}, {"order_key": 2**31}])
def test_what_create_does_not_look_at_fails_in_the_database(running: SandboxProcess, fields: dict[str, Any]) -> None:
    assert running.api("POST", "assignment_rules/", GOOD | fields).status_code == 500


def test_update_keeps_what_is_not_given_and_enables(sandbox: SandboxProcess) -> None:
    disabled = next(
        rule for rule in sandbox.api("GET", "assignment_rules/").json()["results"] if rule["disabled_data"] is not None
    )

    answer = sandbox.api("PATCH", f"assignment_rules/{disabled['id']}/", {"assignee": USER, "filters": None})

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    now = sandbox.api("GET", f"assignment_rules/{disabled['id']}/").json()
    assert (now["assignee"], now["filters"], now["disabled_data"]) == (USER, disabled["filters"], None)
    assert now["updated_at"] > disabled["updated_at"]


def test_update_looks_at_the_body_before_the_rule(running: SandboxProcess) -> None:
    wrong = running.api("PATCH", f"assignment_rules/{UNKNOWN}/", {"filters": {}})
    right = running.api("PATCH", f"assignment_rules/{UNKNOWN}/", {"filters": FILTERS})

    assert (wrong.status_code, right.status_code) == (400, 404)


def test_delete(sandbox: SandboxProcess) -> None:
    rule = create(sandbox)

    assert sandbox.api("DELETE", f"assignment_rules/{rule['id']}/").status_code == 204
    assert sandbox.api("DELETE", f"assignment_rules/{rule['id']}/").status_code == 404


def test_reorder_changes_only_what_it_names(sandbox: SandboxProcess) -> None:
    first, second = create(sandbox, order_key=100), create(sandbox, order_key=101)

    answer = sandbox.api("PATCH", "assignment_rules/reorder/", {"orders": {second["id"]: "-5", UNKNOWN: 3}})

    assert (answer.status_code, answer.content) == (204, b"")
    rules = sandbox.api("GET", "assignment_rules/").json()["results"]
    assert rules[0] == second | {"order_key": -5}
    assert first in rules
    assert [rule["order_key"] for rule in rules] == sorted(rule["order_key"] for rule in rules)


@pytest.mark.parametrize(
    ("body", "status", "code", "attr", "detail"),
    [
        ({"filters": {}, "order_key": 1}, 400, "required", "orders", "This field is required."),
        ({"orders": None}, 400, "null", "orders", "This field may not be null."),
        ({"orders": []}, 400, "not_a_dict", "orders", 'Expected a dictionary of items but got type "list".'),
        ({"orders": {UNKNOWN: "x"}}, 400, "invalid_input", f"orders__{UNKNOWN}", "A valid integer is required."),
        ({"orders": {"x": 1}}, 500, "error", None, "A server error occurred."),
    ],
)
def test_what_reorder_refuses(
    running: SandboxProcess, body: Any, status: int, code: str, attr: str | None, detail: str
) -> None:
    answer = running.api("PATCH", "assignment_rules/reorder/", body)

    assert answer.status_code == status
    assert (answer.json()["code"], answer.json()["attr"], answer.json()["detail"]) == (code, attr, detail)


def test_older_servers_and_rules() -> None:
    with SandboxProcess(None, "--age", "2025") as sandbox:
        old = {"form": "environments/1"}
        missing = sandbox.api("POST", "assignment_rules/", {"assignee": USER}, **old)
        assert (missing.status_code, missing.json()) == (400, {"error": "Filters are required"})
        assert sandbox.api("POST", "assignment_rules/", {"filters": FILTERS}, **old).json() == {
            "error": "Assignee is required"
        }
        assert sandbox.api("POST", "assignment_rules/", GOOD | {"filters": {"x": 1}}, **old).status_code == 500
        rule = sandbox.api("POST", "assignment_rules/", GOOD | {"order_key": 9}, **old).json()
        assert list(rule) == ["id", "filters", "assignee", "order_key", "disabled_data"]
        assert rule["order_key"] == 0
        disabled = sandbox.api("GET", "assignment_rules/?offset=3&limit=1", **old).json()["results"][0]
        assert disabled["disabled_data"] is not None
        sandbox.api("PATCH", f"assignment_rules/{disabled['id']}/", {"assignee": USER}, **old)
        assert sandbox.api("GET", f"assignment_rules/{disabled['id']}/", **old).json() == disabled | {"assignee": USER}
        refused = sandbox.api("PATCH", "assignment_rules/reorder/", {"orders": {}}, **old)
        assert refused.status_code == 403
        assert refused.json()["detail"] == "This action does not support Personal API Key access"
        assert sandbox.api("GET", "assignment_rules/no-uuid/", **old).status_code == 404
        fingerprint = sandbox.api("GET", "fingerprints/?limit=1", **old).json()["results"][0]
        assert list(fingerprint) == ["fingerprint", "issue_id", "created_at"]


def test_fingerprints_are_listed_oldest_first_and_by_issue(running: SandboxProcess) -> None:
    records = running.api("GET", "fingerprints/").json()["results"]
    issue = records[0]["issue_id"]

    assert [record["created_at"] for record in records] == sorted(record["created_at"] for record in records)
    own = running.api("GET", f"fingerprints/?issue_id={issue}").json()["results"]
    assert own == [record for record in records if record["issue_id"] == issue]
    assert len(own) == 2
    assert running.api("GET", f"fingerprints/?issue_id={UNKNOWN}").json()["results"] == []
    assert running.api("GET", "fingerprints/?issue_id=").json()["count"] == len(records)
    wrong = running.api("GET", "fingerprints/?issue_id=x")
    assert (wrong.status_code, wrong.json()["detail"]) == (400, "issue_id must be a valid UUID")


def test_one_fingerprint(running: SandboxProcess) -> None:
    record = running.api("GET", "fingerprints/?limit=1").json()["results"][0]

    assert running.api("GET", f"fingerprints/{record['id']}/").json() == record
    text = {"fingerprint": record["fingerprint"]}
    assert running.api("GET", "fingerprints/resolve", params=text).json() == record
    for path, status, detail in (
        ("fingerprints/x/", 400, "Invalid fingerprint id"),
        (f"fingerprints/{UNKNOWN}/", 404, "Fingerprint not found"),
        ("fingerprints/resolve", 400, "fingerprint query parameter is required"),
        ("fingerprints/resolve?fingerprint=x", 404, "Fingerprint not found"),
    ):
        answer = running.api("GET", path)
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert running.api("DELETE", f"fingerprints/{record['id']}/").status_code == 403


def test_issues_as_far_as_fingerprints_need_them(running: SandboxProcess) -> None:
    records = running.api("GET", "fingerprints/").json()["results"]
    first, other = records[0], next(one for one in records if one["issue_id"] != records[0]["issue_id"])

    assert running.api("GET", f"issues/{first['issue_id']}/").json()["id"] == first["issue_id"]
    params = {"fingerprint": other["fingerprint"]}
    moved = running.api("GET", f"issues/{first['issue_id']}/", params=params)
    assert (moved.status_code, moved.json()) == (308, {"issue_id": other["issue_id"]})
    assert "location" not in moved.headers
    assert running.api("GET", f"issues/{UNKNOWN}/").json()["detail"] == "Issue not found"
    assert running.api("GET", "issues/exists/").json() == {"exists": True}


def test_two_processes_on_one_folder_lose_no_write(tmp_path: Any) -> None:
    seed = {"projects": [{"id": 1}], "keys": [{"value": FULL}]}
    with (
        SandboxProcess(seed, "--data", str(tmp_path)) as one,
        SandboxProcess(seed, "--data", str(tmp_path)) as other,
    ):
        rule = one.api("POST", "assignment_rules/", GOOD).json()

        def write(sandbox: SandboxProcess) -> None:
            for _ in range(20):
                assert sandbox.api("POST", "assignment_rules/", GOOD).status_code == 201

        threads = [threading.Thread(target=write, args=(sandbox,)) for sandbox in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert other.api("GET", "assignment_rules/?limit=100").json()["count"] == 41
        assert other.api("GET", f"assignment_rules/{rule['id']}/").json() == rule
