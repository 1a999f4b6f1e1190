"""PostHog's own MCP tools, as their command line has them: npm's @posthog/cli, installed into `.venv/official`."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mcp_errortracking.catalog.toolsets import OFFICIAL
from mcp_errortracking.sandbox.process import Sandbox

PACKAGE = "@posthog/cli@0.18.3"
_HOME = Path(__file__).parents[1] / ".venv" / "official"
_PROGRAM = _HOME / "node_modules/@posthog/cli/lib/posthog-api-cli.mjs"


def definitions() -> list[dict[str, Any]]:
    """The error-tracking tools as a client lists them: name, description, inputSchema.

    Raises:
        subprocess.CalledProcessError: npm or node failed.
    """
    _install()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_definition, OFFICIAL))
    return [{name: tool[name] for name in ("name", "description", "inputSchema")} for tool in found]


def call(sandbox: Sandbox, tool: str, arguments: dict[str, Any]) -> str:
    """Return the text of a call's result that a model reads."""
    _install()
    environment = {
        "POSTHOG_CLI_API_KEY": sandbox.key,
        "POSTHOG_CLI_HOST": sandbox.url,
        "POSTHOG_CLI_PROJECT_ID": str(sandbox.project_id),
    }
    return _run(["call", tool, json.dumps(arguments)], environment)


def _definition(tool: str) -> dict[str, Any]:
    return json.loads(_run(["info", "--json", tool], {}))


def _install() -> None:
    if not _PROGRAM.exists():
        _HOME.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--prefix", str(_HOME), "--ignore-scripts", "--no-fund", "--no-audit", "--silent"]
        subprocess.run([*install, PACKAGE], check=True)


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    command = ["node", str(_PROGRAM), *arguments]
    ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return ran.stdout
