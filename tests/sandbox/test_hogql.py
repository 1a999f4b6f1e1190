"""The generic query of the sandbox: its scope, its two statements, and the refusal of others."""

from collections import Counter
from typing import Any

import httpx
import pytest

from mcp_errortracking.catalog.event_properties import DAYS, MOST_VALUES, NAMES, READ, VALUES
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess


def query(sandbox: SandboxProcess, text: str, key: str = FULL, **more: Any) -> httpx.Response:
    body = {"query": {"kind": "HogQLQuery", "query": text, **more}}
    headers = {"Authorization": f"Bearer {key}"}
    return sandbox.http.post(f"{sandbox.url}/api/projects/1/query/", headers=headers, json=body)


def test_a_key_needs_query_read(running: SandboxProcess) -> None:
    refused = query(running, NAMES, READ_ONLY)

    assert refused.status_code == 403
    assert "query:read" in refused.json()["detail"]


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT key FROM events", ""])
def test_other_statements_are_refused(running: SandboxProcess, text: str) -> None:
    assert query(running, text).status_code == 501


def test_other_kinds_of_queries_are_refused(running: SandboxProcess) -> None:
    assert query(running, NAMES, kind="EventsQuery").status_code == 501


def test_values_are_counted_from_the_events_of_the_range(running: SandboxProcess) -> None:
    answer = query(running, VALUES, values={"name": "$lib"}).json()

    asked = {"status": "all", "dateRange": {"date_from": f"-{DAYS}d"}, "filterTestAccounts": False, "limit": 100}
    counts = Counter[str]()
    for row in running.api("POST", "query/issues/", asked).json()["results"]:
        counts[row["library"]] += int(row["aggregations"]["occurrences"])
    assert answer["columns"] == ["value", "events"]
    assert dict(answer["results"]) == dict(counts)


def test_properties_are_those_of_as_many_events_as_are_read(running: SandboxProcess) -> None:
    rows = {row[0]: row for row in query(running, NAMES).json()["results"]}
    few = {row[0]: row for row in query(running, NAMES.replace(f"LIMIT {READ}", "LIMIT 7")).json()["results"]}

    assert rows["$lib"][1] == READ
    assert few["$lib"][1] == 7
    assert sum(rows["$browser"][4]) == rows["$browser"][1]


def test_the_statements_read_as_much_as_their_callers_say() -> None:
    assert f"INTERVAL {DAYS} DAY" in NAMES
    assert f"INTERVAL {DAYS} DAY" in VALUES
    assert f"LIMIT {MOST_VALUES}" in VALUES
