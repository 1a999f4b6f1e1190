"""A project with a deploy six hours ago, described by its issues: when they were first seen, and who met them when."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox_process import SandboxProcess

KEY = "phx_deploys"
TOOL = "error-tracking-deploy-report"
NOW, BEFORE, LONG_AGO = "-0.1d", "-1.1d", "-20d"
"""Times in the window of the last release, in its baseline, and in neither."""


@dataclass
class Project:
    """A seed that grows."""

    seed: dict[str, Any] = field(
        default_factory=lambda: {
            "projects": [{"id": 1}],
            "keys": [{"value": KEY, "scopes": ["error_tracking:read", "activity_log:read"]}],
            "issues": [],
            "events": [],
            "releases": [
                {"version": "1.4.1", "created_at": "-3d", "metadata": {"git": {"commit_id": "a" * 40}}},
                {
                    "version": "1.4.2",
                    "created_at": "-0.25d",
                    "hash_id": "cafe",
                    "metadata": {"git": {"commit_id": "b" * 40, "branch": "release/4"}},
                },
            ],
            "activity": [],
        }
    )

    def issue(
        self,
        name: str,
        users: int = 0,
        users_before: int = 0,
        *,
        first_seen: str = LONG_AGO,
        each: int = 1,
        description: str | None = None,
    ) -> str:
        """Add an issue that so many users met in the window and before, `each` times each; return its id."""
        number = len(self.seed["issues"])
        issue_id = f"01936f2e-7a51-7000-8000-{number:012x}"
        added = {"id": issue_id, "name": name, "first_seen": first_seen, "fingerprints": [f"f{number}"]}
        self.seed["issues"].append({**added, "description": description})
        for count, time in ((users, NOW), (users_before, BEFORE)):
            self.seed["events"] += [
                {"fingerprint": f"f{number}", "timestamp": time, "distinct_id": f"{name} {time} {user}"}
                for user in range(count)
                for _ in range(each)
            ]
        return issue_id

    def changed(self, place: int, before: str, after: str, *, at: str = NOW) -> None:
        """Add a change of status of the issue in that place to the activity log."""
        change = {"field": "status", "before": before, "after": after}
        self.seed["activity"].append({"issue": place, "activity": "updated", "created_at": at, "changes": [change]})


async def report(sandbox: SandboxProcess, *, key: str = KEY, roots: tuple[Path, ...] = (), **arguments: Any) -> Reply:
    """Call the tool."""
    async with Proxy(host=sandbox.url, key=SecretStr(key), project="1") as proxy:
        return await call_tool(
            proxy,
            TOOL,
            arguments,
            time_limit=30,
            environment=Environment(roots, sandbox.url),
        )
