"""Queries about issues (contract 6.13): each number is counted here once more, from the events themselves."""

from datetime import timedelta
from typing import Any

import pytest

from mcp_errortracking.sandbox.clock import derived_id
from tests.sandbox.answers import UNKNOWN, ask
from tests.sandbox.conftest import DEFAULT
from tests.sandbox.raw_events import (
    ACTIVE,
    PRESENT,
    USUAL,
    WEEK,
    Event,
    after,
    all_events,
    counted,
    event_filter,
    is_customer,
    of,
    versions,
)
from tests.sandbox_process import ROLE, SandboxProcess


def query(sandbox: SandboxProcess, **body: Any) -> list[dict[str, Any]]:
    status, answer = ask(sandbox, "POST query/issues/", {"limit": 100} | body)
    assert status == 200, answer
    return answer["results"]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return all_events()


@pytest.mark.parametrize(
    ("body", "tests"),
    [
        ({}, USUAL),
        ({"filterTestAccounts": False}, (WEEK, ACTIVE)),
        ({"status": "all"}, (WEEK, is_customer)),
        ({"status": "suppressed"}, (WEEK, of("suppressed"), is_customer)),
        ({"status": "archived", "dateRange": {"date_from": "-30d"}}, (lambda _: False,)),
        ({"status": "pending_release"}, (lambda _: False,)),
        (
            {"status": "resolved", "dateRange": {"date_from": "-30d"}},
            (after(30), of("resolved", "archived", "pending_release"), is_customer),
        ),
        ({"dateRange": {"date_from": "-12h"}}, (after(0.5), ACTIVE, is_customer)),
        ({"dateRange": {"date_from": "-2w"}}, (after(14), ACTIVE, is_customer)),
        ({"dateRange": {"date_from": "all"}}, (ACTIVE, is_customer)),
        ({"dateRange": {"date_from": None, "date_to": None}}, USUAL),
        (
            {"dateRange": {"date_from": "2026-11-01", "date_to": "2026-11-10T12:00:00Z"}},
            (lambda e: e["timestamp"] >= "2026-11-01", lambda e: not after(10)(e), ACTIVE, is_customer),
        ),
        ({"dateRange": {"date_from": "-1d", "date_to": "-2d"}}, (after(1), ACTIVE, is_customer)),  # read forward
        ({"dateRange": {"date_to": "2026-11-01"}}, (lambda _: False,)),
        ({"searchQuery": "OFFER"}, (*USUAL, lambda e: "offer" in str(e["$exception_values"]))),
        ({"searchQuery": "src/cart.ts"}, (*USUAL, lambda e: "src/cart.ts" in e["$exception_sources"])),
        ({"searchQuery": "customer-17@"}, (*USUAL, lambda e: "customer-17@" in e["distinct_id"])),
        ({"library": "posthog-python"}, (*USUAL, lambda e: e["$lib"] == "posthog-python")),
        ({"library": ["posthog-ios", "posthog-go"]}, (*USUAL, lambda e: e["$lib"] in ("posthog-ios", "posthog-go"))),
        ({"library": "posthog"}, (lambda _: False,)),
        ({"release": "1.5.0"}, (*USUAL, lambda e: "1.5.0" in versions(e))),
        ({"release": "01936f2e-7a51-7000-8000-0000000000a1"}, (*USUAL, lambda e: "1.4.2" in versions(e))),
        ({"release": "3f6c2a91d07be84c5512c0de94ab71ef20d3b6a8"}, (*USUAL, lambda e: "1.5.0" in versions(e))),
        ({"release": "1.5"}, (lambda _: False,)),
        ({"user": "customer-1@"}, (*USUAL, lambda e: e["distinct_id"].startswith("customer-1@"))),
        ({"url": "/CHECKOUT"}, (*USUAL, lambda e: "/checkout" in e.get("$current_url", ""))),
        ({"filePath": "shop/"}, (*USUAL, lambda e: "shop/" in str(e["$exception_sources"]))),
        ({"assignee": {"type": "user", "id": 1}}, (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == 1)),
        ({"assignee": {"type": "user", "id": "1"}}, (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == 1)),
        (
            {"assignee": {"type": "role", "id": ROLE}},
            (*USUAL, lambda e: (e["issue"]["assignee"] or {}).get("id") == ROLE),
        ),
        (
            {"filterGroup": event_filter("$browser", "exact", ["Safari", "Firefox"])},
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
    own = [event for event in events if event["origin"] == row["id"] and all(test(event) for test in USUAL)]
    assert issue["impact"] == row["aggregations"]
    assert len(issue["sparkline"]) == 12
    assert sum(issue["sparkline"]) == len(own)
    assert max(issue["sparkline"]) > 0.7 * len(own)  # the spike
    browsers = {one["value"]: one["count"] for one in issue["breakdown"]["top_values"]["browser"]}
    assert browsers == {name: sum(event["$browser"] == name for event in own) for name in browsers}
    assert sum(browsers.values()) == issue["breakdown"]["occurrences"] == len(own)
    plain = ask(running, "POST query/issue/", {"issueId": row["id"]})[1]
    assert not {"sparkline", "breakdown"} & set(plain)


def test_what_an_issue_does_not_have_is_left_out(running: SandboxProcess) -> None:
    (resize,) = [one for one in query(running, status="suppressed") if one["name"] == "ResizeObserver"]
    issue = ask(running, "POST query/issue/", {"issueId": resize["id"]})[1]
    assert not {"function", "source", "top_in_app_frame", "latest_release"} & set(issue)
    assert issue["library"] == "web"


def test_merged_issues_are_counted_together(events: list[Event]) -> None:
    with SandboxProcess(DEFAULT) as sandbox:
        target, source = (derived_id("issue", number) for number in (12, 0))
        both = counted(events, *USUAL, lambda event: event["origin"] in (target, source))

        sandbox.api("POST", f"issues/{target}/merge/", {"ids": [source]})

        (row,) = [one for one in query(sandbox) if one["id"] == target]
        assert row["aggregations"]["occurrences"] == both[target][0] + both[source][0]
        assert source not in [one["id"] for one in query(sandbox, status="all")]
