"""Tokens of o200k_base that a model gets: the tool list and some results, here and with PostHog's own MCP tools.

Results are measured as each family of clients (`families`) gives them to its model.

python -m benchmarks.tokens            print the page
python -m benchmarks.tokens --write    write docs/tokens.md and the figures of README.md too
"""

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult

from benchmarks import discovery, official
from benchmarks.families import FAMILIES, json_of, text_of
from benchmarks.tokenizer import count
from mcp_errortracking import config
from mcp_errortracking.catalog import CATALOG, TOOLSETS
from mcp_errortracking.compose import proxy_for
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.server.app import build_server
from mcp_errortracking.server.calls import ToolCaller
from mcp_errortracking.server.token_estimate import upper_bound
from mcp_errortracking.server.tools import TOOL_LIST, load_tools
from mcp_errortracking.workflows.registry import WORKFLOWS

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "tokens.md"
README = _ROOT / "README.md"
_BEGIN, _END = "<!-- tokens -->", "<!-- end of tokens -->"
_SHARED = "the tools that PostHog's own server has too"
_LONG = {"include": ["exception", "stacktrace"], "onlyAppFrames": False}


def compact(data: Any) -> str:
    """Return JSON without white space."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def definitions(tools: Iterable[str]) -> list[dict[str, Any]]:
    """Return tools as a client passes them on to a model."""
    return [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in load_tools(tools)
    ]


def rules(number: int) -> list[dict[str, Any]]:
    """Return assignment rules as a project may hold them: no two alike."""
    kinds = ["TypeError", "ReferenceError", "ChunkLoadError", "ValueError", "TimeoutError", "KeyError"]
    return [
        {
            "id": f"0193{n:04x}-7a51-7{n:03x}-8000-3d0f1c9a{n * 977:04x}",
            "filters": {
                "type": "OR" if n % 3 else "AND",
                "values": [
                    {"key": "$exception_types", "type": "event", "value": [kinds[n % 6]], "operator": "exact"},
                    {"key": "$exception_sources", "type": "event", "value": f"src/area-{n}/", "operator": "icontains"},
                ],
            },
            "assignee": {"type": "user", "id": 1000 + n}
            if n % 2
            else {"type": "role", "id": f"0192{n:04x}-11aa-7{n:03x}-9000-77e0c2b1{n * 541:04x}"},
            "order_key": n,
            "disabled_data": None,
            "created_at": f"2026-08-{n % 28 + 1:02d}T14:15:{n % 60:02d}.{n * 1234 % 1000000:06d}Z",
            "updated_at": f"2026-09-{n % 28 + 1:02d}T09:05:{n % 60:02d}.{n * 4321 % 1000000:06d}Z",
        }
        for n in range(number)
    ]


async def _ask(
    sandbox: Sandbox, questions: Sequence[tuple[str, dict[str, Any]]], structured: bool
) -> list[CallToolResult]:
    """Return the results that an MCP client gets, from a server with or without structured results."""
    settings = config.for_sandbox(sandbox.url, sandbox.key, sandbox.project_id)
    async with proxy_for(settings) as proxy:
        server = build_server(proxy, ToolCaller(time_limit=20), structured=structured)
        async with Client(server) as client:
            return [await client.call_tool(tool, arguments) for tool, arguments in questions]


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, aligned: bool = True) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"| --- |{(' ---: |' if aligned else ' --- |') * (len(head) - 1)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]


def _lists() -> list[str]:
    theirs = official.definitions()
    whole = {
        "the default set": definitions(TOOLSETS["default"]),
        _SHARED: definitions(TOOLSETS["official"]),
        "the documented endpoints": definitions(TOOLSETS["documented"]),
        "all of error tracking": definitions(TOOLSETS["all"]),
        "the default set with the source-map tools, as over stdio": definitions(
            [*TOOLSETS["default"], *(tool.tool for tool in WORKFLOWS if tool.in_default)]
        ),
    }
    every = whole["all of error tracking"]
    counts = iter(count([*map(compact, [*whole.values(), theirs]), *map(compact, every), *map(compact, theirs)]))
    totals = {name: next(counts) for name in whole}
    their_total = next(counts)
    each = {tool["name"]: next(counts) for tool in every}
    their_each = {tool["name"]: next(counts) for tool in theirs}
    longest = max(every, key=lambda tool: len(compact(tool["inputSchema"])))
    size = len(compact(longest["inputSchema"]))
    rows = [(name, len(whole[name]), f"{total:,}") for name, total in totals.items()]
    rows.append((f"PostHog's own server ({official.PACKAGE})", len(theirs), f"{their_total:,}"))
    return [
        "## The tool list",
        "",
        "The name, description and input schema of each tool, as compact JSON.",
        "",
        *_table(("list", "tools", "tokens"), rows),
        f"The longest input schema is that of `{longest['name']}`: {size:,} characters.",
        "",
        "## Each tool",
        "",
        *_table(
            ("tool", "tokens", "PostHog's own server"),
            [(f"`{tool}`", each[tool], their_each.get(tool, "")) for tool in CATALOG],
        ),
    ]


def _results() -> list[str]:
    seed = json.loads((files("mcp_errortracking.sandbox") / "default_seed.json").read_text("utf-8"))
    seed["assignment_rules"] = rules(20)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "seed.json")
        file.write_text(json.dumps(seed), "utf-8")
        with Sandbox(("--seed", str(file))) as sandbox:
            issues = {"status": "all", "limit": 25, "dateRange": {"date_from": "-90d"}}
            (found,) = anyio.run(_ask, sandbox, [("query-error-tracking-issues-list", issues)], True)
            deepest = _deepest(sandbox, [issue["id"] for issue in _rows_of(found)])
            questions: dict[str, tuple[str, dict[str, Any]]] = {
                "a list of 20 assignment rules": ("error-tracking-assignment-rules-list", {}),
                "a list of 25 issues": ("query-error-tracking-issues-list", issues),
                "an event with a stack trace of 30 frames": (
                    "query-error-tracking-issue-events",
                    {"issueId": deepest, **_LONG},
                ),
            }
            asked = list(questions.values())
            texts, both = (anyio.run(_ask, sandbox, asked, structured) for structured in (False, True))
            theirs = [official.call(sandbox, tool, arguments) for tool, arguments in asked]
    reads = [family.read(result) for results in (texts, both) for family in FAMILIES for result in results]
    counts = iter(count([*reads, *theirs, *map(json_of, both)]))
    ours, always = ([[next(counts) for _ in questions] for _ in FAMILIES] for _ in range(2))
    their_counts, as_json = ([next(counts) for _ in questions] for _ in range(2))
    by_family = list(zip(*ours, strict=True))
    rows = [
        (
            name,
            *by_family[i],
            their_counts[i],
            as_json[i],
            f"{max(by_family[i]) / as_json[i]:.2f}",
            upper_bound(text_of(texts[i])),
        )
        for i, name in enumerate(questions)
    ]
    names = [family.name for family in FAMILIES]
    head = ("result", *names, "PostHog's own client", "compact JSON", "tokens / compact JSON", "the server's estimate")
    return [
        "## Results",
        "",
        "Tokens that a model gets in each family of clients. Both servers show the same data of the sandbox.",
        "PostHog's own client is its command line, which prints text alone.",
        "",
        *_table(head, rows),
        "## Client families",
        "",
        "The specification leaves it to the client whether the model gets the text of a result, its",
        "`structuredContent`, or both. This server sends text alone, so every model reads the text. No tool has an",
        "output schema, so the tool list is the same in each family too.",
        "",
        *_table(
            ("family", "the model gets", "clients"),
            [(family.name, family.gets, family.clients) for family in FAMILIES],
            aligned=False,
        ),
        "With `--structured always`, for programs, these clients would give their models:",
        "",
        *_table(
            ("result", *names), [(name, *row) for name, row in zip(questions, zip(*always, strict=True), strict=True)]
        ),
    ]


def _rows_of(result: CallToolResult) -> list[dict[str, Any]]:
    return (result.structured_content or {})["results"]


def _deepest(sandbox: Sandbox, issues: list[str]) -> str:
    """Return the issue whose newest event has the most frames."""
    questions = [("query-error-tracking-issue-events", {"issueId": i, **_LONG}) for i in issues]
    results = anyio.run(_ask, sandbox, questions, True)
    return max(zip(results, issues, strict=True), key=lambda pair: json_of(pair[0]).count('"in_app"'))[1]


def report() -> str:
    """Return docs/tokens.md, the whole page."""
    digest = hashlib.sha256(TOOL_LIST.read_bytes()).hexdigest()
    head = [
        "# Tokens",
        "",
        "Generated by `python -m benchmarks.tokens --write`; do not edit. Tokens are those of o200k_base.",
        "",
        f"SHA-256 of the measured tool list (`server/tool_list.json`): `{digest}`.",
        "",
    ]
    return "\n".join([*head, *_results(), *discovery.section(), *_lists()]).rstrip() + "\n"


def with_figures(readme: str, page: str) -> str:
    """Return the README with the figures of docs/tokens.md."""
    head, _, rest = readme.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{_figures(page)}\n{_END}{tail}"


def _figures(page: str) -> str:
    *lists, (_, _, official_tokens) = _rows(page, "The tool list")
    tools = [(name, size, tokens, official_tokens if name == _SHARED else "") for name, size, tokens in lists]
    results = [
        (name, f"{max(map(int, by_family)):,}", ratio, f"{int(official_tokens):,}")
        for name, *by_family, official_tokens, _, ratio, _ in _rows(page, "Results")
    ]
    lines = [
        *_table(("tool list", "tools", "tokens", "PostHog's own server"), tools),
        *_table(
            ("result", "tokens, in any family of clients", "tokens / compact JSON", "PostHog's own client"), results
        ),
        *_search_figures(page),
    ]
    return "\n".join(lines).rstrip()


def _search_figures(page: str) -> list[str]:
    (_, *ours), _, _, (_, *theirs), *_ = _rows(page, "Tool search")
    used, *held_out = (ours[place : place + 3] for place in range(0, len(ours), 3))
    others = "; ".join(f"{first} and {three} of {requests}" for requests, first, three in held_out)
    their_first, their_three = theirs[4:6]
    return [
        f"Tool search (BM25) finds the right tool of the default set first for {used[1]}, and among three for",
        f"{used[2]} of the {used[0]} requests that the descriptions were written with. Of two sets that they were not",
        f"written with: {others}; of PostHog's own tools, {their_first} and {their_three} of the first set.",
    ]


def _rows(page: str, section: str) -> list[list[str]]:
    """Return the cells of the table in a section of the page."""
    text = page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]


def main() -> None:
    """Print the page; with `--write`, write it and the figures of the README."""
    page = report()
    print(page)
    if "--write" in sys.argv:
        PAGE.write_text(page, "utf-8")
        README.write_text(with_figures(README.read_text("utf-8"), page), "utf-8")


if __name__ == "__main__":
    main()
