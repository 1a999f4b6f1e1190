"""PostHog's own client against the sandbox: each of its 32 tools of error tracking, without complaint."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.catalog.official_arguments import ACCEPTED
from tests.clients.official_client import Answer, calling, run
from tests.sandbox.conftest import DEFAULT
from tests.sandbox_process import FULL, ROLE, SandboxProcess

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
FILTERS = {"type": "AND", "values": [{"key": "$browser", "type": "event", "operator": "exact", "value": "Chrome"}]}
OTHERS = {"type": "OR", "values": [{"key": "$os", "type": "event", "operator": "is_set"}]}
SPIKING = {"source": "internal-events", "events": [{"id": "$error_tracking_issue_spiking", "type": "events"}]}


@dataclass(frozen=True, slots=True)
class Ran:
    """The client's answers, by a name for each call, and the sandbox as it is after all of them."""

    answers: dict[str, Answer]
    tools: set[str]
    issues: list[dict[str, Any]]
    sandbox: SandboxProcess

    def data(self, name: str) -> Any:
        return self.answers[name].data()


def plan(issues: list[dict[str, Any]], fingerprints: dict[str, str], symbol_set: str) -> list[tuple[str, str]]:
    """The calls, each with its name; @3@ is the id that the call at place 3 answered."""
    calls = list[tuple[str, str]]()

    def add(name: str, tool: str, arguments: dict[str, Any] | None = None, *, as_text: bool = False) -> str:
        calls.append((name, calling(tool, arguments or {}, as_text=as_text)))
        return f"@{len(calls) - 1}@"

    def rules(kind: str, good: dict[str, Any], change: dict[str, Any]) -> None:
        prefix = f"error-tracking-{kind}-rules"
        rule = add(f"{kind} created", f"{prefix}-create", good)
        if kind != "assignment":  # of these the client has no update
            add(f"{kind} updated", f"{prefix}-update", {"id": rule, **change})
        add(f"{kind} listed", f"{prefix}-list")

    one, two, three, four = (issues[number]["id"] for number in (12, 4, 5, 0))
    rules("assignment", {"filters": FILTERS, "assignee": {"type": "user", "id": 1}, "order_key": 9}, {})
    rules("grouping", {"filters": FILTERS, "description": "One"}, {"filters": OTHERS})
    rules("suppression", {"filters": FILTERS, "sampling_rate": 0.5}, {"sampling_rate": 0.25})
    rules("bypass", {"filters": FILTERS}, {"filters": OTHERS})
    rules("severity", {"filters": FILTERS, "severity": "high"}, {"severity": "low"})
    alert = add(
        "alert created",
        "error-tracking-alerts-create",
        {"name": "Spikes", "type": "internal_destination", "template_id": "template-webhook", "filters": SPIKING},
    )
    add("alert updated", "error-tracking-alerts-partial-update", {"id": alert, "enabled": True})
    add("alerts with it", "error-tracking-alerts-list", {"type": ["internal_destination"]})
    add("alert deleted", "error-tracking-alerts-delete", {"id": alert})
    add("alerts without it", "error-tracking-alerts-list", {"type": ["internal_destination"]})
    add(
        "assigned", "error-tracking-issues-assign-partial-update", {"id": one, "assignee": {"type": "role", "id": ROLE}}
    )
    add("updated", "error-tracking-issues-partial-update", {"id": one, "status": "resolved", "severity": "low"})
    add("merged", "error-tracking-issues-merge-create", {"id": two, "ids": [three]})
    wanted = {"fingerprint": fingerprints[four], "name": "Split off"}
    add("split", "error-tracking-issues-split-create", {"id": four, "fingerprints": [wanted]})
    config = {"repository": "acme/web", "title": "Checkout", "body": "It fails."}
    reference = {"integration_id": 7, "issue": one, "config": config}
    add("referenced", "error-tracking-external-references-create", reference)
    add("settings updated", "error-tracking-settings-update", {"per_issue_rate_limit_value": 100})
    add("settings", "error-tracking-settings-get")
    add("recommendations", "error-tracking-recommendations-list", {"limit": 2})
    add("symbol sets", "error-tracking-symbol-sets-list", {"status": "invalid", "order_by": "ref"})
    add("symbol set", "error-tracking-symbol-sets-retrieve", {"id": symbol_set})
    add("download", "error-tracking-symbol-sets-download-retrieve", {"id": symbol_set})
    add("issues", "query-error-tracking-issues-list", {"status": "all", "orderBy": "users", "volumeResolution": 4})
    add("issue", "query-error-tracking-issue", {"issueId": one, "includeSparkline": True})
    stack = {"issueId": one, "include": ["exception", "stacktrace"], "onlyAppFrames": False, "limit": 2}
    add("events", "query-error-tracking-issue-events", stack)
    add("as text", "query-error-tracking-issues-list", {"limit": 3, "status": "all"}, as_text=True)
    add("unknown issue", "query-error-tracking-issue", {"issueId": UNKNOWN})
    add("unknown rule", "error-tracking-bypass-rules-update", {"id": UNKNOWN, "filters": FILTERS})
    add("no condition", "error-tracking-bypass-rules-create", {"filters": {"type": "AND", "values": []}})
    return calls


@pytest.fixture(scope="module")
def ran() -> Generator[Ran]:
    with SandboxProcess(DEFAULT) as sandbox:
        issues = sandbox.api("GET", "issues/").json()["results"]
        records = sandbox.api("GET", "fingerprints/").json()["results"]
        complete = sandbox.api("GET", "symbol_sets/?status=valid&order_by=created_at").json()["results"][0]
        calls = plan(issues, {one["issue_id"]: one["fingerprint"] for one in records}, complete["id"])
        answers = run(sandbox.url, FULL, [command for _, command in calls])
        tools = {command.split(" {")[0].split()[-1] for _, command in calls}
        yield Ran(dict(zip([name for name, _ in calls], answers, strict=True)), tools, issues, sandbox)


def without_links(value: Any) -> Any:
    """An answer without the addresses of PostHog's pages, which the client adds."""
    if isinstance(value, list):
        return [without_links(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    return {name: without_links(one) for name, one in value.items() if name != "_posthogUrl"}  # pyright: ignore[reportUnknownVariableType]


def test_every_tool_ran_and_only_the_wrong_calls_failed(ran: Ran) -> None:
    failed = {name for name, answer in ran.answers.items() if answer.error is not None}

    assert failed == {"unknown issue", "unknown rule", "no condition"}
    assert ran.tools == {tool for tool, _ in ACCEPTED}


@pytest.mark.parametrize("kind", ["assignment", "grouping", "suppression", "bypass", "severity"])
def test_rules_are_created_updated_and_listed(ran: Ran, kind: str) -> None:
    created = without_links(ran.data(f"{kind} created"))
    held = ran.sandbox.api("GET", f"{kind}_rules/{created['id']}/").json()

    assert created["filters"] == FILTERS
    changes: dict[str, dict[str, Any]] = {
        "assignment": {},
        "grouping": {"filters": OTHERS},
        "suppression": {"sampling_rate": 0.25},
        "bypass": {"filters": OTHERS},
        "severity": {"severity": "low"},
    }
    assert held == created | changes[kind] | {"updated_at": held["updated_at"]}
    assert held in without_links(ran.data(f"{kind} listed"))["results"]


def test_an_alert_comes_and_goes(ran: Ran) -> None:
    created = ran.data("alert created")
    shown = {one["id"]: one for one in ran.data("alerts with it")["results"]}

    assert (created["name"], created["filters"], created["enabled"]) == ("Spikes", SPIKING, False)
    assert shown[created["id"]]["enabled"] is True
    assert shown[created["id"]]["template"] == {"id": "template-webhook"}
    left = [one["id"] for one in ran.data("alerts without it")["results"]]
    assert sorted(left) == sorted(set(shown) - {created["id"]})


def test_issues_are_assigned_updated_merged_and_split(ran: Ran) -> None:
    now = {one["id"]: one for one in ran.sandbox.api("GET", "issues/").json()["results"]}
    one, two, three, four = (ran.issues[number]["id"] for number in (12, 4, 5, 0))

    assert ran.data("assigned")["success"] is True
    held = now[one]
    assert (held["assignee"], held["status"], held["severity"]) == ({"type": "role", "id": ROLE}, "resolved", "low")
    assert without_links(ran.data("updated"))["status"] == "resolved"
    assert ran.data("merged")["success"] is True
    assert two in now
    assert three not in now
    (made,) = ran.data("split")["new_issue_ids"]
    assert now[made]["name"] == "Split off"
    assert four in now
    (reference,) = held["external_issues"]
    assert without_links(ran.data("referenced")) == reference
    assert (reference["title"], reference["integration"]["id"]) == ("Checkout", 7)


def test_settings_recommendations_and_symbol_sets(ran: Ran) -> None:
    settings = ran.sandbox.api("GET", "settings/retrieve_settings/").json()
    assert settings["per_issue_rate_limit_value"] == 100
    assert without_links(ran.data("settings updated")) == without_links(ran.data("settings")) == settings
    assert [one["type"] for one in ran.data("recommendations")["results"]] == ["alerts", "long_running_issues"]
    assert [one["has_uploaded_file"] for one in ran.data("symbol sets")["results"]] == [False, False]
    assert ran.data("symbol set")["has_uploaded_file"] is True
    assert ran.sandbox.http.get(ran.data("download")["url"]).content.startswith(b"posthog_error_tracking")


def test_queries(ran: Ran) -> None:
    def ask(path: str, body: dict[str, Any]) -> Any:
        return ran.sandbox.api("POST", f"query/{path}/", body).json()

    one = ran.issues[12]["id"]
    body = {"status": "all", "orderBy": "users", "volumeResolution": 4, "limit": 25}
    assert [row["id"] for row in ran.data("issues")["results"]] == [row["id"] for row in ask("issues", body)["results"]]
    issue = ask("issue", {"issueId": one, "includeSparkline": True})
    assert {name: value for name, value in ran.data("issue").items() if name in issue} == issue
    stack = {"issueId": one, "include": ["exception", "stacktrace"], "onlyAppFrames": False, "limit": 2}
    assert without_links(ran.data("events"))["results"] == ask("issue_events", stack)["results"]
    for row in ask("issues", {"status": "all", "limit": 3})["results"]:
        assert row["id"] in ran.answers["as text"].output


def test_errors_reach_the_client_as_posthog_words_them(ran: Ran) -> None:
    assert "404" in (ran.answers["unknown issue"].error or "")
    assert "Not found" in (ran.answers["unknown rule"].error or "")
    assert "A bypass rule must have at least one filter." in (ran.answers["no condition"].error or "")
