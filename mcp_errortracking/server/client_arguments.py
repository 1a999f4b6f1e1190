"""Arguments that clients add to a call, or send in another form, before any tool is known to the call."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
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


WITHOUT_EFFECT: Mapping[str, str] = {
    "output_format": "results are text; a program gets JSON with call --json or --structured always",
    "verbosity": "this tool shows all that it has",
}
"""Arguments of PostHog's skills and older tools that change nothing here, with the reason that a note gives."""

_IGNORED = frozenset(ADDED) | frozenset(WITHOUT_EFFECT)


def without_added(arguments: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the arguments without those that a client added, and those without effect.

    Args:
        known: the names of the tool's arguments.
    """
    return {name: value for name, value in arguments.items() if name in known or name not in _IGNORED}


def notes_on_ignored(arguments: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Return a note on each argument that was taken and has no effect.

    Args:
        known: the names of the tool's arguments.
    """
    ignored = [name for name in WITHOUT_EFFECT if name in arguments and name not in known]
    return [f"{name} has no effect: {WITHOUT_EFFECT[name]}." for name in ignored]


def wrapped(arguments: dict[str, Any], fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return the arguments with the members of one object, given beside the others, put into that object.

    A model that leaves out `filters` sends its `type` and `values` so. The members must be all that is unknown, and
    have all that the object needs.

    Args:
        fields: the arguments of the tool.
    """
    loose = {name: value for name, value in arguments.items() if name not in fields}
    for name, info in fields.items() if loose else ():
        model = _model_of(info.annotation)
        if model is None or name in arguments:
            continue
        members = model.model_fields
        needed = {member for member, inner in members.items() if inner.is_required()}
        if needed and needed <= loose.keys() <= members.keys():
            return {**{known: value for known, value in arguments.items() if known in fields}, name: loose}
    return arguments


def _model_of(annotation: object) -> type[BaseModel] | None:
    """Return the model of an argument that is one object, and not a list of them."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    inner = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return next((model for model in map(_model_of, inner) if model), None)


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
        value = from_json(text, allow_inf_nan=False)
    except (ValueError, TypeError):  # a lone surrogate is the latter
        return None
    return {} if value is None else cast("dict[str, Any]", value) if isinstance(value, dict) else None
