"""The frames of an event that PostHog could not resolve, resolved with symbol sets that it has now."""

from dataclasses import replace
from typing import Any

from anyio import to_thread

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.proxy.errors import PostHogError, RateLimitWaitError
from mcp_errortracking.proxy.sender import JsonAnswer
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.issue_brief.frames import MOST_FRAMES, AppFrame
from mcp_errortracking.workflows.issue_brief.reading import Reader
from mcp_errortracking.workflows.source_maps.jobs.symbol_lookup import SymbolFinder
from mcp_errortracking.workflows.source_maps.maps.source_paths import readable_path
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame, foreign_origin, parse_event_frames
from mcp_errortracking.workflows.source_maps.resolve.resolution import ResolvedFrame, resolve

_JAVASCRIPT = ("", "javascript", "hermes", "web:javascript", "node:javascript")


class _LimitedSender:
    """Sends requests as long as the brief has more left than other sections need."""

    def __init__(self, context: Context, reader: Reader, reserved: int) -> None:
        self._sender = context.sender
        self._reader = reader
        self._reserved = reserved

    async def send(self, method: str, path: str, **options: Any) -> JsonAnswer:
        if self._reader.left <= self._reserved:
            raise RateLimitWaitError("The requests of the brief are spent.")
        self._reader.sent += 1
        return await self._sender.send(method, path, **options)


async def resolve_minified(
    context: Context, reader: Reader, event: dict[str, Any], reserved: int
) -> tuple[list[AppFrame], list[str]]:
    """Return the frames that could be resolved, and a line for each of them. Nothing is fetched without roots.

    Args:
        reserved: requests that other sections need.
    """
    frames = _minified(event)
    if not frames or not context.environment.roots:
        return [], []
    finder = SymbolFinder(replace(context, sender=_LimitedSender(context, reader, reserved)), None, is_pasted=False)
    try:
        await finder.download_for(frames)
    except PostHogError:
        return [], []

    def work() -> list[ResolvedFrame]:
        return resolve(frames, finder.symbols, Roots(context.environment.roots), context=0)

    found, lines = list[AppFrame](), list[str]()
    for one in await to_thread.run_sync(work):
        if one.original is not None:
            name = one.original.function or one.frame.function or "?"
            found.append(AppFrame(name, readable_path(one.original.source), one.original.line))
            lines.append(f"resolved here: {name} ({found[-1].place}) from {one.frame.place}")
    return found, lines


def _minified(event: dict[str, Any]) -> list[Frame]:
    properties = as_object(event.get("properties"))
    found = list[Frame]()
    for exception in as_objects(properties.get("$exception_list")):
        stack = as_objects(as_object(exception.get("stacktrace")).get("frames"))
        own = [one for one in stack if one.get("in_app") is True and text_of(one, "lang", "platform") in _JAVASCRIPT]
        found += [frame for frame in parse_event_frames(own, properties.get("$lib")) if not foreign_origin(frame)]
        if len(found) >= MOST_FRAMES:
            break
    return found[:MOST_FRAMES]
