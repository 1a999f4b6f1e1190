"""Addresses of PostHog's pages in results, and what a later call wants back in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy.client import Proxy
from mcp_errortracking.proxy.sender import SendOptions
from tests.calls import call_tool

pytestmark = pytest.mark.anyio
ISSUE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
TIME = "2026-11-28T21:50:28.123456Z"
ALERT: dict[str, Any] = {
    "id": ISSUE,
    "name": "Spikes",
    "enabled": True,
    "type": "internal_destination",
    "description": "To the channel",
    "status": {"state": 1},
    "updated_at": TIME,
    "filters": {
        "source": "internal-events",
        "events": [{"id": "$error_tracking_issue_spiking", "type": "events"}],
        "properties": [{"key": "name", "operator": "exact", "value": "x", "type": "event"}],
        "bytecode": ["_H", 1],
    },
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A 200."""

    data: Any
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Canned:
    """A sender of one answer, with the pages of a real proxy."""

    answer: Any
    proxy: Proxy

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> Answer:
        return Answer(self.answer)

    def page(self, path: str) -> str:
        return self.proxy.page(path)


def canned(answer: Any, project: str = "7") -> Canned:
    return Canned(answer, Proxy(host="https://us.posthog.com/", key=SecretStr("phx_x"), project=project))


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [
        ("query-error-tracking-issue", {"issueId": ISSUE}, f"/error_tracking/{ISSUE}"),
        ("query-error-tracking-issue-events", {"issueId": ISSUE}, f"/error_tracking/{ISSUE}"),
        ("error-tracking-issues-partial-update", {"id": ISSUE, "status": "resolved"}, f"/error_tracking/{ISSUE}"),
        ("error-tracking-symbol-sets-list", {}, "/error_tracking"),
        ("error-tracking-alerts-list", {}, "/error_tracking"),
    ],
)
async def test_a_result_has_the_address_of_its_page(tool: str, arguments: Mapping[str, Any], path: str) -> None:
    for project, base in (("7", "https://us.posthog.com/project/7"), ("@current", "https://us.posthog.com")):
        reply = await call_tool(canned({"id": ISSUE, "results": []}, project), tool, arguments, time_limit=5)

        assert reply.structured["_posthogUrl"] == f"{base}{path}"
        assert f"_posthogUrl: {base}{path}" in reply.text.splitlines()


async def test_the_rows_of_a_list_have_their_addresses_as_one_in_the_text() -> None:
    answer = {"results": [{"id": ISSUE, "name": "a"}, {"id": 5}, {"name": "b"}], "hasMore": False}
    reply = await call_tool(canned(answer), "query-error-tracking-issues-list", {}, time_limit=5)

    base = "https://us.posthog.com/project/7/error_tracking"
    assert reply.structured["_posthogUrl"] == base
    assert [row.get("_posthogUrl") for row in reply.structured["results"]] == [f"{base}/{ISSUE}", None, None]
    assert reply.text.count("_posthogUrl") == 1
    assert f"_posthogUrl: {base}/<id>" in reply.text


async def test_alerts_show_all_that_an_update_wants_back() -> None:
    reply = await call_tool(canned({"results": [ALERT]}), "error-tracking-alerts-list", {}, time_limit=5)
    changed = {"id": ISSUE, "enabled": False}
    updated = await call_tool(canned(ALERT), "error-tracking-alerts-partial-update", changed, time_limit=5)

    for text in (reply.text, updated.text):
        assert f'"{TIME}"' in text
        assert "To the channel" in text
        assert '{"state":1}' in text or "state" in text
    assert '"operator":"exact"' in reply.text
    assert "_H" not in reply.text


async def test_a_sparkline_says_where_its_last_bucket_begins() -> None:
    buckets = [{"label": f"2026-11-0{day}T00:00:00Z", "value": day} for day in (1, 2, 3)]
    answer = {"results": [{"id": ISSUE, "aggregations": {"volume_buckets": buckets}}]}
    reply = await call_tool(canned(answer), "query-error-tracking-issues-list", {}, time_limit=5)

    assert "from 2026-11-01T00:00:00Z to 2026-11-03T00:00:00Z: 1 2 3" in reply.text
