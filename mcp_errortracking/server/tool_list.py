"""The tools as JSON, from `tool_list.json`. Reading them imports neither the SDK nor the catalog."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_errortracking.server.apps.pages import with_page

if TYPE_CHECKING:
    from mcp_errortracking.server.confirmation.argument import Mode

TOOL_LIST = Path(__file__).with_name("tool_list.json")


def listed_tools(names: Iterable[str], confirm: "Mode" = "never") -> list[dict[str, Any]]:
    """Return these tools as tools/list names them, in the order of the names.

    Args:
        confirm: the tools whose calls are confirmed; they have one more argument.
    """
    on_file: dict[str, Any] = {tool["name"]: tool for tool in json.loads(TOOL_LIST.read_text("utf-8"))}
    listed = [with_page(on_file[name]) for name in names]
    if confirm == "never":
        return listed
    from mcp_errortracking.server.confirmation.argument import with_argument

    return [with_argument(tool, confirm) for tool in listed]
