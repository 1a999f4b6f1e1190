"""PostHog's own client reads people, roles, integrations and cohorts in the sandbox, at the paths that ours sends."""

from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from tests.calls import call_tool
from tests.clients.official_client import Answer, calling, run
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

_CALLS: dict[str, dict[str, Any]] = {
    "org-members-list": {"search": "hopper"},
    "roles-list": {},
    "integrations-list": {},
    "integrations-channels-retrieve": {"id": 4},
    "integrations-github-repos-retrieve": {"id": 7},
    "integrations-linear-teams-retrieve": {"id": 9},
    "integrations-jira-projects-retrieve": {"id": 8},
    "cohorts-list": {"search": "beta"},
}
_OURS: tuple[dict[str, Any], ...] = (
    {"kind": "people", "search": "hopper"},
    {"kind": "roles"},
    {"kind": "integrations"},
    *({"integration_id": number} for number in (4, 7, 9, 8)),
    {"kind": "cohorts", "search": "beta"},
)


def _last_path(answer: Answer) -> str:
    return answer.requests[-1]["path"]


@pytest.mark.thorough
async def test_posthogs_own_client_finds_the_same_at_the_same_paths() -> None:
    with SandboxProcess() as sandbox:
        theirs = run(sandbox.url, FULL, [calling(*one) for one in _CALLS.items()])
        found, paths = list[list[Any]](), list[str]()
        async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
            for arguments in _OURS:
                reply = await call_tool(proxy, "error-tracking-directory-list", arguments, time_limit=10)
                found.append([row["id"] for row in reply.structured["results"]])
                paths.append(sandbox.journal()[-1]["path"])

    assert [_last_path(answer) for answer in theirs] == paths
    data = dict(zip(_CALLS, (answer.data() for answer in theirs), strict=True))
    assert found == [
        [one["user"]["id"] for one in data["org-members-list"]["results"]],
        [one["id"] for one in data["roles-list"]["results"]],
        [one["id"] for one in data["integrations-list"]["results"]],
        [one["id"] for one in data["integrations-channels-retrieve"]["channels"]],
        [one["name"] for one in data["integrations-github-repos-retrieve"]["repositories"]],
        [one["id"] for one in data["integrations-linear-teams-retrieve"]["teams"]],
        [one["key"] for one in data["integrations-jira-projects-retrieve"]["projects"]],
        [one["id"] for one in data["cohorts-list"]["results"]],
    ]
