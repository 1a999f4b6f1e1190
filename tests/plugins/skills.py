"""The skills of the plugin, read as an agent reads them: the calls that each names, in order."""

import json
import re
from pathlib import Path
from typing import Any

from mcp import Client

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugins" / "mcp-errortracking"
SKILLS = sorted((PLUGIN / "skills").glob("*/SKILL.md"))
_CALL = re.compile(r"`([a-z-]+) (\{.*?\})`")


def calls_of(skill: Path) -> list[tuple[str, str]]:
    """Return the calls that a skill shows, each a tool and its arguments as JSON with `<placeholders>`."""
    return _CALL.findall(skill.read_text("utf-8"))


class Follower:
    """An agent that makes the calls of a skill in its order, and none else."""

    def __init__(self, client: Client, skill: str) -> None:
        self._client = client
        self._calls = calls_of(PLUGIN / "skills" / skill / "SKILL.md")
        self.text = ""
        """The text of the last result: what a model reads."""

    @property
    def left(self) -> list[str]:
        """The tools of the calls that were not made."""
        return [tool for tool, _ in self._calls]

    async def make(self, tool: str, *, fails: bool = False, **values: Any) -> dict[str, Any]:
        """Make the next call, which must be of this tool, and return its structured result.

        Args:
            fails: the result is an error.
            values: for the placeholders, by their names.
        """
        name, shown = self._calls.pop(0)
        assert name == tool
        for placeholder in re.findall(r'"<([\w -]+)>"', shown):
            shown = shown.replace(f'"<{placeholder}>"', json.dumps(values.pop(placeholder.replace("-", ""))))
        assert (values, "<" in shown) == ({}, False)
        result = await self._client.call_tool(tool, json.loads(shown))
        self.text = "\n".join(block.text for block in result.content if block.type == "text")
        assert result.is_error == fails, self.text
        assert result.structured_content is not None
        return result.structured_content
