"""Arguments that clients add to a call, or send in another form, before any tool is known to the call."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from pydantic_core import from_json

from mcp_errortracking.server.argument_limits import is_parsable

ADDED: Mapping[str, str] = {
    "toolCallId": "n8n (n8n-io/n8n#21500, #21716)",
    "tool": "n8n (n8n-io/n8n#21500, #35067)",
    "sessionId": "n8n (n8n-io/n8n#22787)",
    "action": "n8n (n8n-io/n8n#22787)",
    "chatInput": "n8n (n8n-io/n8n#22787)",
    "wait_for_previous": "Gemini CLI (google-gemini/gemini-cli#27403)",
    "waitForPreviousTools": "Antigravity, whose own tools have it",
    "task_progress": "Cline (cline/cline#8256, #9919, #10426)",
    "random_string": 'Cursor, as the "dummy parameter for no-parameter tools"',
    "dummy": "clients that cannot send an empty object",
    "_meta": "clients that put the metadata of the request among the arguments",
}
"""Names that clients add on their own, never for the user, with the client and the report of it.

They are ignored where the tool has no argument of the name; any other unknown name is refused, with the nearest one.
"""


def without_added(arguments: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the arguments without those that a client added.

    Args:
        known: the names of the tool's arguments.
    """
    return {name: value for name, value in arguments.items() if name in known or name not in ADDED}


async def read_text_arguments(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Middleware of the SDK's server: read the `arguments` of a tool call that are one string of JSON.

    The SDK refuses such a call before the tool is known. What is not an object stays as it is, for its refusal.
    """
    params = ctx.params if ctx.method == "tools/call" else None
    text = cast("dict[str, Any]", params).get("arguments") if isinstance(params, dict) else None
    if isinstance(text, str):
        arguments = _object_of(text)
        if arguments is not None:
            ctx = replace(ctx, params={**cast("dict[str, Any]", params), "arguments": arguments})
    return await call_next(ctx)


def _object_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a text, an empty one for a blank text or null; None for anything else."""
    if not text.strip():
        return {}
    if not is_parsable(text):
        return None
    try:
        value = from_json(text)
    except (ValueError, TypeError):  # a lone surrogate is the latter
        return None
    return {} if value is None else cast("dict[str, Any]", value) if isinstance(value, dict) else None
