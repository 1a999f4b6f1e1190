"""The entry of goose, whose configuration is YAML."""

import json

from mcp_errortracking.clients.entry import Entry


def goose_yaml(name: str, entry: Entry) -> str:
    """Return the lines of an extension. Texts are quoted as in JSON, which YAML reads."""
    lines = [
        "extensions:",
        f"  {name}:",
        "    enabled: true",
        "    type: stdio",
        f"    name: {name}",
        "    description: PostHog error tracking",
        f"    cmd: {_text(entry.command)}",
        f"    args: {_text(list(entry.args))}",
        f"    envs: {_text(entry.env)}",
        "    timeout: 300",
    ]
    return "\n".join(lines)


def _text(value: object) -> str:
    """Return a value as JSON, without the pairs of escapes that YAML does not read as one character."""
    return json.dumps(value, ensure_ascii=False)
