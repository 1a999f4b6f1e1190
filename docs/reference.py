"""Writes docs/tools.md, the reference of every tool, from the catalog:

python docs/reference.py
"""

import json
from pathlib import Path
from typing import Any

from mcp_errortracking.catalog import ALIASES, CATALOG, Endpoint
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.schema import input_schema

TARGET = Path(__file__).with_name("tools.md")

_HEAD = """\
# Tools

Written by `python docs/reference.py` from the catalog (`mcp_errortracking/catalog/`); do not edit.

Arguments without "required" may be left out. `mcp-errortracking call TOOL 'JSON'` calls a tool from a shell.

| tool | request | scope of the key |
| --- | --- | --- |
"""


def reference() -> str:
    """The whole page."""
    rows = [
        f"| [{tool}](#{tool}) | `{endpoint.method} {_path(endpoint)}` | `{endpoint.scope}` |"
        for tool, endpoint in CATALOG.items()
    ]
    return _HEAD + "\n".join(rows) + "\n\n" + "\n".join(_section(endpoint) for endpoint in CATALOG.values())


def _path(endpoint: type[Endpoint]) -> str:
    return f"/api/projects/:project_id/{endpoint.path}"


def _section(endpoint: type[Endpoint]) -> str:
    schema = input_schema(endpoint)
    lines = [f"## {endpoint.tool}", "", f"{endpoint.title}. {endpoint.description}", ""]
    lines.append(f"`{endpoint.method} {_path(endpoint)}`, scope `{endpoint.scope}`, {_manner(endpoint)}.")
    aliases = [alias for alias, tool in ALIASES.items() if tool == endpoint.tool]
    if endpoint.since:
        lines.append(f"In PostHog since {endpoint.since}; an older server answers `Endpoint not found.`")
    if aliases:
        lines.append(f"Also understood as `{'`, `'.join(aliases)}`.")
    properties: dict[str, Any] = schema["properties"]
    if properties:
        lines += ["", "| argument | type | |", "| --- | --- | --- |"]
        lines += [_argument(name, field, name in schema.get("required", [])) for name, field in properties.items()]
    lines += ["", "```json", json.dumps(example(endpoint), ensure_ascii=False), "```", ""]
    return "\n".join(lines)


def _manner(endpoint: type[Endpoint]) -> str:
    if endpoint.read_only:
        return "reads only"
    kind = "overwrites or deletes" if endpoint.destructive else "adds"
    return f"{kind}; {'repeating it changes nothing more' if endpoint.idempotent else 'repeating it does it again'}"


def _argument(name: str, field: dict[str, Any], required: bool) -> str:
    notes = [field.get("description", ""), "required" if required else ""]
    return f"| `{name}` | {_type(field)} | {'; '.join(note.rstrip('.') for note in notes if note)} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"{field['$ref'].rsplit('/', 1)[-1]}"
    kind = field.get("type", "any")
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object" and "properties" in field:
        return "object: " + ", ".join(f"`{name}`" for name in field["properties"])
    return field.get("format", kind) if isinstance(kind, str) else " or ".join(kind)


if __name__ == "__main__":
    TARGET.write_text(reference(), "utf-8")
