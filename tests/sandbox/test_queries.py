"""Queries about issues (contract 6.13): each number is counted here once more, from the events themselves."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Store
from tests.sandbox.answers import NO_READ, UNKNOWN, Answer, ask, choice, invalid, required
from tests.sandbox.conftest import DEFAULT, NOW
from tests.sandbox_process import READ_ONLY, ROLE, SandboxProcess

PRESENT = datetime.fromisoformat(NOW)
Event = dict[str, Any]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """What happened in the default project, with the properties that its exceptions share."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store()
        plant(Seed.model_validate(DEFAULT), store, Objects(Path(folder), "secret"))
        shared = {one["id"]: one["properties"] for one in store.all("exception", 1)}
        issues = {one["id"]: one for one in store.all("issue", 1)}
        found = [
            {
                **one,
                "issue": issues[one["origin"]],
                "time": datetime.fromisoformat(one["timestamp"]),
                **shared[one["origin"]],
                **one["properties"],
            }
            for one in store.all("event", 1)
        ]
        store.close()
    return found


def after(days: float) -> Callable[[Event], bool]:
    return lambda event: PRESENT - timedelta(days=days) <= event["time"] <= PRESENT


def is_customer(event: Event) -> bool:
    return event["distinct_id"] != "ada@acme.example"


def of(status: str) -> Callable[[Event], bool]:
    return lambda event: event["issue"]["status"] == status


def versions(event: Event) -> list[str]:
    return [one["version"] for one in event.get("$exception_releases", {}).values()]


def counted(events: list[Event], *tests: Callable[[Event], bool]) -> dict[str, tuple[int, int, int]]:
    """Occurrences, users and sessions by issue."""
    by_issue = dict[str, list[Event]]()
    for event in events:
        if all(test(event) for test in tests):
            by_issue.setdefault(event["origin"], []).append(event)
    return {
        issue: (len(own), len({one["distinct_id"] for one in own}), len({one["$session_id"] for one in own}))
        for issue, own in by_issue.items()
    }


def query(sandbox: SandboxProcess, **body: Any) -> list[dict[str, Any]]:
    status, answer = ask(sandbox, "POST query/issues/", {"limit": 100} | body)
    assert status == 200, answer
    return answer["results"]


def event_filter(key: str, operator: str, value: Any = None, kind: str = "event") -> list[dict[str, Any]]:
    return [{"key": key, "operator": operator, "value": value, "type": kind}]


WEEK, ACTIVE = after(7), of("active")
USUAL = (WEEK, ACTIVE, is_customer)


@pytest.mark.parametrize(
    ("body", "tests"),
    [
        ({}, USUAL),
        ({"filterTestAccounts": False}, (WEEK, ACTIVE)),
        ({"status": "all"}, (WEEK, is_customer)),
        ({"status": "suppressed"}, (WEEK, of("suppressed"), is_customer)),
        ({"status": "archived", "dateRange": {"date_from": "-30d"}}, (after(30), of("archived"), is_customer)),
        ({"status": "pending_release"}, (WEEK, of("pending_release"), is_customer)),
        ({"dateRange": {"date_from": "-12h"}}, (after(0.5), ACTIVE, is_customer)),
        ({"dateRange": {"date_from": "-2w"}}, (after(14), ACTIVE, is_customer)),
        ({"dateRange": {"date_from": "all"}}, (ACTIVE, is_customer)),
        ({"dateRange": {"date_from": None, "date_to": None}}, USUAL),
        (
            {"dateRange": {"date_from": "2026-11-01", "date_to": "-10d"}},
            (lambda e: e["timestamp"] >= "2026-11-01", lambda e: not after(10)(e), ACTIVE, is_customer),
        ),
        ({"dateRange": {"date_from": "-1d", "date_to": "-2d"}}, (lambda _: False,)),
        ({"searchQuery": "OFFER"}, (*USUAL, lambda e: "offer" in str(e["$exception_values"]))),
        ({"searchQuery": "src/cart.ts"}, (*USUAL, lambda e: "src/cart.ts" in e["$exception_sources"])),
        ({"searchQuery": "customer-17@"}, (*USUAL, lambda e: "customer-17@" in e["distinct_id"])),
        ({"library": "posthog-python"}, (*USUAL, lambda e: e["$lib"] == "posthog-python")),
        ({"library": ["posthog-ios", "posthog-go"]}, (*USUAL, lambda e: e["$lib"] in ("posthog-ios", "posthog-go"))),
        ({"library": "posthog"}, (lambda _: False,)),
        ({"release": "1.5.0"}, (*USUAL, lambda e: "1.5.0" in versions(e))),
        ({"release": "01936f2e-7a51-7000-8000-0000000000a1"}, (*USUAL, lambda e: "1.4.2" in versions(e))),
        ({"release": "3F6C2A91d07be84c5512c0de94ab71ef20d3b6a8"}, (*USUAL, lambda e: "1.5.0" in versions(e))),
        ({"release": "1.5"}, (lambda _: False,)),
        ({"user": "customer-1@"}, (*USUAL, lambda e: e["distinct_id"].startswith("customer-1@"))),
        ({"url": "/CHECKOUT"}, (*USUAL, lambda e: "/checkout" in e.get("$current_url", ""))),
        ({"filePath": "shop/"}, (*USUAL, lambda e: any("shop/" in one for one in e["$exception_sources"]))),
        ({"assignee": {"type": "user", "id": 1}}, (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == 1)),
        ({"assignee": {"type": "user", "id": "1"}}, (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == 1)),
        (
            {"assignee": {"type": "role", "id": ROLE}},
            (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == ROLE),
        ),
        (
            {"filterGroup": event_filter("$browser", "exact", ["Safari", "firefox"])},
            (*USUAL, lambda e: e.get("$browser") in ("Safari", "Firefox")),
        ),
        (
            {"filterGroup": event_filter("$os", "is_not", "Linux") + event_filter("$browser", "is_not_set")},
            (*USUAL, lambda e: e["$os"] != "Linux" and "$browser" not in e),
        ),
        (
            {"filterGroup": event_filter("severity", "exact", "high", "error_tracking_issue")},
            (*USUAL, lambda e: e["issue"]["severity"] == "high"),
        ),
        (
            {"filterGroup": event_filter("severity", "is_not_set", None, "error_tracking_issue")},
            (*USUAL, lambda e: e["issue"]["severity"] is None),
        ),
        (
            {"filterGroup": event_filter("email", "icontains", "customer-2", "person")},
            (*USUAL, lambda e: "customer-2" in e["distinct_id"]),
        ),
    ],
)
def test_every_filter_is_counted_from_the_events(
    running: SandboxProcess, events: list[Event], body: dict[str, Any], tests: Any
) -> None:
    expected = counted(events, *tests)

    rows = query(running, **body)

    found = {
        row["id"]: (counts["occurrences"], counts["users"], counts["sessions"])
        for row in rows
        for counts in [row["aggregations"]]
    }
    assert found == expected


def test_fingerprint_and_person(running: SandboxProcess, events: list[Event]) -> None:
    one = next(event for event in events if all(test(event) for test in USUAL))
    text = one["$exception_fingerprint"]

    (row,) = query(running, fingerprint=text)
    assert row["aggregations"]["occurrences"] == sum(
        all(test(event) for test in USUAL) and event["$exception_fingerprint"] == text for event in events
    )
    assert [row["id"] for row in query(running, fingerprint=[text, "other"])] == [one["origin"]]
    assert query(running, fingerprint="other") == []
    expected = counted(events, *USUAL, lambda event: event["person_id"] == one["person_id"])
    assert {row["id"] for row in query(running, personId=one["person_id"].upper())} == set(expected)
    assert query(running, personId=UNKNOWN) == []


@pytest.mark.parametrize("order", ["occurrences", "users", "sessions", "last_seen", "first_seen"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_order_and_pages(running: SandboxProcess, order: str, direction: str) -> None:
    body = {"orderBy": order, "orderDirection": direction, "status": "all"}
    rows = query(running, **body)

    values = [row.get(order, row["aggregations"].get(order)) for row in rows]
    assert values == sorted(values, reverse=direction == "DESC")
    assert len(rows) > 20
    pages = [running.api("POST", "query/issues/", body | {"limit": 7, "offset": n}).json() for n in (0, 7, 14, 21)]
    assert [row for page in pages for row in page["results"]] == rows
    assert [page["hasMore"] for page in pages] == [True, True, True, False]
    assert [page.get("nextOffset") for page in pages] == [7, 14, 21, None]
    assert [(page["limit"], page["offset"]) for page in pages] == [(7, 0), (7, 7), (7, 14), (7, 21)]


def test_a_row(running: SandboxProcess, events: list[Event]) -> None:
    (row,) = [one for one in query(running) if one["severity"] == "critical"]
    own = [event for event in events if event["origin"] == row["id"] and all(test(event) for test in USUAL)]

    assert list(row) == [
        *("id", "name", "description", "status", "severity", "first_seen"),
        *("last_seen", "library", "source", "assignee", "aggregations"),
    ]
    assert row["last_seen"] == max(event["timestamp"] for event in own)
    assert (row["library"], row["source"], row["name"]) == ("web", "src/checkout.ts", "TypeError")
    assert running.api("POST", "query/issues/", {}).json()["limit"] == 10


@pytest.mark.parametrize("number", [1, 7, 12, 200])
def test_buckets(running: SandboxProcess, events: list[Event], number: int) -> None:
    (row,) = [one for one in query(running, volumeResolution=number) if one["severity"] == "critical"]
    width = timedelta(days=7) / number
    begin = PRESENT - timedelta(days=7)
    expected = [0] * number
    for event in events:
        if event["origin"] == row["id"] and all(test(event) for test in USUAL):
            expected[min(int((event["time"] - begin) / width), number - 1)] += 1

    counts = row["aggregations"]
    assert counts["volumeRange"] == expected
    assert [one["value"] for one in counts["volume_buckets"]] == expected
    assert counts["volume_buckets"][0]["label"] == "2026-11-13T12:00:00Z"
    assert sum(expected) == counts["occurrences"]


def test_one_issue(running: SandboxProcess, events: list[Event]) -> None:
    (row,) = [one for one in query(running) if one["severity"] == "critical"]
    body = {"issueId": row["id"], "includeSparkline": True, "includeBreakdown": True}

    status, issue = ask(running, "POST query/issue/", body)

    assert status == 200
    assert {name: issue[name] for name in row} == row
    own = [event for event in events if event["origin"] == row["id"] and all(test(event) for test in USUAL)]
    assert issue["function"] == "applyOffer"
    assert (issue["top_in_app_frame"]["source"], issue["top_in_app_frame"]["line"]) == ("src/checkout.ts", 12)
    assert issue["latest_release"]["version"] == "1.5.0"
    assert issue["impact"] == row["aggregations"]
    assert len(issue["sparkline"]) == 12
    assert sum(issue["sparkline"]) == len(own)
    assert max(issue["sparkline"]) > 0.7 * len(own)  # the spike
    browsers = {one["value"]: one["count"] for one in issue["breakdown"]["$browser"]}
    assert browsers == {name: sum(event["$browser"] == name for event in own) for name in browsers}
    assert sum(browsers.values()) == len(own)
    plain = ask(running, "POST query/issue/", {"issueId": row["id"]})[1]
    assert not {"sparkline", "breakdown"} & set(plain)


def test_what_an_issue_does_not_have_is_left_out(running: SandboxProcess) -> None:
    (resize,) = [one for one in query(running, status="suppressed") if one["name"] == "ResizeObserver"]
    issue = ask(running, "POST query/issue/", {"issueId": resize["id"]})[1]
    assert not {"function", "top_in_app_frame", "latest_release"} & set(issue)
    quiet = {"issueId": resize["id"], "dateRange": {"date_from": "2026-01-01", "date_to": "2026-01-02"}}
    none = ask(running, "POST query/issue/", quiet)[1]
    assert none["aggregations"] == {"occurrences": 0, "users": 0, "sessions": 0}
    assert none["last_seen"] is None


def test_an_unknown_issue_is_404_without_a_body(running: SandboxProcess) -> None:
    for path in ("query/issue/", "query/issue_events/"):
        answer = running.api("POST", path, {"issueId": UNKNOWN})
        assert (answer.status_code, answer.content) == (404, b"")


def one_event(sandbox: SandboxProcess, number: int, **body: Any) -> dict[str, Any]:
    issue = sandbox.api("GET", "issues/").json()["results"][number]
    status, answer = ask(sandbox, "POST query/issue_events/", {"issueId": issue["id"]} | body)
    assert status == 200, answer
    return answer["results"][0]


def test_events_in_order_and_in_pages(running: SandboxProcess, events: list[Event]) -> None:
    issue = running.api("GET", "issues/").json()["results"][12]["id"]
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
    assert list(usual) == ["uuid", "distinct_id", "timestamp", "properties"]
    properties = usual["properties"]
    assert properties["$exception_types"] == ["TypeError"]
    assert {"$lib", "$browser", "$os", "$current_url", "$session_id", "$exception_fingerprint"} <= set(properties)
    assert not {"$exception_releases", "$cymbal_errors"} & set(properties)
    assert "stacktrace" not in properties["$exception_list"][0]
    assert set(one_event(running, 0, include=["navigation"])["properties"]) == {"$current_url"}
    (release,) = one_event(running, 0, include=["release"])["properties"]["$exception_releases"].values()
    assert release["version"] in ("1.4.1", "1.4.2")
    diagnostics = one_event(running, 24, include=["diagnostics"])["properties"]
    assert diagnostics["$cymbal_errors"][0].startswith("No symbol set uploaded for chunk")


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
    assert (save["resolved_name"], save["context"]["line"]["number"]) == ("save", 118)
    assert [line["number"] for line in save["context"]["before"]] == [116, 117]
    assert "code_variables" not in save
    variables = one_event(running, 6, include=["code_variables"], **recent)["properties"]["$exception_list"][0]
    assert variables["stacktrace"]["frames"][-1]["code_variables"]["self"] == "<Order None>"


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


def test_a_key_that_reads_may_ask(running: SandboxProcess) -> None:
    for path in ("issues", "issue", "issue_events"):
        assert ask(running, f"POST query/{path}/", {}, key="phx_sandbox_nothing_key") == NO_READ
        assert ask(running, f"POST query/{path}/", {}, key=READ_ONLY)[0] != 403


def test_merged_issues_are_counted_together(events: list[Event]) -> None:
    with SandboxProcess(DEFAULT) as sandbox:
        check_merged(sandbox, events)


def check_merged(sandbox: SandboxProcess, events: list[Event]) -> None:
    target, source = (sandbox.api("GET", "issues/").json()["results"][number]["id"] for number in (12, 0))
    both = counted(events, *USUAL, lambda event: event["origin"] in (target, source))

    sandbox.api("POST", f"issues/{target}/merge/", {"ids": [source]})

    (row,) = [one for one in query(sandbox) if one["id"] == target]
    assert row["aggregations"]["occurrences"] == both[target][0] + both[source][0]
    assert source not in [one["id"] for one in query(sandbox, status="all")]
