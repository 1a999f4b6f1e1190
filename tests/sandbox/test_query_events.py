"""The events of an issue, and what every query refuses (contract 6.13)."""

from datetime import datetime
from typing import Any

import pytest

from mcp_errortracking.sandbox.clock import derived_id
from mcp_errortracking.sandbox.ranges import moment_of
from tests.sandbox.answers import NO_READ, UNKNOWN, Answer, ask, choice, invalid, required
from tests.sandbox.raw_events import USUAL, Event, all_events, event_filter
from tests.sandbox_process import READ_ONLY, SandboxProcess

TEXTS = "Expected a string or a non-empty list of strings."


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return all_events()


def one_event(sandbox: SandboxProcess, number: int, **body: Any) -> dict[str, Any]:
    status, answer = ask(sandbox, "POST query/issue_events/", {"issueId": derived_id("issue", number)} | body)
    assert status == 200, answer
    return answer["results"][0]


def test_events_in_order_and_in_pages(running: SandboxProcess, events: list[Event]) -> None:
    issue = derived_id("issue", 12)
    own = [event for event in events if event["origin"] == issue and all(test(event) for test in USUAL)]
    times = sorted(event["timestamp"] for event in own)

    def get(**body: Any) -> dict[str, Any]:
        return running.api("POST", "query/issue_events/", {"issueId": issue} | body).json()

    first = get()
    assert (first["limit"], first["offset"], first["hasMore"], first["nextOffset"]) == (1, 0, True, 1)
    assert [event["timestamp"] for event in get(limit=20)["results"]] == times[::-1][:20]
    assert [event["timestamp"] for event in get(limit=3, offset=2, orderDirection="ASC")["results"]] == times[2:5]
    last = get(limit=20, offset=len(own) - 1)
    assert (len(last["results"]), last["hasMore"], "nextOffset" in last) == (1, False, False)
    safari = get(limit=20, filterGroup=event_filter("$browser", "exact", "Safari"), include=["environment"])
    assert {event["properties"]["$browser"] for event in safari["results"]} == {"Safari"}
    assert get(searchQuery="/checkout", limit=1)["results"][0]["properties"]["$current_url"].endswith("/checkout")
    assert get(searchQuery="src/checkout.ts")["results"] == []  # only types, values and URLs are searched


def test_what_an_event_shows(running: SandboxProcess) -> None:
    usual = one_event(running, 0)
    assert list(usual) == ["uuid", "timestamp", "distinct_id", "properties"]
    properties = usual["properties"]
    assert properties["$exception_types"] == ["TypeError"]
    assert {"$lib", "$browser", "$os", "$current_url", "$session_id", "$exception_fingerprint"} <= set(properties)
    assert not {"$exception_releases", "$cymbal_errors"} & set(properties)
    assert "stacktrace" not in properties["$exception_list"][0]
    assert set(one_event(running, 0, include=["navigation"])["properties"]) == {"$current_url"}
    (release,) = one_event(running, 0, include=["release"])["properties"]["$exception_releases"].values()
    assert release["version"] in ("1.4.1", "1.4.2")
    diagnostics = one_event(running, 24, include=["diagnostics"])["properties"]
    assert diagnostics["$cymbal_errors"][0].startswith("No sourcemap uploaded for chunk id: ")


def test_a_stack_of_thirty_frames_and_its_cause(running: SandboxProcess) -> None:
    recent = {"dateRange": {"date_from": "-30d"}}
    whole = one_event(running, 6, include=["stacktrace"], onlyAppFrames=False, **recent)
    error, cause = whole["properties"]["$exception_list"]
    frames = error["stacktrace"]["frames"]

    assert (error["type"], cause["type"]) == ("IntegrityError", "psycopg.errors.UniqueViolation")
    assert (error["mechanism"]["type"], cause["mechanism"]["type"]) == ("generic", "chained")
    assert len(frames) == 30
    assert frames[0]["source"] == "gunicorn/workers/sync.py"  # the outermost call comes first
    assert frames[-1]["source"] == "psycopg/cursor.py"
    app = [frame for frame in frames if frame["in_app"]]
    assert len(app) == 5
    shown = one_event(running, 6, include=["stacktrace"], **recent)["properties"]["$exception_list"]
    assert shown[0]["stacktrace"]["frames"] == app
    save = app[-1]
    assert (save["resolved_name"], save["line"], save["lang"]) == ("save", 118, "python")
    assert not {"context", "raw_id", "code_variables"} & set(save)
    variables = one_event(running, 6, include=["code_variables"], **recent)["properties"]["$exception_list"][0]
    assert variables["stacktrace"]["frames"][-1]["code_variables"]["self"] == "<Order None>"


def test_an_unknown_issue_is_404_without_a_body(running: SandboxProcess) -> None:
    for path in ("query/issue/", "query/issue_events/"):
        answer = running.api("POST", path, {"issueId": UNKNOWN})
        assert (answer.status_code, answer.content) == (404, b"")


def test_a_key_that_reads_may_ask(running: SandboxProcess) -> None:
    for path in ("issues", "issue", "issue_events"):
        assert ask(running, f"POST query/{path}/", {}, key="phx_sandbox_nothing_key") == NO_READ
        assert ask(running, f"POST query/{path}/", {}, key=READ_ONLY)[0] != 403


HOGQL = invalid("invalid_input", "HogQL property filters are not supported here.", "filterGroup")
LONG = "Ensure this field has no more than 500 characters."


@pytest.mark.parametrize("path", ["issues", "issue_events"])
@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"filterGroup": [{"type": "hogql", "key": "1"}]}, HOGQL),
        (
            {"filterGroup": {"type": "AND", "values": []}},
            invalid("not_a_list", 'Expected a list of items but got type "dict".', "filterGroup"),
        ),
        ({"filterGroup": [{"key": "a", "operator": "like"}]}, choice("like", "filterGroup__0__operator")),
        (
            {"filterGroup": ["a"]},
            invalid(
                "invalid_input", "Invalid data. Expected a dictionary, but got str.", "filterGroup__0__non_field_errors"
            ),
        ),
        ({"searchQuery": "x" * 501}, invalid("max_length", LONG, "searchQuery")),
        ({"orderDirection": "UP"}, choice("UP", "orderDirection")),
        (
            {"limit": 0},
            invalid("min_value", "Ensure this value is greater than or equal to 1.", "limit"),
        ),
        ({"limit": "x"}, invalid("invalid_input", "A valid integer is required.", "limit")),
        (
            {"offset": -1},
            invalid("min_value", "Ensure this value is greater than or equal to 0.", "offset"),
        ),
        (
            {"dateRange": {"date_from": "yesterday"}},
            invalid("invalid_input", "Invalid date: yesterday", "dateRange__date_from"),
        ),
        (
            {"dateRange": "-7d"},
            invalid(
                "invalid_input", "Invalid data. Expected a dictionary, but got str.", "dateRange__non_field_errors"
            ),
        ),
        (
            {"filterTestAccounts": "maybe"},
            invalid("invalid_input", "Must be a valid boolean.", "filterTestAccounts"),
        ),
    ],
)
def test_what_both_refuse(running: SandboxProcess, path: str, change: dict[str, Any], answer: Answer) -> None:
    issue = running.api("GET", "issues/?limit=1").json()["results"][0]["id"]
    assert ask(running, f"POST query/{path}/", {"issueId": issue} | change) == answer


@pytest.mark.parametrize(
    ("request_", "change", "answer"),
    [
        ("issues", {"status": "open"}, choice("open", "status")),
        ("issues", {"orderBy": "name"}, choice("name", "orderBy")),
        ("issues", {"limit": 101}, invalid("max_value", "Ensure this value is less than or equal to 100.", "limit")),
        (
            "issues",
            {"volumeResolution": 201},
            invalid("max_value", "Ensure this value is less than or equal to 200.", "volumeResolution"),
        ),
        ("issues", {"release": "x" * 501}, invalid("max_length", LONG, "release")),
        ("issues", {"user": "x" * 501}, invalid("max_length", LONG, "user")),
        (
            "issues",
            {"url": "x" * 1001},
            invalid("max_length", "Ensure this field has no more than 1000 characters.", "url"),
        ),
        ("issues", {"personId": "me"}, invalid("invalid_input", "Must be a valid UUID.", "personId")),
        (
            "issues",
            {"assignee": "me"},
            invalid("invalid_input", "Invalid data. Expected a dictionary, but got str.", "assignee__non_field_errors"),
        ),
        ("issue", {}, required("issueId")),
        ("issue", {"issueId": "x"}, invalid("invalid_input", "Must be a valid UUID.", "issueId")),
        ("issues", {"orderDirection": "asc"}, choice("asc", "orderDirection")),
        ("issues", {"library": []}, invalid("invalid_input", TEXTS, "library")),
        ("issues", {"fingerprint": ["a", 1]}, invalid("invalid_input", TEXTS, "fingerprint")),
        ("issues", {"assignee": {"type": "group", "id": 1}}, choice("group", "assignee__type")),
        (
            "issues",
            {"assignee": {"type": "user", "id": True}},
            invalid("invalid_input", "Expected a string or integer.", "assignee__id"),
        ),
        (
            "issue",
            {"issueId": "{issue}", "volumeResolution": 201},
            invalid("max_value", "Ensure this value is less than or equal to 200.", "volumeResolution"),
        ),
        ("issue_events", {}, required("issueId")),
        (
            "issue_events",
            {"issueId": "{issue}", "limit": 21},
            invalid("max_value", "Ensure this value is less than or equal to 20.", "limit"),
        ),
        (
            "issue_events",
            {"issueId": "{issue}", "include": ["exception", "cookies"]},
            choice("cookies", "include__1"),
        ),
    ],
)
def test_what_one_refuses(running: SandboxProcess, request_: str, change: dict[str, Any], answer: Answer) -> None:
    issue = running.api("GET", "issues/?limit=1").json()["results"][0]["id"]
    body = change | ({"issueId": issue} if change.get("issueId") == "{issue}" else {})
    assert ask(running, f"POST query/{request_}/", body) == answer


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("-1d", "2026-11-14T10:20:30+00:00"),
        ("7d", "2026-11-08T10:20:30+00:00"),
        ("-90M", "2026-11-15T08:50:30+00:00"),
        ("dStart", "2026-11-15T00:00:00+00:00"),
        ("-1dStart", "2026-11-14T00:00:00+00:00"),
        ("-1dEnd", "2026-11-14T23:59:59.999999+00:00"),
        ("-2hStart", "2026-11-15T08:00:00+00:00"),
        ("-2hEnd", "2026-11-15T08:59:59.999999+00:00"),
    ],
)
def test_relative_dates(text: str, moment: str) -> None:
    now = datetime.fromisoformat("2026-11-15T10:20:30+00:00")
    assert moment_of(text, now, "date_from").isoformat() == moment
