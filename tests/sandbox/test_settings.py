"""Settings, spike detection and the spikes that were seen (contract 6.10, 6.11)."""

from typing import Any

import pytest

from mcp_errortracking.sandbox.clock import derived_id
from tests.sandbox.answers import NO_KEY, NO_READ, NO_WRITE, Answer, ask, choice, invalid, null
from tests.sandbox_process import READ_ONLY, SandboxProcess

LIMITS: dict[str, Any] = {
    "project_rate_limit_value": None,
    "project_rate_limit_bucket_size_minutes": None,
    "per_issue_rate_limit_value": None,
    "per_issue_rate_limit_bucket_size_minutes": None,
}
DETECTION = {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500}
PLACES = [
    ("GET settings/retrieve_settings/", "PATCH settings/update_settings/", LIMITS),
    ("GET spike_detection_config/", "PATCH spike_detection_config/update_config/", DETECTION),
]


@pytest.mark.parametrize(("read", "write", "defaults"), PLACES)
def test_what_is_given_changes_and_the_rest_stays(
    fresh: SandboxProcess, read: str, write: str, defaults: dict[str, Any]
) -> None:
    first, second, *_ = defaults

    assert ask(fresh, read) == (200, defaults)
    assert ask(fresh, write, {first: 7, "unknown": 1}) == (200, defaults | {first: 7})
    assert ask(fresh, write, {second: "8"}) == (200, defaults | {first: 7, second: 8})
    assert ask(fresh, write, {}) == (200, defaults | {first: 7, second: 8})
    assert ask(fresh, read) == (200, defaults | {first: 7, second: 8})
    assert ask(fresh, read, form="projects/2") == (200, defaults)


def test_a_limit_can_be_lifted(fresh: SandboxProcess) -> None:
    write = "PATCH settings/update_settings/"
    ask(fresh, write, {"per_issue_rate_limit_value": 7})
    change = {"per_issue_rate_limit_value": None, "autocapture_exceptions_opt_in": False}  # gone since 2026
    assert ask(fresh, write, change) == (200, LIMITS)


def test_a_branch_resolves_quiet_issues() -> None:
    seed = {
        "projects": [{"id": 1}, {"id": 2}],
        "server": {"features": {"auto_resolve": True}},
        "settings": [{"project_rate_limit_value": 5, "auto_resolve_after_days": 30}],
        "spike_detection": [{"project": 2, "threshold": 9}],
    }
    write = "PATCH settings/update_settings/"
    with SandboxProcess(seed) as sandbox:
        held = LIMITS | {"project_rate_limit_value": 5, "auto_resolve_after_days": 30}
        assert ask(sandbox, PLACES[0][0]) == (200, held)
        most = invalid("max_value", "Ensure this value is less than or equal to 365.", "auto_resolve_after_days")
        assert ask(sandbox, write, {"auto_resolve_after_days": 366}) == most
        off = held | {"auto_resolve_after_days": None}
        assert ask(sandbox, write, {"auto_resolve_after_days": None}) == (200, off)
        assert ask(sandbox, PLACES[1][0]) == (200, DETECTION)
        assert ask(sandbox, PLACES[1][0], form="projects/2") == (200, DETECTION | {"threshold": 9})


LEAST = "Ensure this value is greater than or equal to 1."


@pytest.mark.parametrize(
    ("request_", "body", "answer"),
    [
        (PLACES[0][1], {"project_rate_limit_value": 0}, invalid("min_value", LEAST, "project_rate_limit_value")),
        (
            PLACES[0][1],
            {"per_issue_rate_limit_value": "many"},
            invalid("invalid_input", "A valid integer is required.", "per_issue_rate_limit_value"),
        ),
        (PLACES[1][1], {"threshold": 0}, invalid("min_value", LEAST, "threshold")),
        (PLACES[1][1], {"threshold": None}, null("threshold")),
        (PLACES[1][1], {"multiplier": 1.5}, invalid("invalid_input", "A valid integer is required.", "multiplier")),
        ("POST settings/update_settings/", {}, NO_KEY),
        ("GET spike_events/?order_by=name", None, choice("name", "order_by")),
        ("GET spike_events/?date_from=-7d", None, invalid("invalid_input", "Invalid date: -7d", "date_from")),
        (
            "GET spike_events/?issue_ids=unknown",
            None,
            invalid("invalid_input", "Must be a valid UUID.", "issue_ids"),
        ),
    ],
)
def test_what_is_refused(running: SandboxProcess, request_: str, body: Any, answer: Answer) -> None:
    assert ask(running, request_, body) == answer
    assert [ask(running, read) for read, _, _ in PLACES] == [(200, LIMITS), (200, DETECTION)]


def test_scopes(running: SandboxProcess) -> None:
    for read, write, _ in PLACES:
        assert ask(running, read, key="phx_sandbox_nothing_key") == NO_READ
        assert ask(running, write, {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "GET spike_events/", key="phx_sandbox_nothing_key") == NO_READ


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", [612, 505, 540]),
        ("order_by=detected_at", [540, 505, 612]),
        ("order_by=-current_bucket_value", [612, 540, 505]),
        ("order_by=computed_baseline", [505, 612, 540]),
        ("date_from=2026-11-12T00:00:00Z", [612, 505]),
        ("date_to=2026-11-13", [505, 540]),
        ("date_from=2026-11-12&date_to=2026-11-13T00:00:00%2B00:00", [505]),
        ("limit=1&offset=1", [505]),
        ("issue_ids={0}", [612]),
        ("issue_ids={0},{1}", [612, 540]),
        ("issue_ids= {0} ,", [612]),
        ("issue_ids=&order_by=", [612, 505, 540]),
    ],
)
def test_spikes(running: SandboxProcess, query: str, values: list[int]) -> None:
    wanted = query.format(derived_id("issue", 12), derived_id("issue", 3))

    page = running.api("GET", f"spike_events/?{wanted}").json()

    assert [one["current_bucket_value"] for one in page["results"]] == values
    for one in page["results"]:
        assert list(one) == ["id", "issue", "detected_at", "computed_baseline", "current_bucket_value"]
        assert list(one["issue"]) == ["id", "name", "description"]
