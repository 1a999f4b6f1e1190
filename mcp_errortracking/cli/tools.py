"""`mcp-errortracking tools` and `call`: the tools as an agent sees them, and a call from a shell."""

import argparse
import json
import sys
from typing import Any, cast

from mcp_errortracking.cli.connection import (
    EXIT_PROBLEM,
    ask,
    fail,
    print_result,
    read_input,
    time_limit,
    tool_selection,
)
from mcp_errortracking.config import roots_for


def run_tools(options: argparse.Namespace) -> int:
    """Print the tools on offer."""
    from mcp_errortracking.compose import toolbox_for
    from mcp_errortracking.server.tool_list import listed_tools

    selection = tool_selection(options)
    tools = listed_tools(toolbox_for(selection, roots_for(selection, over_network=False)).names, selection.confirm)
    if options.json:
        print(json.dumps({"tools": tools}, ensure_ascii=False))
        return 0
    for tool in tools:
        kind = "reads" if tool["annotations"]["readOnlyHint"] else "writes"
        print(f"{tool['name']} ({kind})\n    {tool['description']}\n")
    return 0


def run_call(options: argparse.Namespace) -> int:
    """Call one tool and print its result."""
    from mcp_errortracking.server.toolbox import UnknownToolError

    text = read_input() if options.arguments == "-" else options.arguments or "{}"
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        return fail(f"the arguments are not JSON ({error}); give an object such as '{{\"limit\": 5}}'{_hint()}")
    if not isinstance(arguments, dict):
        return fail("the arguments are not a JSON object; give one such as '{\"limit\": 5}'")
    selection = tool_selection(options)
    try:
        reply = ask(
            options,
            cast("dict[str, Any]", arguments),
            roots_for(selection, over_network=False),
            time_limit=time_limit(options),
            max_result_tokens=selection.max_result_tokens,
        )
    except UnknownToolError as error:
        return fail(str(error))
    print_result(reply, as_json=options.json)
    return EXIT_PROBLEM if reply.is_error else 0


def _hint() -> str:
    if sys.platform != "win32":
        return ""
    return ". Windows PowerShell removes the quotes: pass it on stdin, '{\"limit\": 5}' | mcp-errortracking call TOOL -"
