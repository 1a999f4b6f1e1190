"""Events, stacks and frames as `query/issue_events` and `query/issue` return them, worked out from contract 6.13."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.sandbox.answers import ask
from tests.sandbox_process import SandboxProcess

ISSUE, QUIET = "01936f2e-7a51-7000-8000-000000000101", "01936f2e-7a51-7000-8000-000000000102"
NEWEST, MIDDLE, OLDEST = (f"01936f2e-7a51-7000-8000-00000000030{number}" for number in (1, 2, 3))
RELEASE = "01936f2e-7a51-7000-8000-0000000000a1"
CHUNK = "0198c1de-0000-7000-8000-000000000001"
GIT = {"commit_id": "3f6c2a91", "branch": "main", "repo_name": "shop"}

MAPPED = {
    "raw_id": "ab/0",
    "mangled_name": "n",
    "line": 0,
    "column": 8,
    "source": "src/checkout.ts",
    "in_app": True,
    "resolved_name": "submitOrder",
    "lang": "javascript",
    "resolved": True,
    "resolve_failure": None,
    "synthetic": False,
    "suspicious": False,
    "junk_drawer": {"chunk": 1},
    "chunk_id": CHUNK,
    "context": {"before": [], "line": {"number": 1, "line": "x"}, "after": []},
    "release": None,
    "code_variables": {"cart": "empty"},
}
UNMAPPED = {
    "raw_id": "cd/0",
    "mangled_name": "t",
    "line": 1,
    "column": 20417,
    "source": "/assets/app.js",
    "in_app": False,
    "lang": "javascript",
    "resolved": False,
    "resolve_failure": f"No sourcemap uploaded for chunk id: {CHUNK}",
    "synthetic": False,
    "suspicious": False,
}
SHOWN_MAPPED = {
    "mangled_name": "n",
    "column": 8,
    "source": "src/checkout.ts",
    "in_app": True,
    "resolved_name": "submitOrder",
    "lang": "javascript",
    "resolved": True,
    "synthetic": False,
    "suspicious": False,
}
SHOWN_UNMAPPED = {name: value for name, value in UNMAPPED.items() if name != "raw_id"}
AS_SENT = {"function": "run", "filename": "a.py", "lineno": 7, "colno": 0, "in_app": True}


def stack(*frames: dict[str, Any]) -> dict[str, Any]:
    return {"type": "resolved", "frames": list(frames)}


def deep(number: int) -> list[dict[str, Any]]:
    return [{**MAPPED, "line": place + 1, "resolved_name": f"f{place}"} for place in range(number)]


SEED: dict[str, Any] = {
    "server": {"now": "2026-11-20T12:00:00Z"},
    "projects": [{"id": 1}],
    "releases": [
        {"id": RELEASE, "version": "1.4.0", "product": "shop", "created_at": "2026-09-24T10:00:00Z"},
        {"version": "1.5.0", "product": "shop", "created_at": "2026-09-25T10:00:00Z", "metadata": {"git": GIT}},
    ],
    "issues": [
        {
            "id": ISSUE,
            "name": "TypeError",
            "description": "d" * 400,
            "severity": "high",
            "status": "pending_release",
            "first_seen": "2026-08-01T09:00:00Z",
            "fingerprints": ["f1"],
        },
        {"id": QUIET, "name": "Quiet", "fingerprints": ["f2"]},
    ],
    "events": [
        {
            "id": NEWEST,
            "fingerprint": "f1",
            "timestamp": "2026-11-20T11:00:00Z",
            "distinct_id": "ada",
            "session": "s1",
            "releases": ["1.4.0", "1.5.0"],
            "exceptions": [
                {"id": "x", "thread_id": 3, "type": "TypeError", "value": "v" * 1200, "module": "", "mechanism": {}},
                {"type": "Error", "value": "cause", "stacktrace": stack(UNMAPPED, MAPPED)},
                {"type": "Error", "stacktrace": stack(UNMAPPED, MAPPED)},
                {"type": "Error", "value": "library", "stacktrace": stack(UNMAPPED)},
            ],
            "properties": {
                "$lib_version": "1.300.0",
                "$browser_version": 140,
                "$exception_handled": False,
                "$screen_name": "",
                "$trace_id": "t1",
                "$pathname": "/checkout",
                "$current_url": "https://shop.example/checkout?x",
            },
        },
        {
            "id": MIDDLE,
            "fingerprint": "f1",
            "timestamp": "-1d",
            "distinct_id": "bob",
            "session": "s2",
            "exceptions": [{"type": "Error", "stacktrace": stack(UNMAPPED, MAPPED)}],
            "properties": {"$screen_name": "Cart", "$pathname": "/cart"},
        },
        {
            "id": OLDEST,
            "fingerprint": "f1",
            "timestamp": "-2d",
            "distinct_id": "ada",
            "session": "s1",
            "exceptions": [
                {"type": "Error", "stacktrace": stack(*deep(187))},
                {"type": "Error", "stacktrace": {"type": "raw", "frames": [AS_SENT]}},
            ],
            "properties": {"$exception_release": {"id": RELEASE, "version": "1.4.0"}, "$pathname": "/checkout"},
        },
    ],
}


@pytest.fixture(scope="module")
def shop() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as sandbox:
        yield sandbox


def events(shop: SandboxProcess, **body: Any) -> list[dict[str, Any]]:
    status, answer = ask(shop, "POST query/issue_events/", {"issueId": ISSUE, **body})
    assert status == 200, answer
    return answer["results"]


def exceptions(shop: SandboxProcess, offset: int = 0, **body: Any) -> list[dict[str, Any]]:
    body = {"include": ["stacktrace"], "onlyAppFrames": False, "offset": offset, **body}
    return events(shop, **body)[0]["properties"]["$exception_list"]


def test_the_usual_groups(shop: SandboxProcess) -> None:
    (event,) = events(shop)

    assert list(event) == ["uuid", "timestamp", "distinct_id", "properties"]
    assert (event["uuid"], event["distinct_id"]) == (NEWEST, "ada")
    properties = event["properties"]
    values = properties.pop("$exception_values")
    listed = properties.pop("$exception_list")
    assert properties == {
        "$exception_types": ["TypeError", "Error", "Error", "Error"],
        "$exception_fingerprint": "f1",
        "$exception_level": "error",
        "$exception_handled": False,
        "$lib": "web",
        "$lib_version": "1.300.0",
        "$browser_version": 140,
        "$current_url": "https://shop.example/checkout?x",
        "$session_id": "s1",
        "$trace_id": "t1",
    }
    mark = "… [truncated from 1200 chars]"
    assert values[0] == "v" * (1000 - len(mark)) + mark
    assert listed[0] == {"type": "TypeError", "value": values[0]}
    assert listed[2] == {"type": "Error"}


def test_no_group_at_all_and_one_that_an_event_has_nothing_of(shop: SandboxProcess) -> None:
    assert events(shop, include=[])[0]["properties"] == {}
    assert events(shop, include=["release"], offset=2)[0]["properties"] == {}  # $exception_release is not in it
    (release,) = events(shop, include=["release"])
    assert release["properties"]["$exception_releases"][RELEASE] == {
        "version": "1.4.0",
        "project": "shop",
        "timestamp": "2026-09-24T10:00:00Z",
        "metadata": None,
    }
    assert events(shop, include=["diagnostics"])[0]["properties"] == {
        "$cymbal_errors": [f"No sourcemap uploaded for chunk id: {CHUNK}"]
    }


def test_a_frame_loses_what_ingestion_alone_needs_and_a_zero(shop: SandboxProcess) -> None:
    listed = exceptions(shop)

    assert "stacktrace" not in listed[0]
    assert listed[1]["stacktrace"] == {"type": "resolved", "frames": [SHOWN_UNMAPPED, SHOWN_MAPPED]}
    with_variables = exceptions(shop, include=["code_variables"])[1]["stacktrace"]["frames"]
    assert with_variables == [SHOWN_UNMAPPED, {**SHOWN_MAPPED, "code_variables": {"cart": "empty"}}]


def test_equal_stacks_point_to_the_first_on_the_page(shop: SandboxProcess) -> None:
    listed = exceptions(shop)
    assert listed[2]["stacktrace"] == {"same_as_event": NEWEST, "same_as_exception": 1}
    both = events(shop, include=["stacktrace"], onlyAppFrames=False, limit=2)
    assert both[1]["properties"]["$exception_list"] == [
        {"type": "Error", "stacktrace": {"same_as_event": NEWEST, "same_as_exception": 1}}
    ]
    alone = exceptions(shop, offset=1)  # another page: in full again
    assert alone[0]["stacktrace"]["frames"] == [SHOWN_UNMAPPED, SHOWN_MAPPED]


def test_a_stack_without_frames_of_the_app_has_no_frames(shop: SandboxProcess) -> None:
    listed = exceptions(shop, onlyAppFrames=True)
    assert listed[1]["stacktrace"] == {"type": "resolved", "frames": [SHOWN_MAPPED]}
    assert listed[3]["stacktrace"] == {"type": "resolved"}


def test_of_many_frames_the_innermost_fifty_are_left(shop: SandboxProcess) -> None:
    long, raw = (one["stacktrace"] for one in exceptions(shop, offset=2))
    assert (long["frames_omitted"], len(long["frames"])) == (137, 50)
    assert [long["frames"][0]["resolved_name"], long["frames"][-1]["resolved_name"]] == ["f137", "f186"]
    assert raw == {
        "type": "raw",
        "frames": [{**AS_SENT, "mangled_name": "run", "source": "a.py", "line": 7}],
    }


def test_one_issue(shop: SandboxProcess) -> None:
    status, issue = ask(shop, "POST query/issue/", {"issueId": ISSUE, "includeSparkline": True, "volumeResolution": 7})

    assert status == 200
    assert issue == {
        "id": ISSUE,
        "name": "TypeError",
        "description": "d" * 400,
        "status": "resolved",
        "severity": "high",
        "first_seen": "2026-08-01T09:00:00Z",
        "last_seen": "2026-11-20T11:00:00.000000Z",
        "library": "web",
        "source": "src/checkout.ts",
        "function": "submitOrder",
        "top_in_app_frame": {"function": "n", "source": "src/checkout.ts", "column": 8, "in_app": True},
        "latest_release": {"version": "1.5.0", "project": "shop", "timestamp": "2026-09-25T10:00:00Z", **GIT},
        "impact": {"occurrences": 3.0, "users": 2.0, "sessions": 2.0},
        "sparkline": [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0],
    }


def test_an_issue_without_events(shop: SandboxProcess) -> None:
    body = {"issueId": QUIET, "includeSparkline": True, "includeBreakdown": True}
    bare = {"id": QUIET, "name": "Quiet", "status": "active", "impact": {}}
    assert ask(shop, "POST query/issue/", body) == (200, {**bare, "sparkline": []})
    assert ask(shop, "POST query/issue/", {"issueId": QUIET}) == (200, bare)
    assert ask(shop, "POST query/issue_events/", {"issueId": QUIET})[1]["results"] == []


def test_the_breakdown(shop: SandboxProcess) -> None:
    body = {"issueId": ISSUE, "includeBreakdown": True, "dateRange": {"date_from": "-60d"}}
    issue = ask(shop, "POST query/issue/", body)[1]

    assert issue["breakdown"] == {
        "date_from": "2026-10-21T12:00:00Z",
        "date_to": "2026-11-20T12:00:00Z",
        "range_limited": True,
        "occurrences": 3,
        "sample_session_ids": ["s1", "s2"],
        "top_values": {
            "path": [{"value": "/checkout", "count": 2}, {"value": "/cart", "count": 1}],
            "screen": [{"value": "Cart", "count": 1}],
            "library": [{"value": "web", "count": 3}],
            "library_version": [{"value": "1.300.0", "count": 1}],
        },
    }


def test_a_row(shop: SandboxProcess) -> None:
    rows = ask(shop, "POST query/issues/", {"status": "resolved"})[1]["results"]

    mark = "… [truncated from 400 chars]"
    assert rows == [
        {
            "id": ISSUE,
            "name": "TypeError",
            "description": "d" * (300 - len(mark)) + mark,
            "status": "resolved",
            "severity": "high",
            "first_seen": "2026-08-01T09:00:00Z",
            "last_seen": "2026-11-20T11:00:00.000000Z",
            "library": "web",
            "source": "src/checkout.ts",
            "assignee": None,
            "aggregations": {"occurrences": 3.0, "users": 2.0, "sessions": 2.0},
        }
    ]
    for status in ("pending_release", "archived", "active"):
        assert ask(shop, "POST query/issues/", {"status": status})[1]["results"] == []
        wanted = {"type": "error_tracking_issue", "key": "status", "operator": "exact", "value": status}
        assert ask(shop, "POST query/issues/", {"status": "all", "filterGroup": [wanted]})[1]["results"] == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"searchQuery": "cause submit"}, True),  # each word in a place of its own
        ({"searchQuery": '"cause submit"'}, False),
        ({"searchQuery": "assets/app.js"}, True),  # a frame outside the app
        ({"searchQuery": CHUNK}, True),  # a frame's failure
        ({"user": "submit", "filePath": "cause"}, True),  # their words are joined
        ({"release": "1.4.0"}, True),
        ({"release": RELEASE}, True),
        ({"release": "3f6c2a91"}, True),
        ({"release": "1.4"}, False),
        ({"dateRange": {"date_from": "-1h", "date_to": "-1d"}}, True),  # up to tomorrow
        ({"dateRange": {"date_to": "+1d"}}, True),
    ],
)
def test_what_is_searched(shop: SandboxProcess, body: dict[str, Any], found: bool) -> None:
    rows = ask(shop, "POST query/issues/", {"status": "all", **body})[1]["results"]
    assert [row["id"] for row in rows] == ([ISSUE] if found else [])


def test_a_search_of_events_looks_in_three_places(shop: SandboxProcess) -> None:
    assert [one["uuid"] for one in events(shop, searchQuery="CHECKOUT?X", limit=20)] == [NEWEST]
    for text in ("submitOrder", "ada", "cause library", "100%", "_"):
        assert events(shop, searchQuery=text) == []


def test_a_spent_budget() -> None:
    seed = {"projects": [{"id": 1}], "server": {"features": {"query_budget_spent": True}}}
    with SandboxProcess(seed) as sandbox:
        answer = sandbox.api("POST", "query/issues/", {})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1800")
        assert (answer.json()["type"], answer.json()["code"]) == ("throttled_error", "api_queries_budget_exceeded")
        assert sandbox.api("GET", "issues/").status_code == 200


def test_an_older_server(shop: SandboxProcess) -> None:
    with SandboxProcess({**SEED, "server": {**SEED["server"], "age": "2026-06"}}) as sandbox:
        page = ask(sandbox, "POST query/issues/", {"status": "pending_release"})[1]
        assert page["limit"] == 25
        (row,) = page["results"]
        assert (row["description"], row["status"], "severity" in row) == ("d" * 400, "pending_release", False)
        assert row["aggregations"]["volumeRange"] == [3.0]
        issue = ask(sandbox, "POST query/issue/", {"issueId": ISSUE, "includeBreakdown": True})[1]
        assert "breakdown" not in issue
        (summary,) = events(sandbox, include=["stacktrace"])
        assert set(summary["properties"]) == {
            *("$current_url", "$exception_fingerprint", "$exception_list", "$exception_types", "$exception_values"),
            *("$browser_version", "$lib", "$session_id"),
        }
        assert [list(one) for one in summary["properties"]["$exception_list"]][1] == ["type", "value"]
        (stacked,) = events(sandbox, verbosity="stack", offset=2, onlyAppFrames=False)
        assert len(stacked["properties"]["$exception_list"][0]["stacktrace"]["frames"]) == 187
        (raw,) = events(sandbox, verbosity="raw")
        assert raw["properties"]["$exception_list"][1]["stacktrace"]["frames"] == [UNMAPPED, MAPPED]
