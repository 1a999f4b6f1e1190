"""Short answers lose nothing that an agent acts on, and the figures of the docs are those of the current tools."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from benchmarks.families import FAMILIES
from benchmarks.tokens import PAGE as TOKENS
from benchmarks.tokens import README, with_figures
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.tools import TOOL_LIST
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess

pytestmark = pytest.mark.anyio

PAGE = TOKENS.read_text("utf-8")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BUDGETS = {
    "the default set": 7_000,
    "the tools that PostHog's own server has too": 5_500,
    "all of error tracking": 13_000,
}


async def ask(sandbox: SandboxProcess, *questions: tuple[str, dict[str, Any]]) -> list[Reply]:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        return [await call_tool(proxy, tool, arguments, time_limit=20) for tool, arguments in questions]


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table in a result, with what is the same in every row."""
    lines = [line for line in text.splitlines() if not line.startswith("Note:")]
    shared = next((line for line in lines if line.startswith("every row: ")), "")
    head = next(index for index, line in enumerate(lines) if "\t" in line)
    same = dict(re.findall(r"(\w+) ([^,]+)(?:, |$)", shared.removeprefix("every row: ")))
    names = [name.partition(" (")[0] for name in lines[head].split("\t")]
    years = dict(re.findall(r"(\w+) \(UTC, (\d{4})\)", lines[head]))
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines[head + 1 :]]
    return [
        {**same, **row, **{name: f"{year}-{row[name]}" for name, year in years.items() if row[name] != "null"}}
        for row in rows
    ]


def minute(time: str) -> str:
    return time.removesuffix("Z")[:16]


async def test_a_list_of_issues_keeps_every_id_status_count_and_time() -> None:
    with SandboxProcess() as sandbox:
        arguments = {"status": "all", "limit": 25, "dateRange": {"date_from": "-90d"}}
        (reply,) = await ask(sandbox, ("query-error-tracking-issues-list", arguments))

    issues = reply.structured["results"]
    rows = table(reply.text)
    assert len(rows) == len(issues) == 25
    for row, issue in zip(rows, issues, strict=True):
        assert (row["id"], row["status"], row["name"]) == (issue["id"], issue["status"], issue["name"])
        counts = issue["aggregations"]
        assert [int(row[name]) for name in ("occurrences", "users", "sessions")] == [
            counts[name] for name in ("occurrences", "users", "sessions")
        ]
        assert [minute(row[name]) for name in ("first_seen", "last_seen")] == [
            minute(issue[name]) for name in ("first_seen", "last_seen")
        ]
        owner = issue["assignee"]
        assert row["assignee"] == (f"{owner['type']} {owner['id']}" if owner else "null")


async def test_a_list_of_rules_keeps_every_id_condition_owner_place_and_time() -> None:
    with SandboxProcess() as sandbox:
        (reply,) = await ask(sandbox, ("error-tracking-assignment-rules-list", {}))

    rules = reply.structured["results"]
    rows = table(reply.text)
    assert len(rows) == len(rules) == 4
    for row, rule in zip(rows, rules, strict=True):
        assert (row["id"], row["order_key"]) == (rule["id"], str(rule["order_key"]))
        assert row["assignee"] == f"{rule['assignee']['type']} {rule['assignee']['id']}"
        assert minute(row["created_at"]) == minute(rule["created_at"])
        for condition in conditions(rule["filters"]):
            assert f"{condition['key']} {condition['operator']}" in row["filters"]
            assert json.dumps(condition["value"], separators=(",", ":")) in row["filters"]
        assert (row["disabled_data"] == "null") == (rule["disabled_data"] is None)


def conditions(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = list[Mapping[str, Any]]()
    for value in group["values"]:
        found += conditions(value) if "values" in value else [value]
    return found


async def test_a_stack_of_thirty_frames_keeps_every_place_and_the_event_its_ids() -> None:
    with SandboxProcess() as sandbox:
        (issues,) = await ask(sandbox, ("query-error-tracking-issues-list", {"status": "all", "limit": 100}))
        ids = [issue["id"] for issue in issues.structured["results"]]
        asked = {"include": ["exception", "stacktrace"], "onlyAppFrames": False}
        replies = await ask(sandbox, *(("query-error-tracking-issue-events", {"issueId": one, **asked}) for one in ids))

    reply = max(replies, key=lambda one: json.dumps(one.structured).count('"mangled_name"'))
    event = reply.structured["results"][0]
    frames = [frame for one in event["properties"]["$exception_list"] for frame in one["stacktrace"]["frames"]]
    assert len(frames) >= 30
    assert event["uuid"] in reply.text
    assert event["timestamp"][:19] in reply.text
    for frame in frames:
        assert f"({frame['source']}:{frame['line']}" in reply.text
        assert (frame["resolved_name"] or frame["mangled_name"]) in reply.text
    shown = [line for line in reply.text.splitlines() if re.match(r" +[* ] \S+ \(", line)]
    assert len(shown) == len(frames)


def test_the_budgets_are_met_by_the_tools_as_they_are() -> None:
    rows = re.findall(r"^\| (.+?) \| \d+ \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    measured = {name: int(tokens.replace(",", "")) for name, tokens in rows}
    ratios = [float(ratio) for ratio in re.findall(r"\| (0\.\d\d) \| \d+ \|$", PAGE, re.M)]
    digest = hashlib.sha256(TOOL_LIST.read_bytes()).hexdigest()

    assert digest in PAGE, "make generate"
    assert {name: measured[name] <= budget for name, budget in BUDGETS.items()} == dict.fromkeys(BUDGETS, True)
    assert len(ratios) == 3
    assert max(ratios) <= 0.6


def test_a_result_costs_the_same_tokens_in_every_family_of_clients() -> None:
    section = PAGE.partition("## Results\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .+? \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", section, re.MULTILINE)

    assert len(rows) == 3
    for text, structured, both, official in rows:
        assert text == structured == both
        assert int(both) < int(official)
    assert all(f"| {family.name} | {family.gets} | {family.clients} |" in PAGE for family in FAMILIES)


def test_the_figures_of_the_readme_are_those_of_the_page() -> None:
    readme = README.read_text("utf-8")

    assert with_figures(readme, PAGE) == readme, "make generate"


def test_the_readme_counts_no_tools_by_hand() -> None:
    before, _, rest = README.read_text("utf-8").partition("<!-- tokens -->")
    _, marked, after = rest.partition("<!-- end of tokens -->")

    assert marked
    assert re.findall(r"\b\d+ (?:\w+ )?(?:tools|names)\b", before + after) == []


def test_the_tool_list_takes_the_share_of_tokens_that_the_readme_names() -> None:
    tokens = [
        int(re.findall(rf"^\| {name}.* \| \d+ \| ([\d,]+) \|$", PAGE, re.MULTILINE)[0].replace(",", ""))
        for name in ("the tools that PostHog's own server has too", "PostHog's own server")
    ]

    assert "take a fifteenth of the tokens" in " ".join(README.read_text("utf-8").split())
    assert round(tokens[1] / tokens[0]) == 15
