"""Settings, spike detection and the spikes that were seen (contract 6.10, 6.11)."""

from typing import Any

import pytest

from tests.sandbox.answers import NO_READ, NO_WRITE, Answer, ask, choice, invalid, no_method, null
from tests.sandbox_process import READ_ONLY, SandboxProcess

LIMITS: dict[str, Any] = {
    "project_rate_limit_value": None,
    "project_rate_limit_bucket_size_minutes": None,
    "per_issue_rate_limit_value": None,
    "per_issue_rate_limit_bucket_size_minutes": None,
    "autocapture_exceptions_opt_in": True,
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


def test_a_limit_can_be_lifted_and_autocapture_switched_off(fresh: SandboxProcess) -> None:
    write = "PATCH settings/update_settings/"
    ask(fresh, write, {"per_issue_rate_limit_value": 7})
    change = {"per_issue_rate_limit_value": None, "autocapture_exceptions_opt_in": False}
    assert ask(fresh, write, change) == (200, LIMITS | change)


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
        (
            PLACES[0][1],
            {"autocapture_exceptions_opt_in": "perhaps"},
            invalid("invalid_input", "Must be a valid boolean.", "autocapture_exceptions_opt_in"),
        ),
        (PLACES[1][1], {"threshold": 0}, invalid("min_value", LEAST, "threshold")),
        (PLACES[1][1], {"threshold": None}, null("threshold")),
        (PLACES[1][1], {"multiplier": 1.5}, invalid("invalid_input", "A valid integer is required.", "multiplier")),
        ("POST settings/update_settings/", {}, no_method("POST")),
        ("GET spike_events/?order_by=name", None, choice("name", "order_by")),
        ("GET spike_events/?date_from=soon", None, invalid("invalid_input", "Invalid date: soon", "date_from")),
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
        ("issue_ids=unknown", []),
    ],
)
def test_spikes(running: SandboxProcess, query: str, values: list[int]) -> None:
    issues = running.api("GET", "issues/").json()["results"]
    wanted = query.format(issues[12]["id"], issues[3]["id"])

    page = running.api("GET", f"spike_events/?{wanted}").json()

    assert [one["current_bucket_value"] for one in page["results"]] == values
    for one in page["results"]:
        assert list(one) == ["id", "issue", "detected_at", "computed_baseline", "current_bucket_value"]
        assert list(one["issue"]) == ["id", "name", "description"]
