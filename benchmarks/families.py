"""The families of MCP clients, by what each gives the model of a tool's result.

The specification leaves it to the client which of the two the model gets, `content` or `structuredContent`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from mcp_types import CallToolResult


def text_of(result: CallToolResult) -> str:
    """Return the text blocks of a result."""
    return "\n".join(block.text for block in result.content if block.type == "text")


def json_of(result: CallToolResult) -> str:
    """Return the structured content of a result as compact JSON; empty if it has none."""
    data = result.structured_content
    return "" if data is None else json.dumps(data, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of clients. `read` returns what the model gets of a result; `clients` names some, and their sources."""

    name: str
    gets: str
    read: Callable[[CallToolResult], str]
    clients: str


FAMILIES = (
    Family(
        "text readers",
        "the text",
        text_of,
        "claude.ai and ChatGPT (users' reports of 2026), opencode since June 2026 and Kimi CLI (their pull requests), "
        "OpenAI Agents 0.24 and langchain-mcp-adapters 0.3 (their source, November 2026)",
    ),
    Family(
        "structured readers",
        "the JSON of `structuredContent`, without it the text",
        lambda result: json_of(result) or text_of(result),
        "Claude Code 2.0.21 to 2.1.280 (measured by a user in September 2026), GitHub Copilot CLI until May 2026 and "
        "Codex and Cursor (reports of 2025 and 2026), pydantic-ai 2.68 (its source, November 2026)",
    ),
    Family(
        "readers of both",
        "the text and the JSON",
        lambda result: "\n".join(part for part in (text_of(result), json_of(result)) if part),
        "newer GitHub Copilot CLI (a report of August 2026), google-adk 2.13 (its source, November 2026); of VS Code, "
        "reports disagree: structured only, or both",
    ),
)
