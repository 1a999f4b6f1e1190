"""PostHog's own command line, `@posthog/cli`: its `call` of tools that ours has by the same names."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.node_tools import modules, node

_DRIVER = Path(__file__).with_name("official.mjs")


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command, the message it failed with, and the requests it sent: method, path, query, body."""

    output: str
    error: str | None
    requests: list[dict[str, Any]]

    def data(self) -> Any:
        """Its JSON; it must not have failed."""
        assert self.error is None, self.error
        return json.loads(self.output)


OFFLINE = "http://posthog.invalid"
"""In place of the address of a PostHog: the requests are recorded, and none is sent."""


def run(url: str, key: str, commands: Sequence[str], project: int = 1) -> list[Answer]:
    """Runs commands against a PostHog, one after another in one process; @3@ is the id that the one at place 3 gave."""
    offline = ["--offline"] if url == OFFLINE else []
    program = modules() / "@posthog/cli/lib/posthog-api-cli.mjs"
    environment = {"POSTHOG_CLI_HOST": url, "POSTHOG_CLI_API_KEY": key, "POSTHOG_CLI_PROJECT_ID": str(project)}
    ran = node(_DRIVER, program, *offline, input=json.dumps(commands), env=environment)
    assert ran.returncode == 0, ran.stderr
    return [Answer(**one) for one in json.loads(ran.stdout)]


def calling(tool: str, arguments: dict[str, Any], *, as_text: bool = False) -> str:
    """The command that calls a tool. It answers in JSON unless text is wanted."""
    return f"call {'' if as_text else '--json '}--confirm {tool} {json.dumps(arguments)}"
