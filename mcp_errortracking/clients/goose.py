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
        f"    cmd: {json.dumps(entry.command)}",
        f"    args: {json.dumps(list(entry.args))}",
        f"    envs: {json.dumps(entry.env)}",
        "    timeout: 300",
    ]
    return "\n".join(lines)
