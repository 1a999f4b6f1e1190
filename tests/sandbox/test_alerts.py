"""Alerts of error tracking, and the hog functions that they are otherwise (contract 6.14)."""

from typing import Any

import pytest

from tests.sandbox.answers import (
    NO_KEY,
    NO_PATH,
    NO_READ,
    NO_WRITE,
    UNKNOWN,
    Answer,
    ask,
    choice,
    forbidden,
    invalid,
    not_found,
    null,
    required,
)
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess

SLACK = {"channel_type": "slack", "integration_id": 4, "config": {"channel": "C1"}}
GOOD: dict[str, Any] = {"name": "New", "triggers": ["issue_created"], "destinations": [SLACK]}
FIELDS = [
    "id",
    "name",
    "enabled",
    "triggers",
    "filters",
    "throttle_seconds",
    "destinations",
    "created_at",
    "updated_at",
]
UNAVAILABLE = forbidden("This feature is not available.")


def test_filters_are_read_back_with_their_bytecode(fresh: SandboxProcess) -> None:
    filters = {"properties": [{"key": "$lib", "type": "event", "operator": "exact", "value": "web"}]}
    compiled = {**filters, "bytecode": ["_H", 1, 29]}

    alert = ask(fresh, "POST alerts/", {**GOOD, "filters": filters})[1]

    assert alert["filters"] == compiled
    assert ask(fresh, f"PATCH alerts/{alert['id']}/", {"filters": compiled})[1]["filters"] == compiled
    assert ask(fresh, f"PATCH alerts/{alert['id']}/", {"filters": {}})[1]["filters"] == {}


def test_an_alert_from_its_creation_to_its_end(fresh: SandboxProcess) -> None:
    status, alert = ask(fresh, "POST alerts/", GOOD)

    assert (status, list(alert)) == (201, FIELDS)
    assert (alert["enabled"], alert["filters"], alert["throttle_seconds"]) == (True, {}, 0)
    (destination,) = alert["destinations"]
    history = {
        "last_delivered_at": None,
        "last_failure_at": None,
        "last_error": "",
        "consecutive_failures": 0,
        "created_at": alert["created_at"],
        "updated_at": alert["created_at"],
    }
    times = {name: destination[name] for name in ("created_at", "updated_at")}
    assert destination == {"id": destination["id"], **SLACK, **history, **times}
    assert ask(fresh, f"GET alerts/{alert['id']}/") == (200, alert)
    page = fresh.api("GET", "alerts/").json()
    assert (page["count"], page["results"][0]) == (2, alert)  # the newest first

    status, changed = ask(fresh, f"PATCH alerts/{alert['id']}/", {"enabled": False, "throttle_seconds": "60"})
    same = {"enabled": False, "throttle_seconds": 60, "updated_at": changed["updated_at"]}
    assert (status, changed) == (200, alert | same)
    assert ask(fresh, f"PATCH alerts/{alert['id']}/", {}) == (200, changed)
    other = {**SLACK, "config": {"channel": "C2"}}
    renamed = {**SLACK, "config": {"channel": "C1", "channel_name": "errors"}}
    moved = ask(fresh, f"PUT alerts/{alert['id']}/", {**GOOD, "destinations": [other, renamed]})[1]
    assert [one["config"] for one in moved["destinations"]] == [other["config"], renamed["config"]]
    assert moved["destinations"][1]["id"] == destination["id"]
    # PUT replaces the whole alert.
    assert (moved["enabled"], moved["throttle_seconds"]) == (True, 0)
    assert ask(fresh, f"PUT alerts/{alert['id']}/", {"enabled": False}) == required("name")
    assert ask(fresh, "DELETE alerts/no-uuid/") == not_found()
    assert ask(fresh, f"DELETE alerts/{alert['id']}/") == (204, None)
    assert ask(fresh, f"GET alerts/{alert['id']}/") == not_found()


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"name": None}, null("name")),
        ({"name": " "}, invalid("blank", "This field may not be blank.", "name")),
        (
            {"name": "x" * 401},
            invalid("max_length", "Ensure this field has no more than 400 characters.", "name"),
        ),
        ({"triggers": []}, invalid("empty", "This list may not be empty.", "triggers")),
        ({"triggers": ["issue_created", "issue_closed"]}, choice("issue_closed", "triggers__1")),
        (
            {"triggers": "issue_created"},
            invalid("not_a_list", 'Expected a list of items but got type "str".', "triggers"),
        ),
        ({"destinations": []}, invalid("empty", "This list may not be empty.", "destinations")),
        ({"destinations": [{"channel_type": "email"}]}, choice("email", "destinations__0__channel_type")),
        ({"enabled": "on"}, invalid("invalid_input", "Must be a valid boolean.", "enabled")),
        ({"filters": []}, invalid("invalid_input", "Alert filters must be an object.")),
        (
            {"filters": {"actions": [], "filter_test_accounts": True}},
            invalid("invalid_input", "Alert filters do not support actions, filter_test_accounts."),
        ),
        (
            {"filters": {"events": [{"id": "x", "type": "actions"}]}},
            invalid("invalid_input", "Alert event filters must have type events, got: actions."),
        ),
        ({"filters": {"properties": {}}}, invalid("invalid_input", "Alert property filters must be a list.")),
        (
            {"filters": {"properties": [{"value": 1}]}},
            invalid("invalid_input", "Each alert property filter must be an object with a key."),
        ),
        (
            {"filters": {"properties": [{"key": "email", "type": "person", "operator": "exact", "value": "a"}]}},
            invalid("invalid_input", "Invalid filter configuration: type person is not supported"),
        ),
        (
            {"filters": {"properties": [{"key": "n", "type": "event", "operator": "between", "value": [2, 1]}]}},
            invalid("invalid_input", "Invalid filter configuration: operator between with this value"),
        ),
        ({"destinations": [SLACK, SLACK]}, invalid("invalid_input", "Duplicate destinations are not allowed.")),
        (
            {"destinations": [{**SLACK, "config": "C1"}]},
            invalid("invalid_input", "Destination config must be an object."),
        ),
        (
            {"destinations": [{**SLACK, "integration_id": None}]},
            invalid("invalid_input", "Slack destinations require an integration."),
        ),
        (
            {"destinations": [{**SLACK, "integration_id": 7}]},  # one of GitHub
            invalid("invalid_input", "Slack integration not found for this project."),
        ),
        (
            {"destinations": [{**SLACK, "config": {"channel": 1}}]},
            invalid("invalid_input", "Slack destinations require a channel id string in the config."),
        ),
        (
            {"destinations": [{**SLACK, "config": {"channel": "C1", "reply_broadcast": 1}}]},
            invalid("invalid_input", "reply_broadcast must be a boolean."),
        ),
        (
            {"throttle_seconds": -1},
            invalid("min_value", "Ensure this value is greater than or equal to 0.", "throttle_seconds"),
        ),
        (
            {"throttle_seconds": 2592001},
            invalid("max_value", "Ensure this value is less than or equal to 2592000.", "throttle_seconds"),
        ),
    ],
)
def test_what_an_alert_may_not_be(running: SandboxProcess, change: dict[str, Any], answer: Answer) -> None:
    (before,) = running.api("GET", "alerts/").json()["results"]

    assert ask(running, "POST alerts/", GOOD | change) == answer
    assert ask(running, f"PATCH alerts/{before['id']}/", change) == answer
    assert running.api("GET", "alerts/").json()["results"] == [before]


def test_what_an_alert_needs_and_who_may(running: SandboxProcess) -> None:
    for name in ("name", "triggers", "destinations"):
        assert ask(running, "POST alerts/", {k: v for k, v in GOOD.items() if k != name}) == required(name)
    assert ask(running, f"PATCH alerts/{UNKNOWN}/", {}) == not_found()
    assert ask(running, "POST alerts/", GOOD, key=READ_ONLY) == NO_WRITE
    assert ask(running, "GET alerts/", key="phx_sandbox_nothing_key") == NO_READ


def functions(sandbox: SandboxProcess, method: str, path: str = "", body: Any = None, key: str = FULL) -> Answer:
    url = f"{sandbox.url}/api/projects/1/hog_functions/{path}"
    headers = {"Authorization": f"Bearer {key}"}
    answer = sandbox.http.request(method, url, headers=headers, **({} if body is None else {"json": body}))
    return answer.status_code, answer.json() if answer.content else None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["New issues to Slack", "Purchases to warehouse", "Spikes to on call", "Drop bot traffic"]),
        ("?type=destination,transformation", ["Purchases to warehouse", "Drop bot traffic"]),
        ("?enabled=false", ["Spikes to on call"]),
        ("?type=internal_destination&enabled=true", ["New issues to Slack"]),
        ("?limit=1&offset=2", ["Spikes to on call"]),
        (f"?id={UNKNOWN}", []),
        ("?enabled=true,false&type=internal_destination", ["New issues to Slack", "Spikes to on call"]),
        ("?search=BOT", ["Drop bot traffic"]),
        ('?filters={"events":[{"id":"$error_tracking_issue_created"}]}', ["New issues to Slack"]),
        ('?filters={"events":[{"id":"$error_tracking_issue_created"}]}&enabled=false', []),
        ('?filters={"events":[{"id":"none"}]}', []),
        ("?filters={}", ["New issues to Slack", "Purchases to warehouse", "Spikes to on call", "Drop bot traffic"]),
    ],
)
def test_functions_are_listed(running: SandboxProcess, query: str, names: list[str]) -> None:
    status, page = functions(running, "GET", query)

    assert (status, [one["name"] for one in page["results"]]) == (200, names)
    for one in page["results"]:
        assert "inputs" not in one  # a list says less
        assert one["template"]["id"].startswith("template-")


def test_functions_in_full_and_filters_that_cannot_be_read(running: SandboxProcess) -> None:
    assert all("inputs" in one for one in functions(running, "GET", "?full=true")[1]["results"])
    assert functions(running, "GET", "?filters={") == invalid("invalid_input", "Invalid filters", "filters")


def test_a_function_from_its_creation_to_its_end(fresh: SandboxProcess) -> None:
    filters = {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]}
    body = {"type": "internal_destination", "name": "One", "filters": filters, "inputs": {"url": {"value": "x"}}}
    status, made = functions(fresh, "POST", body=body)

    assert status == 201
    assert {name: made[name] for name in body} == body
    assert made["enabled"] is False
    assert (made["template"], made["status"]) == (None, None)
    assert functions(fresh, "GET", f"{made['id']}/") == (200, made)
    moved = functions(fresh, "PATCH", f"{made['id']}/", {"type": "destination"})
    assert moved == invalid("invalid_input", "Cannot modify the type of an existing function", "type")
    stale = functions(fresh, "PATCH", f"{made['id']}/", {"name": "Two", "base_updated_at": "2020-01-01T00:00:00Z"})
    assert stale[0] == 409
    assert functions(fresh, "DELETE", f"{made['id']}/") == NO_KEY
    status, changed = functions(fresh, "PATCH", f"{made['id']}/", {"enabled": True, "id": UNKNOWN, "template_id": ""})
    assert (status, changed) == (200, made | {"enabled": True, "updated_at": changed["updated_at"]})
    assert functions(fresh, "PATCH", f"{made['id']}/", {"filters": None})[1]["filters"] == {}
    assert functions(fresh, "PATCH", f"{made['id']}/", {"deleted": True})[0] == 200
    assert functions(fresh, "GET", f"{made['id']}/") == not_found()
    assert functions(fresh, "PATCH", f"{made['id']}/", {"enabled": True}) == not_found()
    assert made["id"] not in [one["id"] for one in functions(fresh, "GET")[1]["results"]]
    assert functions(fresh, "PATCH", f"{made['id']}/", {"deleted": False})[1]["name"] == "One"
    assert functions(fresh, "GET", f"{made['id']}/")[0] == 200


def test_a_function_of_no_type_is_a_destination(fresh: SandboxProcess) -> None:
    status, made = functions(fresh, "POST", body={"name": "x"})

    assert (status, made["type"], made["enabled"]) == (201, "destination", False)


def test_functions_have_scopes_of_their_own(running: SandboxProcess) -> None:
    assert functions(running, "GET", "no-uuid/") == not_found()
    for method, path, scope in (("GET", "", "read"), ("POST", "", "write"), ("PATCH", f"{UNKNOWN}/", "write")):
        refused = functions(running, method, path, None if method == "GET" else {}, READ_ONLY)
        assert refused == forbidden(f"API key missing required scope 'hog_function:{scope}'")


def test_alerts_are_behind_a_flag_and_unknown_to_older_servers() -> None:
    with SandboxProcess({"projects": [{"id": 1}]}) as sandbox:
        for request_, body in (
            ("GET alerts/", None),
            ("POST alerts/", GOOD),
            (f"GET alerts/{UNKNOWN}/", None),
            (f"PATCH alerts/{UNKNOWN}/", {}),
            (f"DELETE alerts/{UNKNOWN}/", None),
        ):
            assert ask(sandbox, request_, body) == UNAVAILABLE
        assert ask(sandbox, "GET alerts/x/y/") == NO_PATH
