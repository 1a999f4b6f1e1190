"""The events of the default project, read from the test's own store, to count again the numbers of queries."""

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.sandbox.store import Store
from tests.sandbox.conftest import DEFAULT, NOW

PRESENT = datetime.fromisoformat(NOW)
Event = dict[str, Any]


def all_events() -> list[Event]:
    """Return the events of the default project, with the properties that their exceptions share."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store()
        plant(Seed.model_validate(DEFAULT), store, Objects(Path(folder), "secret"))
        shared = {one["id"]: one["properties"] for one in store.all("exception", 1)}
        issues = {one["id"]: one for one in store.all("issue", 1)}
        owner = {one["fingerprint"]: issues[one["issue_id"]] for one in store.all("fingerprint", 1)}
        found = [
            {
                **one,
                "issue": owner[one["properties"]["$exception_fingerprint"]],
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


def of(*statuses: str) -> Callable[[Event], bool]:
    return lambda event: event["issue"]["status"] in statuses


def versions(event: Event) -> list[str]:
    return [one["version"] for one in event.get("$exception_releases", {}).values()]


def counted(events: list[Event], *tests: Callable[[Event], bool]) -> dict[str, tuple[int, int, int]]:
    """Occurrences, users and sessions by issue."""
    by_issue = dict[str, list[Event]]()
    for event in events:
        if all(test(event) for test in tests):
            by_issue.setdefault(event["issue"]["id"], []).append(event)
    return {
        issue: (len(own), len({one["distinct_id"] for one in own}), len({one["$session_id"] for one in own}))
        for issue, own in by_issue.items()
    }


def event_filter(key: str, operator: str, value: Any = None, kind: str = "event") -> list[dict[str, Any]]:
    return [{"key": key, "operator": operator, "value": value, "type": kind}]


WEEK, ACTIVE = after(7), of("active")
USUAL = (WEEK, ACTIVE, is_customer)
