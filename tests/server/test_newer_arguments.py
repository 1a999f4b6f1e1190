"""Arguments and answers of the newest PostHog: what is sent, what the text says, and the next step after an error."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.test_calls import Sender

pytestmark = pytest.mark.anyio


def uid(number: int) -> str:
    return f"01936f2e-7a51-7000-8000-{number:012x}"


ISSUE, QUIET, OTHER, UNKNOWN = uid(1), uid(2), uid(3), uid(0xDEAD)
CREATED, SPIKING = uid(10), uid(11)


def alert(alert_id: str, trigger: str) -> dict[str, Any]:
    events = [{"id": f"$error_tracking_issue_{trigger}", "type": "events"}]
    return {"id": alert_id, "type": "internal_destination", "name": trigger, "filters": {"events": events}}


SEED: dict[str, Any] = {
    "server": {"now": "2026-11-20T12:00:00Z"},
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}],
    "integrations": [{"id": 7, "kind": "github", "display_name": "acme"}],
    "issues": [
        {"id": ISSUE, "name": "TypeError", "fingerprints": ["f1", "f2"]},
        {"id": QUIET, "name": "Quiet", "fingerprints": ["f3"]},
        {"id": OTHER, "name": "Other", "fingerprints": ["f4"]},
    ],
    "events": [
        {
            "fingerprint": "f1",
            "timestamp": "2026-11-20T11:00:00Z",
            "session": "s1",
            "properties": {"$pathname": '/a", "/b" 99', "$lib": "web", "$browser": "Firefox"},
        },
        {
            "fingerprint": "f1",
            "timestamp": "-1d",
            "session": "s1",
            "properties": {"$pathname": "/cart", "$lib": "web", "$browser": "Firefox"},
        },
    ],
    "symbol_sets": [{"ref": f"chunk-{n}"} for n in range(3)],
    "hog_functions": [alert(CREATED, "created"), alert(SPIKING, "spiking")],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture(autouse=True)
def as_seeded(sandbox: SandboxProcess) -> None:
    sandbox.reset()


async def ask(sandbox: SandboxProcess, tool: str, arguments: dict[str, Any]) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1", limits=Limits(backoff=0.001)) as proxy:
        return await call_tool(proxy, tool, arguments, time_limit=20)


def with_features(**features: Any) -> dict[str, Any]:
    return {**SEED, "server": {**SEED["server"], "features": features}}


async def test_a_breakdown_is_a_line_for_each_dimension(sandbox: SandboxProcess) -> None:
    arguments = {"issueId": ISSUE, "includeBreakdown": True, "dateRange": {"date_from": "-60d"}}

    reply = await ask(sandbox, "query-error-tracking-issue", arguments)

    assert sandbox.journal()[-1]["body"] == arguments
    lines = [line.strip() for line in reply.text.splitlines()]
    begin = lines.index("top_values:")
    assert lines[begin - 1 : begin + 4] == [
        'breakdown: {"date_from":"2026-10-21T12:00:00Z","date_to":"2026-11-20T12:00:00Z","range_limited":true,'
        '"occurrences":2,"sample_session_ids":["s1"]}',
        "top_values:",
        r'path: "/a\", \"/b\" 99" 1, "/cart" 1',  # a value cannot pass for another value, or for a number
        'browser: "Firefox" 2',
        'library: "web" 2',
    ]
    assert "Note: The breakdown covers no more than the last 30 days of the range." in lines
    assert reply.structured["breakdown"]["top_values"]["browser"] == [{"value": "Firefox", "count": 2}]


async def test_an_issue_without_events_has_no_breakdown(sandbox: SandboxProcess) -> None:
    reply = await ask(sandbox, "query-error-tracking-issue", {"issueId": QUIET, "includeBreakdown": True})

    assert "breakdown" not in reply.structured
    assert "Note: No event in this range, so PostHog sent no counts" in reply.text
    assert "too old" not in reply.text


async def test_a_posthog_without_breakdowns_is_named() -> None:
    with SandboxProcess({**SEED, "server": {**SEED["server"], "age": "2026-06"}}) as sandbox:
        asked = await ask(sandbox, "query-error-tracking-issue", {"issueId": ISSUE, "includeBreakdown": True})
        plain = await ask(sandbox, "query-error-tracking-issue", {"issueId": ISSUE})

    assert "Note: This PostHog sent no breakdown: it is too old for includeBreakdown (autumn 2026)." in asked.text
    assert "breakdown" not in plain.text


@pytest.mark.parametrize(
    "breakdown",
    [
        None, [], "x", {}, {"top_values": 7}, {"top_values": {"path": None}}, {"top_values": {"path": [7, {}]}},
        {"range_limited": "yes", "top_values": {}}, {"top_values": {f"d{n}": [{"value": n}] * 9 for n in range(99)}},
    ],
)  # fmt: skip
async def test_a_breakdown_of_an_unknown_shape_breaks_nothing(breakdown: Any) -> None:
    sender = Sender({"id": ISSUE, "name": "TypeError", "impact": {"occurrences": 2.0}, "breakdown": breakdown})

    reply = await call_tool(
        sender, "query-error-tracking-issue", {"issueId": ISSUE, "includeBreakdown": True}, time_limit=5
    )

    assert not reply.is_error
    assert "occurrences: 2" in reply.text
    assert len(reply.text) < 1500


async def test_a_failed_breakdown_says_what_to_leave_out() -> None:
    with SandboxProcess(with_features(breakdown_fails=True)) as sandbox:
        reply = await ask(sandbox, "query-error-tracking-issue", {"issueId": ISSUE, "includeBreakdown": True})

    assert (reply.is_error, reply.structured["error"]["code"]) == (True, "no_breakdown")
    assert "PostHog says: The issue breakdown could not be calculated." in reply.text
    assert "Call again without includeBreakdown" in reply.text


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query-error-tracking-issues-list", {}),
        ("query-error-tracking-issue", {"issueId": ISSUE}),
        ("query-error-tracking-issue-events", {"issueId": ISSUE}),
    ],
)
async def test_a_spent_budget_is_said_once_with_its_time(tool: str, arguments: dict[str, Any]) -> None:
    with SandboxProcess(with_features(query_budget_spent=True)) as sandbox:
        reply = await ask(sandbox, tool, arguments)

        assert [entry["status"] for entry in sandbox.journal()] == [429]
        assert not (await ask(sandbox, "error-tracking-issues-list", {})).is_error
    assert (reply.structured["error"]["code"], reply.structured["error"]["retry_after"]) == (
        "api_queries_budget_exceeded",
        1800,
    )
    assert reply.text.startswith("The hourly budget of this project for queries with API keys is spent.")
    assert "Retry after 1800 s, with a shorter date range." in reply.text


async def test_a_list_of_symbol_sets_without_their_count(sandbox: SandboxProcess) -> None:
    counted = await ask(sandbox, "error-tracking-symbol-sets-list", {"limit": 2})
    bare = await ask(sandbox, "error-tracking-symbol-sets-list", {"limit": 2, "include_count": False})

    assert [entry["query"].get("include_count") for entry in sandbox.journal()] == [None, "false"]
    assert counted.text.startswith("2 of 3; next page: offset 2\n")
    assert bare.text.startswith("2 rows; next page: offset 2\n")
    assert bare.structured == {**counted.structured, "count": None}


@pytest.mark.parametrize("as_text", [False, True])
async def test_alerts_by_their_trigger(sandbox: SandboxProcess, as_text: bool) -> None:
    filters = {"events": [{"id": "$error_tracking_issue_spiking"}]}

    reply = await ask(
        sandbox, "error-tracking-alerts-list", {"filters": json.dumps(filters) if as_text else filters, "enabled": True}
    )

    (entry,) = sandbox.journal()
    assert json.loads(entry["query"]["filters"]) == filters
    assert (entry["query"]["enabled"], entry["query"]["type"]) == ("true", "internal_destination")
    assert [row["id"] for row in reply.structured["results"]] == [SPIKING]


async def test_no_filters_of_alerts_are_not_sent(sandbox: SandboxProcess) -> None:
    reply = await ask(sandbox, "error-tracking-alerts-list", {"filters": {}})

    assert "filters" not in sandbox.journal()[0]["query"]
    assert {row["id"] for row in reply.structured["results"]} == {CREATED, SPIKING}


async def test_polling_recommendations_creates_none(sandbox: SandboxProcess) -> None:
    first = await ask(sandbox, "error-tracking-recommendations-list", {"poll": True})
    second = await ask(sandbox, "error-tracking-recommendations-list", {})
    third, fourth = [await ask(sandbox, "error-tracking-recommendations-list", {"poll": True}) for _ in range(2)]

    assert [entry["query"].get("poll") for entry in sandbox.journal()] == ["true", None, "true", "true"]
    assert (first.structured["count"], third.structured["count"]) == (0, 5)
    assert "Note: None yet: a list without poll makes PostHog create them." in first.text
    assert "Note: computing: list them again in a minute, with poll true." in second.text
    assert "computing" not in fourth.text


async def test_a_refresh_computes_again_what_is_computed(sandbox: SandboxProcess) -> None:
    lists = [await ask(sandbox, "error-tracking-recommendations-list", {}) for _ in range(3)]
    done = lists[-1].structured["results"][0]
    assert (done["status"], done["computed_at"] is None) == ("ready", False)

    reply = await ask(sandbox, "error-tracking-recommendations-refresh-create", {"id": done["id"]})

    assert sandbox.journal()[-1]["query"] == {"force": "true"}
    assert reply.structured["status"] == "computing"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("assign-partial-update", {"id": ISSUE}), ("bulk-create", {"action": "assign", "ids": [ISSUE]})],
)
@pytest.mark.parametrize("assignee", [{"type": "user", "id": 99}, {"type": "role", "id": UNKNOWN}])
async def test_an_assignee_of_another_organization(
    sandbox: SandboxProcess, tool: str, arguments: dict[str, Any], assignee: dict[str, Any]
) -> None:
    reply = await ask(sandbox, f"error-tracking-issues-{tool}", {**arguments, "assignee": assignee})

    assert reply.structured["error"]["code"] == "unknown_assignee"
    assert f"PostHog says: Assignee {assignee['type']} does not belong to this organization." in reply.text
    assert "Nothing was assigned. error-tracking-directory-list finds users and roles" in reply.text
    assert sandbox.api("GET", f"issues/{ISSUE}/").json()["assignee"] is None


async def test_a_history_says_each_change_in_short(sandbox: SandboxProcess) -> None:
    sandbox.api("PATCH", f"issues/{ISSUE}/", {"status": "resolved", "severity": "high"})
    sandbox.api("POST", f"issues/{ISSUE}/merge/", {"ids": [OTHER]})

    reply = await ask(sandbox, "error-tracking-issues-activity-retrieve", {"id": ISSUE})

    assert f'merged_issue_ids ["{OTHER}"]' in reply.text
    assert 'status "active" -> "resolved"; severity "high"' in reply.text
    assert 'ErrorTrackingIssue","action' not in reply.text
    assert "detail" not in reply.text
    assert reply.structured["results"][1]["detail"]["changes"][0]["before"] == "active"


@pytest.mark.parametrize(
    "entry",
    [
        7, {}, {"detail": None}, {"detail": []}, {"detail": {"changes": 7}},
        {"changes": "x", "detail": {"changes": []}},
        {"detail": {"changes": [7, {}, {"field": [], "before": {}, "after": 1.5}], "name": ["x"], "trigger": "cron"}},
    ],
)  # fmt: skip
async def test_a_history_of_an_unknown_shape_breaks_nothing(entry: Any) -> None:
    sender = Sender({"results": [entry, {"id": "e", "detail": {"changes": []}}], "total_count": 2})

    reply = await call_tool(sender, "error-tracking-issues-all-activity-retrieve", {}, time_limit=5)

    assert not reply.is_error
    assert reply.text.startswith("2 of 2\n")
    assert ("cron" in reply.text) == ("cron" in str(entry))


@pytest.mark.parametrize("given", ["-7d", "all", "yesterday"])
async def test_spikes_take_no_relative_dates(sandbox: SandboxProcess, given: str) -> None:
    wrong = await ask(sandbox, "error-tracking-spike-events-list", {"date_from": given})
    right = await ask(sandbox, "error-tracking-spike-events-list", {"date_to": "2026-06-01T00:00:00Z"})

    assert (wrong.is_error, right.is_error) == (True, False)
    expected = "- date_from: should be a time in ISO 8601, e.g. 2026-06-01T00:00:00Z"
    assert f'{expected}, got the string "{given}"; only queries read -7d\n' in wrong.text
    assert [entry["query"] for entry in sandbox.journal()] == [{"date_to": "2026-06-01T00:00:00Z"}]


async def test_an_alert_keeps_its_type(sandbox: SandboxProcess) -> None:
    reply = await ask(sandbox, "error-tracking-alerts-partial-update", {"id": CREATED, "type": "destination"})

    assert "PostHog says: Cannot modify the type of an existing function. Nothing was changed." in reply.text


async def test_a_throttled_search_may_be_the_trackers_limit() -> None:
    sender = Sender(PostHogError("Throttled.", "Too many.", "Retry after 9 s.", status=429, code="throttled"))

    reply = await call_tool(
        sender, "error-tracking-external-references-search", {"integration_id": 7, "search": "x"}, time_limit=5
    )

    assert reply.is_error
    assert "The limit may be that of the tracker" in reply.text


async def test_a_split_says_what_it_deleted(sandbox: SandboxProcess) -> None:
    arguments = {"id": ISSUE, "fingerprints": [{"fingerprint": "f2"}]}

    split = await ask(sandbox, "error-tracking-issues-split-create", arguments)
    again = await ask(sandbox, "error-tracking-issues-split-create", arguments)

    said = "PostHog deleted the spike events of the split issue; new issues are active and unassigned."
    assert said in split.text
    assert said not in again.text
    assert sandbox.api("GET", f"issues/{split.structured['new_issue_ids'][0]}/").json()["name"] == "Untitled issue"


async def test_a_merge_that_came_too_late_says_to_call_again() -> None:
    with SandboxProcess(with_features(merge_conflicts=True)) as sandbox:
        reply = await ask(sandbox, "error-tracking-issues-merge-create", {"id": ISSUE, "ids": [OTHER]})

    assert reply.structured["error"]["code"] == "merge_conflict"
    assert "Nothing was merged. Call again with the same arguments." in reply.text


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "says"),
    [
        (
            "search",
            {"integration_id": 9, "search": "x"},
            "unknown_integration",
            "error-tracking-directory-list lists integrations",
        ),
        ("search", {"integration_id": 7, "search": "x"}, "invalid_input", "A repository is required"),
        ("search", {"integration_id": 7, "search": "x", "repository": "a/b"}, "invalid_input", "without an owner"),
        (
            "link",
            {"integration_id": 9, "issue": ISSUE, "external_context": {}},
            "unknown_integration",
            "error-tracking-directory-list",
        ),
        ("link", {"integration_id": 7, "issue": UNKNOWN, "external_context": {}}, "unknown_issue", "Find the issue"),
        ("create", {"integration_id": 9, "issue": ISSUE, "config": {"title": "x"}}, "unknown_integration", "lists"),
    ],
)
async def test_what_a_tracker_needs_is_not_an_old_posthog(
    sandbox: SandboxProcess, tool: str, arguments: dict[str, Any], code: str, says: str
) -> None:
    reply = await ask(sandbox, f"error-tracking-external-references-{tool}", arguments)

    assert (reply.is_error, reply.structured["error"]["code"]) == (True, code)
    assert says in reply.text
    assert "Upgrade" not in reply.text


async def test_a_hundred_severity_rules_are_the_most(sandbox: SandboxProcess) -> None:
    rule = {"severity": "low", "filters": {"type": "AND", "values": []}}
    for _ in range(100):
        assert sandbox.api("POST", "severity_rules/", rule).status_code == 201

    reply = await ask(sandbox, "error-tracking-severity-rules-create", rule)

    assert reply.structured["error"]["code"] == "too_many_rules"
    assert "PostHog says: A project can have at most 100 severity rules." in reply.text
    assert "change a rule, or delete one" in reply.text


async def test_an_alert_changed_meanwhile_is_to_be_read_again(sandbox: SandboxProcess) -> None:
    arguments = {"id": CREATED, "enabled": False, "base_updated_at": "2020-01-01T00:00:00Z"}

    reply = await ask(sandbox, "error-tracking-alerts-partial-update", arguments)

    assert (reply.is_error, reply.structured["error"]["status"]) == (True, 409)
    assert reply.text.startswith("The object was changed since it was read: HTTP 409.")
    assert "Read it again" in reply.text
