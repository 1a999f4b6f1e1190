"""Each skill of the plugin, followed once against the sandbox: its calls, in its order, with the plugin's options."""

import json
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mcp_errortracking import child
from mcp_errortracking.cli.main import parse
from mcp_errortracking.compose import toolbox_for
from mcp_errortracking.config import load_tool_selection
from tests import forked
from tests.plugins.skills import PLUGIN, SKILLS, Follower, calls_of
from tests.workflows.source_maps.builds import BUILT

pytestmark = pytest.mark.anyio

WORST = "0193f2a0-a971-75e7-9db9-4c257c0eba6e"
"""The issue that the last release brought."""
SIMILAR = "0193f2a1-0d90-7402-a116-edd6ea5ce494"
NOISE = "0193f2a0-bd99-783f-a017-497b85f5e34f"
"""`gtag is not defined`, thrown by a script without a map."""
OPTIONS: list[str] = json.loads((PLUGIN / "gemini-extension.json").read_text("utf-8"))["mcpServers"]["posthog"]["args"]


@asynccontextmanager
async def following(skill: str, folder: Path) -> AsyncGenerator[Follower]:
    """Serve a sandbox with the plugin's options, in a folder of a project, and yield an agent with a skill."""
    more = ("--sandbox", "--structured", "always", "--journal", str(folder / "journal.sqlite3"))
    command, *arguments = forked.command(*OPTIONS, *more)
    environment = child.environment() | {"HOME": "/nonexistent"}
    server = StdioServerParameters(command=command, args=arguments, cwd=folder, env=environment)
    async with Client(server) as client:
        yield Follower(client, skill)


async def test_every_tool_that_a_skill_names_is_offered(tmp_path: Path) -> None:
    selection = load_tool_selection({}, toolsets=parse(OPTIONS).toolsets)
    offered = set(toolbox_for(selection, (tmp_path,)).names)

    named = {skill.parent.name: set(re.findall(r"`([a-z]+(?:-[a-z]+)+)[ `]", skill.read_text())) for skill in SKILLS}
    skills = set(named)
    assert skills == {"fix-source-maps", "investigate-error", "quiet-noise", "triage-errors"}
    assert {name: tools - offered for name, tools in named.items()} == {name: set[str]() for name in skills}
    assert all({tool for tool, _ in calls_of(skill)} == named[skill.parent.name] for skill in SKILLS)


async def test_triage_errors(tmp_path: Path) -> None:
    async with following("triage-errors", tmp_path) as agent:
        report = await agent.make("error-tracking-deploy-report")
        assert report["verdict"] == "regression"
        assert [row["id"] for row in report["new"]] == [WORST]
        most = (await agent.make("query-error-tracking-issues-list"))["results"]
        assert most[0]["id"] == WORST
        newest = (await agent.make("query-error-tracking-issues-list"))["results"]
        assert newest[0]["id"] == WORST
        await agent.make("error-tracking-issue-brief", issue=WORST)
        assert "* applyOffer (src/checkout.ts:12:11)" in agent.text
        assert SIMILAR in agent.text.partition("duplicates:")[2]
        people = (await agent.make("error-tracking-directory-list"))["results"]
        mail = next(one["detail"] for one in people if one["name"] == "Ada Lovelace")
        assigned = await agent.make("error-tracking-issues-assign-partial-update", issue=WORST, email=mail)
        assert assigned["assignee"] == {"type": "user", "id": 1}
        merged = await agent.make("error-tracking-issues-merge-create", issue=WORST, duplicate=SIMILAR)
        assert (merged["id"], merged["assignee"]) == (WORST, {"type": "user", "id": 1})
        assert merged["first_seen"] < assigned["first_seen"]  # that of the older one

        assert agent.left == []


async def test_investigate_error(tmp_path: Path) -> None:
    async with following("investigate-error", tmp_path) as agent:
        await agent.make("error-tracking-issue-brief", issue=WORST)
        assert "in use when first seen: acme-web 1.5.0" in agent.text
        issue = await agent.make("query-error-tracking-issue", issue=WORST)
        assert issue["impact"]["users"] == 289
        events = (await agent.make("query-error-tracking-issue-events", issue=WORST))["results"]
        assert len(events) == 5
        versions = {one["version"] for event in events for one in event["properties"]["$exception_releases"].values()}
        assert versions == {"1.5.0"}
        await agent.make("source-maps-resolve", issue=WORST, fails=True)
        assert "none of them is minified" in agent.text
        await agent.make("query-error-tracking-issue-events", issue=WORST)
        changed = await agent.make("error-tracking-issues-partial-update", issue=WORST)
        assert changed["status"] == "resolved"

        assert agent.left == []


async def test_quiet_noise(tmp_path: Path) -> None:
    text = "gtag is not defined"
    async with following("quiet-noise", tmp_path) as agent:
        issue = await agent.make("query-error-tracking-issue", issue=NOISE)
        assert issue["description"] == text
        await agent.make("query-error-tracking-issue-events", issue=NOISE)
        assert "/assets/vendor-8d1c.js" in agent.text
        rules = (await agent.make("error-tracking-suppression-rules-list"))["results"]
        simulated = await agent.make("error-tracking-rules-simulate", text=text)
        assert simulated["matching"]["issues"] == 1
        suppressed = await agent.make("error-tracking-issues-partial-update", issue=NOISE)
        assert suppressed["status"] == "suppressed"
        created = await agent.make("error-tracking-suppression-rules-create", text=text)
        assert created["id"] not in [rule["id"] for rule in rules]
        changes = (await agent.make("error-tracking-changes-list"))["results"]
        called = [row["called"] for row in changes]
        assert called == ["error-tracking-suppression-rules-create", "error-tracking-issues-partial-update"]
        undone = await agent.make("error-tracking-changes-undo", change=changes[1]["id"])
        assert undone["undo_by"]["arguments"] == {"id": NOISE, "status": "active"}
        assert "Nothing was changed." in agent.text

        assert agent.left == []


async def test_fix_source_maps(tmp_path: Path) -> None:
    shutil.copytree(BUILT / "vite", tmp_path / "dist")
    before = (tmp_path / "dist/index.html").read_bytes()
    async with following("fix-source-maps", tmp_path) as agent:
        missing = (await agent.make("error-tracking-symbol-sets-list"))["results"]
        assert missing
        assert all(one["failure_reason"] or not one["has_uploaded_file"] for one in missing)
        listed = (await agent.make("query-error-tracking-issues-list"))["results"]
        assert NOISE in [row["id"] for row in listed]
        await agent.make("source-maps-resolve", issue=NOISE, fails=True)
        assert "resolved: 0 of 2 frames" in agent.text
        assert "vendor-8d1c.js" in agent.text

        checked = await agent.make("source-maps-check", build="dist")
        assert checked["symbolication"]["covered"] == 0
        planned = await agent.make("source-maps-upload", build="dist", version="9.9.9")
        assert (tmp_path / "dist/assets/index-Cn0TbpnG.js").read_bytes() == _built("index-Cn0TbpnG.js")
        uploaded = await agent.make("source-maps-upload", build="dist", version="9.9.9")
        assert (uploaded["uploaded"], uploaded["failed"]) == (2, 0)
        assert uploaded["files_written"] == planned["would_write"]
        assert b"chunkId=" in (tmp_path / "dist/assets/index-Cn0TbpnG.js").read_bytes()
        covered = await agent.make("source-maps-check", build="dist")
        counts: dict[str, Any] = covered["symbolication"]
        assert counts["covered"] == counts["bundles"] == 2

        assert agent.left == []
    assert (tmp_path / "dist/index.html").read_bytes() == before


def _built(name: str) -> bytes:
    return (BUILT / "vite" / "assets" / name).read_bytes()
