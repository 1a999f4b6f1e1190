"""A stack trace as people read one: nearest to the error first, the app's own frames marked, and why PostHog could not
resolve a frame."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import Lines, as_object, as_objects, number_of, text_of
from mcp_errortracking.catalog.frame_positions import (
    Position,
    failure_of,
    is_bytecode,
    missing_ref,
    position_of,
    position_of_top_frame,
)

MAX_FRAMES = 50
_IN_EXCEPTIONS = ("$exception_list", "$exception_types", "$exception_values")
_CONTEXT_LINES = 3
_MOST_EXCEPTIONS, _MOST_VARIABLES = 50, 100
_MOST_IN_LEGEND = 5000
"""Frames that are searched for marks; far more than are shown."""
_SAYS_NOTHING = ("", "generic", "chained")
"""Types of mechanisms that SDKs send by default, and for causes."""
_LONGEST_TYPE = 60
_MODULE_MARKS = str.maketrans(".:\\", "///")


def show_event(
    event: dict[str, Any], max_frames: int = MAX_FRAMES, page: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """An event with its exceptions as lines; every other property stays a field.

    Args:
        page: the number of exceptions of each event on the page, by uuid (see `exceptions_by_event`).

    A property with the name of one of PostHog's fields, or of ours, never takes its place: it is shown below
    `properties`.
    """
    properties = as_object(event.get("properties"))
    exceptions = as_objects(properties.get("$exception_list"))
    left_out = _IN_EXCEPTIONS if exceptions else ()
    own = {name: value for name, value in event.items() if name != "properties"}
    taken = {*own, "exceptions", "properties"}
    rest = {name: value for name, value in properties.items() if name not in left_out and name not in taken}
    same = {name: value for name, value in properties.items() if name in taken}
    shown = {**own, **rest}
    if same:
        shown["properties"] = same
    if exceptions:
        stack = _StackOf(properties.get("$lib"), text_of(event, "uuid"), page or {})
        shown["exceptions"] = _show_exceptions(exceptions, max_frames, stack)
    return shown


def exceptions_by_event(events: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return the number of exceptions of each event, by uuid."""
    return {
        text_of(event, "uuid"): len(as_objects(as_object(event.get("properties")).get("$exception_list")))
        for event in events
    }


def legend(events: list[dict[str, Any]]) -> list[str]:
    """Return notes on the marks in these events' exceptions, and what to do about them."""
    found = list(islice(_frames_of(events), _MOST_IN_LEGEND))
    frames = [frame for frame, _ in found]
    notes = list[str]()
    if any(frame.get("in_app") for frame in frames):
        notes.append("* marks frames of the app's own code.")
    if any(failure_of(frame) for frame in frames):
        notes.append(
            "Frames that are not resolved need the source map of that very build; error-tracking-symbol-sets-list with "
            "ref: the chunk says what PostHog holds."
        )
    if any(position_of(frame, library).is_uncertain for frame, library in found):
        notes.append('"10 or 11": the event does not say if a source map was used; without one the first is the line.')
    return notes


def _frames_of(events: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the frames, those nearest to each error first, each with the `$lib` of its event."""
    for event in events:
        properties = as_object(event.get("properties"))
        for exception in as_objects(properties.get("$exception_list")):
            for frame in reversed(as_objects(as_object(exception.get("stacktrace")).get("frames"))):
                yield frame, properties.get("$lib")


def show_frame(frame: dict[str, Any], library: Any = None, line: int | None = None) -> str:
    """One frame: `function (path:line:column)`, or what is known of it and why it is not resolved.

    Args:
        library: `$lib` of the event, if known.
        line: the number of its line of source, which is certain, if known.
    """
    name = text_of(frame, "resolved_name", "mangled_name") or "?"
    failure = failure_of(frame)
    if is_bytecode(frame, library) and number_of(frame, "column") is not None:
        # As Hermes itself writes a bytecode offset, so that a reader of stack traces does not take it for a column.
        place = f"address at {_source_name(frame)}:{number_of(frame, 'line') or 1}:{number_of(frame, 'column')}"
    else:
        position = position_of(frame, library)
        place = _place(frame, position if line is None else Position(line, position.column))
    text = f"{name} ({place}){_module_of(frame, name)}"
    if failure:
        # The chunk names the missing source map; the raw id can be used to get the frame again.
        chunk = text_of(frame, "chunk_id")
        known = {"chunk": "" if chunk == missing_ref(frame) else chunk, "raw_id": text_of(frame, "raw_id")}
        ids = "".join(f", {label} {value}" for label, value in known.items() if value)
        text += f" [not resolved: {failure}{ids}]"
    return text


def show_record(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a stack frame (contract 6.8) with its contents and its source as lines."""
    contents, context = as_object(record.get("contents")), as_object(record.get("context"))
    if not isinstance(record.get("contents"), dict):
        return record
    shown = {name: value for name, value in record.items() if name not in ("contents", "context", "frame")}
    frame = {name: value for name, value in contents.items() if name not in ("raw_id", "chunk_id")}
    number = number_of(as_object(context.get("line")), "number")
    text = show_frame(frame, line=number)
    mark = "* " if contents.get("in_app") else ""
    return {**shown, "frame": (f"{mark}{text}", *_source(context))}


def show_top_frame(frame: dict[str, Any], library: Any) -> str:
    """The `top_in_app_frame` of an issue, which names its function otherwise: `function (path:line:column)`."""
    name = text_of(frame, "resolved_name", "function", "mangled_name") or "?"
    return f"{name} ({_place(frame, position_of_top_frame(frame, library))})"


def _source_name(frame: dict[str, Any]) -> str:
    """The file of a frame, or its module; a Node frame whose map failed has no file (contract 6.13.4)."""
    return text_of(frame, "source", "module")


def _module_of(frame: dict[str, Any], name: str) -> str:
    """The module of a frame, like ` in com.shop.Cart`; "" if the file or the name says it."""
    source, module = text_of(frame, "source"), text_of(frame, "module")
    said = (f"/{text.translate(_MODULE_MARKS)}/" for text in (source, name))
    is_said = not source or any(f"/{module.translate(_MODULE_MARKS)}/" in one for one in said)
    return "" if is_said or not module else f" in {module}"


def _place(frame: dict[str, Any], position: Position) -> str:
    source, at = _source_name(frame), str(position)
    if at and not source:
        return f"line {at}" if position.column is None else f"unknown file:{at}"
    return f"{source}:{at}" if at else source


@dataclass(frozen=True, slots=True)
class _StackOf:
    """An event whose stacks are shown: its SDK, its uuid, and the other events of the page."""

    library: Any
    uuid: str
    page: Mapping[str, int]

    def reference(self, stack: dict[str, Any]) -> list[str]:
        """A line for a stack that PostHog sends only once on a page, elsewhere."""
        uuid, index = text_of(stack, "same_as_event"), number_of(stack, "same_as_exception")
        if not uuid:
            return []
        exception = "" if index is None else f"exception {index + 1}"
        if uuid == self.uuid:
            return [f"  same stack as {exception or 'another exception'} of this event"]
        number = self.page.get(uuid)
        of_exception = f"{exception} of " if exception and number != 1 else ""
        return [f"  same stack as {of_exception}event {uuid}{'' if number else ', which is not on this page'}"]


def _show_exceptions(exceptions: list[dict[str, Any]], max_frames: int, event: _StackOf) -> Lines:
    lines, before = list[str](), ""
    for index, exception in enumerate(exceptions[:_MOST_EXCEPTIONS]):
        mechanism = _mechanism(exception)
        cause = "caused by " if index else ""
        # PostHog leaves an empty text out.
        title = ": ".join(str(part) for part in (exception.get("type"), exception.get("value")) if part is not None)
        lines.append(f"{cause}{title or 'exception'}{mechanism if mechanism != before else ''}")
        before = mechanism
        stack = as_object(exception.get("stacktrace"))
        lines += event.reference(stack)
        frames = as_objects(stack.get("frames"))[::-1]
        if stack.get("type") == "resolved" and "frames" not in stack:
            lines.append("  no frame of the app's own code; onlyAppFrames false shows the others")
        shown = _chosen(frames, max_frames)
        max_frames -= len(shown)
        for frame in shown:
            lines.append(f"  {'*' if frame.get('in_app') else ' '} {show_frame(frame, event.library)}")
            lines += _variables(frame)
        if len(frames) > len(shown):
            lines.append(f"  {len(frames) - len(shown)} frames left out; maxFrames raises the number")
        omitted = number_of(stack, "frames_omitted")
        if omitted:
            lines.append(f"  {omitted} outer frames omitted by PostHog")
    if len(exceptions) > _MOST_EXCEPTIONS:
        lines.append(f"{len(exceptions) - _MOST_EXCEPTIONS} exceptions left out")
    return tuple(lines)


def _mechanism(exception: dict[str, Any]) -> str:
    """The way the SDK caught an exception, like ` (unhandled, onerror)`; "" if it sent nothing that says it."""
    mechanism = as_object(exception.get("mechanism"))
    handled, kind = mechanism.get("handled"), text_of(mechanism, "type")
    words = [{True: "handled", False: "unhandled"}[handled]] if isinstance(handled, bool) else []
    if kind not in _SAYS_NOTHING and len(kind) <= _LONGEST_TYPE:
        words.append(kind)
    if mechanism.get("synthetic") is True:
        words.append("synthetic")
    return f" ({', '.join(words)})" if words else ""


def _chosen(frames: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """As many frames, in their order: those of the app's own code before any other, then those nearest to the error."""
    if len(frames) <= number:
        return frames
    own = list(islice((index for index, frame in enumerate(frames) if frame.get("in_app")), number))
    others = islice((index for index, frame in enumerate(frames) if not frame.get("in_app")), number - len(own))
    return [frames[index] for index in sorted([*own, *others])]


def _source(context: dict[str, Any]) -> list[str]:
    """The lines of source of a record: the frame's, and those around it."""
    before = as_objects(context.get("before"))[-_CONTEXT_LINES:]
    after = as_objects(context.get("after"))[:_CONTEXT_LINES]
    at = as_object(context.get("line"))
    if not isinstance(at.get("line"), str):
        return []
    return [
        f"    {'>' if line is at else ' '} {line.get('number')}| {line.get('line')}" for line in [*before, at, *after]
    ]


def _variables(frame: dict[str, Any]) -> list[str]:
    variables: Any = frame.get("code_variables")
    if not isinstance(variables, dict):
        return []
    known = cast("dict[str, Any]", variables)
    lines = [f"      {name} = {value}" for name, value in islice(known.items(), _MOST_VARIABLES)]
    if len(known) > _MOST_VARIABLES:
        lines.append(f"      {len(known) - _MOST_VARIABLES} variables left out")
    return lines
