"""The check of all rules: its requests, and a PostHog that lacks a kind."""

from typing import Any

import pytest

from mcp_errortracking.catalog import CATALOG, Outcome, Request, StepError

MATCHING = {"type": "AND", "values": [{"key": "$lib", "type": "event", "operator": "exact", "value": "web"}]}
BROKEN = {"type": "AND", "values": [{"key": "$lib", "type": "event", "operator": "regex", "value": "(?=x)"}]}
DISABLED = {"message": "Invalid regex (?=x)", "props": {"email": "alice@example.com"}}


def walk(arguments: dict[str, Any], answers: dict[str, Any]) -> tuple[list[Request], Outcome]:
    steps = CATALOG["error-tracking-rules-check"].model_validate(arguments).steps()
    requests = [next(steps)]
    while True:
        answer = answers.get(requests[-1].path.split("/")[1], {"results": []})
        try:
            requests.append(steps.throw(answer) if isinstance(answer, StepError) else steps.send(answer))
        except StopIteration as stop:
            return requests, stop.value


def test_every_kind_is_read_and_the_worst_comes_first() -> None:
    first = {"id": "one", "order_key": 0, "filters": MATCHING, "assignee": {"type": "user", "id": 1}}
    second = {"id": "two", "order_key": 1, "filters": BROKEN, "disabled_data": DISABLED, "assignee": {"type": "role"}}
    third = {"id": "three", "order_key": 2, "filters": MATCHING, "assignee": {"type": "user", "id": 2}}

    requests, outcome = walk({}, {"assignment_rules": {"results": [first, second, third]}})

    assert [(request.method, request.path) for request in requests] == [
        ("GET", f"error_tracking/{kind}_rules/")
        for kind in ("assignment", "grouping", "suppression", "bypass", "severity")
    ]
    found = [(row["rule"], row["level"], row["order_key"]) for row in outcome.data["results"]]
    assert found[:3] == [("two", "error", 1), ("two", "error", 1), ("three", "warning", 2)]
    assert outcome.notes == [
        f"3 rules checked, {len(found)} findings.",
        "Whether the assignees still exist is not checked: error-tracking-directory-list lists those that do.",
    ]
    assert "alice" not in str(outcome.data)


def test_a_kind_that_an_older_posthog_lacks_is_named() -> None:
    gone = StepError("not found", status=404, code="not_found")

    requests, outcome = walk({}, {"bypass_rules": gone, "severity_rules": gone})

    assert len(requests) == 5
    assert outcome.notes[1:] == ["This PostHog has no bypass rules.", "This PostHog has no severity rules."]
    assert [request.path for request in walk({"kind": "bypass"}, {})[0]] == ["error_tracking/bypass_rules/"]


def test_another_failure_fails_the_check() -> None:
    for status, kind in ((403, "grouping_rules"), (404, "assignment_rules"), (500, "severity_rules")):
        with pytest.raises(StepError):
            walk({}, {kind: StepError("no", status=status)})


@pytest.mark.parametrize(
    ("settings", "findings", "notes"),
    [
        ({"project_rate_limit_value": None, "per_issue_rate_limit_value": None}, 1, 0),
        ({}, 1, 0),
        ({"project_rate_limit_value": None, "per_issue_rate_limit_value": 5}, 0, 0),
        ({"project_rate_limit_value": 5}, 0, 0),
        (StepError("not found", status=404, code="not_found"), 0, 1),
    ],
)
def test_bypass_rules_need_a_limit_to_bypass(settings: Any, findings: int, notes: int) -> None:
    bypass = {"results": [{"id": "one", "order_key": 0, "filters": MATCHING}]}

    requests, outcome = walk({"kind": "bypass"}, {"bypass_rules": bypass, "settings": settings})

    assert [(request.method, request.path) for request in requests] == [
        ("GET", "error_tracking/bypass_rules/"),
        ("GET", "error_tracking/settings/retrieve_settings/"),
    ]
    assert len([row for row in outcome.data["results"] if "has no rate limit" in row["finding"]]) == findings
    assert len([note for note in outcome.notes if "whether bypass rules have an effect" in note]) == notes


def test_limits_that_the_key_may_not_read_fail_the_check() -> None:
    bypass = {"results": [{"id": "one", "order_key": 0, "filters": MATCHING}]}
    with pytest.raises(StepError):
        walk({"kind": "bypass"}, {"bypass_rules": bypass, "settings": StepError("no", status=403)})
