"""The tools as JSON, from `tool_list.json`. Reading them imports neither the SDK nor the catalog."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TOOL_LIST = Path(__file__).with_name("tool_list.json")


def listed_tools(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return these tools as tools/list names them, in the order of the names."""
    on_file: dict[str, Any] = {tool["name"]: tool for tool in json.loads(TOOL_LIST.read_text("utf-8"))}
    return [on_file[name] for name in names]
