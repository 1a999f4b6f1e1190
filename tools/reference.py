"""Writes what can be derived from the code: docs/tools.md from the catalog, docs/settings.md, the table of fields in
docs/sandbox.md from the seed's model, that of clients in docs/deploy.md from the tests, and the tools of manifest.json.

    python -m tools.reference
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp_errortracking import __version__
from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS, Declaration, Endpoint
from mcp_errortracking.config import GROUPS
from mcp_errortracking.config.settings import Setting, settings_of
from mcp_errortracking.sandbox.seed import Seed
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.schema import input_schema
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.clients.matrix import table

ROOT = Path(__file__).parents[1]
_FIELDS = "fields"
_CLIENTS = "clients"

_HEAD = """\
# Tools

Written by `python -m tools.reference` from the catalog (`mcp_errortracking/catalog/`); do not edit.

Paths are below `/api/projects/:project_id/error_tracking/`, and those with a slash before them below
`/api/projects/:project_id/`. Arguments without "required" may be left out. `mcp-errortracking call TOOL 'JSON'` calls a
tool from a shell, whatever the server offers.

"""

_SETTINGS_HEAD = """\
# Settings

Written by `python -m tools.reference` from the declarations in `mcp_errortracking/config/`; do not edit.

An option of the command line wins over its variable, and a variable over the default. An ASGI host of
`mcp_errortracking.asgi:create_app` has the variables alone; `MCP_TRANSPORT` is `http` there unless you set it to `sse`.
A variable that is blank counts as not set, and so does one with an unfilled `${...}`. If a value is wrong, the command
stops, and its message names the setting and the allowed values. A variable whose name is almost one of these gets a
warning with the right name.

Variables of switches take 1, true, yes, on, 0, false, no and off. Their options have a second form that switches them
off, such as `--no-read-only`. An empty list (`--exclude ""`) overrides the variable.

Claude Code has a variable `MCP_TIMEOUT` too, in milliseconds, and its servers may inherit it. So over stdio, and in
commands such as `call`, a value of it that is out of bounds is ignored, with a warning; set `--timeout` there.
"""

_NO_TOOLS = (
    ("POST symbol_sets/, POST symbol_sets/start_upload/", "deprecated; bulk-start-upload does the same, and more"),
    ("PUT, PATCH symbol_sets/:id/", "change nothing"),
    ("GET git-provider-file-links/resolve_github/, .../resolve_gitlab/", "PostHog lets no personal API key call them"),
    (
        "sentry_migrations/",
        "imports from another tracker: paths and scopes are not confirmed",
    ),
    ("alerts/", "behind a feature flag; the alerts that people have are hog functions, which the alert tools work on"),
)
"""What PostHog has and is no tool here, and why."""

_STRICTER = (
    ("issues-partial-update, settings-update, spike-detection-config-update", "without anything to change"),
    ("issues-partial-update", "with empty texts alone: some clients send them for what is left out; null clears"),
    ("issues-merge-create", "an issue into itself"),
    ("issues-split-create", "without fingerprints"),
    ("issues-assign-partial-update", "without `assignee`: PostHog would unassign; say so with null"),
    ("suppression-rules-create", "without `filters`: PostHog would drop every exception; say so with empty `values`"),
    (
        "alerts-create",
        "without a trigger of error tracking, or of another type: it would be no alert",
    ),
    ("alerts-partial-update", "that takes the trigger or the name away"),
    ("alerts-delete, alerts-partial-update", "for a hog function that is no alert of error tracking"),
    ("every id", "that is no UUID: newer servers answer 500"),
    ("every filter", "that is none: the official schema lets any object pass"),
)
"""What PostHog's own MCP server sends and we refuse."""


_OLDER = {
    400: "400: it takes the path for that of an object.",
    403: "403: it lets no API key do this.",
    404: "`Endpoint not found.`",
    405: "405: it takes the path for that of an object.",
}


def reference(_page: str = "") -> str:
    """docs/tools.md, the whole page."""
    sections = [_section(endpoint) for endpoint in (*CATALOG.values(), *WORKFLOWS)]
    parts = [_HEAD + _toolsets(), _requests(), _not_tools(), *sections, _shapes()]
    return "\n".join(parts)


def _toolsets() -> str:
    lines = ["| toolset | tools |", "| --- | --- |"]
    for name, tools in TOOLSETS.items():
        said = {
            "default": f"{len(tools)}, what is offered unless you choose: the two lists below (and `source_maps`)",
            "all": f"{len(tools)}, everything on this page (and `source_maps`)",
            "documented": f"{len(tools)}, the endpoints on PostHog's public page",
            "official": f"{len(tools)}, the error-tracking tools of PostHog's own MCP server",
        }.get(name)
        lines.append(f"| `{name}` | {said or ', '.join(f'[{_short(tool)}](#{tool})' for tool in tools)} |")
    for name in dict.fromkeys(workflow.toolset for workflow in WORKFLOWS):
        tools = [workflow.tool for workflow in WORKFLOWS if workflow.toolset == name]
        lines.append(f"| `{name}` | {', '.join(f'[{tool}](#{tool})' for tool in tools)} |")
    return "\n".join(lines) + "\n"


def _short(tool: str) -> str:
    return tool.replace("error-tracking-", "")


def _requests() -> str:
    rows = [
        f"| [{tool}](#{tool}) | `{endpoint.method} {_path(endpoint)}` | {_scopes(endpoint)} | {_default(tool)} |"
        for tool, endpoint in CATALOG.items()
    ]
    return "\n".join(["| tool | request | scope of the key | by default |", "| --- | --- | --- | --- |", *rows, ""])


def _default(tool: str) -> str:
    return "yes" if tool in TOOLSETS["default"] else ""


def _not_tools() -> str:
    none = [f"| `{what}` | {why} |" for what, why in _NO_TOOLS]
    stricter = [f"| {what} | {why} |" for what, why in _STRICTER]
    return "\n".join(
        [
            "What PostHog has and is no tool here:",
            "",
            *("| request | why |", "| --- | --- |", *none),
            "",
            "What PostHog's own MCP server sends, and this one refuses with a word:",
            "",
            *("| tool | a call |", "| --- | --- |", *stricter),
            "",
        ]
    )


def _path(endpoint: type[Endpoint]) -> str:
    below = endpoint.path.removeprefix("error_tracking/")
    return below if below != endpoint.path else f"/{endpoint.path}"


def _scopes(endpoint: type[Declaration]) -> str:
    return " and ".join(f"`{scope}`" for scope in endpoint.scopes)


def _section(endpoint: type[Declaration]) -> str:
    schema = input_schema(endpoint)
    lines = [f"## {endpoint.tool}", "", endpoint.summary, ""]
    does = f"`{endpoint.method} {_path(endpoint)}`" if issubclass(endpoint, Endpoint) else "Works on local files"
    lines.append(f"{does}, scope {_scopes(endpoint)}, {_manner(endpoint)}.")
    aliases = [alias for alias, tool in ALIASES.items() if tool == endpoint.tool]
    if endpoint.since and issubclass(endpoint, Endpoint):
        answer = _OLDER[endpoint.older_status]
        lines.append(f"In PostHog since {endpoint.since}; an older server answers {answer}")
    if aliases:
        lines.append(f"Also understood as `{'`, `'.join(aliases)}`.")
    properties: dict[str, Any] = schema["properties"]
    if properties:
        lines += ["", "| argument | type | |", "| --- | --- | --- |"]
        lines += [_argument(name, field, name in schema.get("required", [])) for name, field in properties.items()]
    lines += ["", "```json", json.dumps(example(endpoint), ensure_ascii=False), "```", ""]
    return "\n".join(lines)


def _shapes() -> str:
    """The shapes that several tools share."""
    shared: dict[str, Any] = {}
    for endpoint in CATALOG.values():
        shared |= input_schema(endpoint).get("$defs", {})
    lines = list[str]()
    for name, schema in shared.items():
        lines += [f"## {name}", "", "```json", json.dumps(schema, indent=1, ensure_ascii=False), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _manner(endpoint: type[Declaration]) -> str:
    if endpoint.read_only:
        return "reads only"
    kind = "overwrites or deletes" if endpoint.destructive else "adds"
    return f"{kind}; {'repeating it changes nothing more' if endpoint.idempotent else 'repeating it does it again'}"


def _argument(name: str, field: dict[str, Any], required: bool) -> str:
    notes = [field.get("description", ""), "required" if required else ""]
    return f"| `{name}` | {_type(field)} | {'; '.join(note.rstrip('.') for note in notes if note)} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    kind = field.get("type", "any")
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object" and "properties" in field:
        return "object: " + ", ".join(f"`{name}`" for name in field["properties"])
    return field.get("format", kind) if isinstance(kind, str) else " or ".join(kind)


def seed_fields() -> str:
    """The tables of docs/sandbox.md: what each entry of a seed may hold."""
    schema = Seed.model_json_schema()
    shapes: dict[str, Any] = schema["$defs"]
    tables = ["| entry | its fields |", "| --- | --- |"]
    for name, field in schema["properties"].items():
        reference = field.get("items", field).get("$ref", "").rsplit("/", 1)[-1]
        fields = shapes[reference]["properties"]
        required = shapes[reference].get("required", [])
        shown = [_seed_field(own, shape, own in required) for own, shape in fields.items()]
        tables.append(f"| `{name}` | {', '.join(shown)} |")
    return "\n".join(tables)


def _seed_field(name: str, shape: dict[str, Any], required: bool) -> str:
    said = shape.get("description", "").rstrip(".")
    notes = [note for note in ("required" if required else "", said[:1].lower() + said[1:]) if note]
    return f"`{name}` ({'; '.join(notes)})" if notes else f"`{name}`"


def settings_page(_page: str = "") -> str:
    """Return docs/settings.md, the whole page."""
    return "\n".join([_SETTINGS_HEAD, *(_settings_of(name) for name in GROUPS)])


def _settings_of(group: str) -> str:
    head = [f"## {group}", "", "| option | variable | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *(_setting(one) for one in settings_of(GROUPS[group])), ""])


def _setting(one: Setting) -> str:
    option = f"`{one.option}`" if one.option else "-"
    variable = f"`{one.variable}`" if one.variable else "-"
    return f"| {option} | {variable} | {one.shown_default} | {one.allowed} | {one.help} |"


def with_seed_fields(page: str) -> str:
    """docs/sandbox.md with its generated table."""
    return _replaced(page, _FIELDS, seed_fields())


def with_clients(page: str) -> str:
    """docs/deploy.md with the clients that the tests run."""
    return _replaced(page, _CLIENTS, table())


def _replaced(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{text}\n{end}{tail}"


def with_tools(manifest: str) -> str:
    """manifest.json with the tools that are offered by default."""
    data = json.loads(manifest)
    offered = [(tool, CATALOG[tool]) for tool in TOOLSETS["default"]]
    data["version"] = __version__
    data["tools"] = [{"name": tool, "description": endpoint.summary} for tool, endpoint in offered]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


WRITTEN: dict[Path, Callable[[str], str]] = {
    ROOT / "docs" / "tools.md": reference,
    ROOT / "docs" / "settings.md": settings_page,
    ROOT / "docs" / "sandbox.md": with_seed_fields,
    ROOT / "docs" / "deploy.md": with_clients,
    ROOT / "manifest.json": with_tools,
}
"""Each file that is written, and what makes its text from the one it has."""


if __name__ == "__main__":
    for file, write in WRITTEN.items():
        file.write_text(write(file.read_text("utf-8")), "utf-8")
