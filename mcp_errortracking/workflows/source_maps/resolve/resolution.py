"""Frames made readable: from a place in a bundle to the original file, line, column, function and source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.source_maps.maps.function_names import called, declared
from mcp_errortracking.workflows.source_maps.maps.js_scopes import Effort
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines, decoded
from mcp_errortracking.workflows.source_maps.maps.source_map import Position
from mcp_errortracking.workflows.source_maps.maps.source_paths import on_disk, readable
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame

_LONGEST_LINE = 300
_LONGEST_WRITTEN = 500
"""Characters of a line that somebody wrote: a longer one is a minifier's."""
_MOST_EFFORT = 2_000_000
"""Steps that the names of a call's functions may take altogether: seconds, in a bundle that was made to be slow."""
_LARGEST_SOURCE = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Original:
    """Where a frame's code comes from. `line` and `column` count from 1.

    `source`: a readable path; `name`: the identifier at the position; `function`: the one the position is in, its
    original name where it could be found (see `function_names`), else None. `context`: lines of source by number, none
    longer than 300 characters. `path`: the source on this machine. `is_ignored`: the map calls it a library's.
    """

    source: str
    line: int
    column: int
    name: str | None
    function: str | None
    is_ignored: bool
    context: dict[int, str]
    path: Path | None
    commit: Commit | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A frame with its original, or with the problem that there is none."""

    frame: Frame
    original: Original | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a frame is in its bundle, line and column from 0, and what stands behind that."""

    symbols: Symbols
    position: Position
    line: int
    column: int


def resolve(
    frames: Sequence[Frame],
    symbols_for: Callable[[Frame], Symbols],
    roots: Roots,
    *,
    context: int = 3,
    history: bool = False,
) -> list[Resolved]:
    """Resolves frames, in their order. A frame that cannot be resolved never stops the others.

    Args:
        frames: the innermost call first, as engines print them: a frame's caller is the next one.
        symbols_for: what resolves a frame; raises `WorkflowError` if there is nothing.
        context: how many lines of source before and after.
        history: look for the last commit of the line, where the source lies in a git checkout below the roots.
    """
    effort = Effort(_MOST_EFFORT)
    found = [_found(frame, symbols_for) for frame in frames]
    resolved: list[Resolved] = []
    for frame, place, caller in zip(frames, found, [*found[1:], None], strict=True):
        if isinstance(place, Problem):
            resolved.append(Resolved(frame, None, place))
        else:
            function = _function(frame.function, place, caller if isinstance(caller, _Place) else None, effort)
            resolved.append(Resolved(frame, _original(place, function, roots, context, history), None))
    return resolved


def _found(frame: Frame, symbols_for: Callable[[Frame], Symbols]) -> _Place | Problem:
    line = frame.line - 1
    try:
        symbols = symbols_for(frame)
        column = _only_column(symbols, line) if frame.column is None else frame.column
        if column is None:
            message = "The frame has no column, and more than one original line stands behind this line of the bundle."
            next_step = (
                "What PostHog's pages copy has none: give the issue, or the stack as the event or a console has it."
            )
            return Problem(frame.place, "no_column", message, next_step)
        length = _length(symbols, line)
        if length is not None and column > length:
            message = "That line of the bundle ends before this column, so the frame is of another build."
            return Problem(frame.place, "not_mapped", message, "Name the files that were deployed.")
        position = symbols.map.find(line, column)
    except WorkflowError as error:
        return Problem.of(frame.place, error)
    if position is None or position.source is None:
        message = "The map has nothing there." if position is None else "The bundler made this code: it has no source."
        more = "" if frame.column is None else "; columns count from 1"
        next_step = f"Check that bundle and map are of the build that sent the frame{more}."
        return Problem(frame.place, "not_mapped", message, next_step)
    return _Place(symbols, position, line, column)


def _only_column(symbols: Symbols, line: int) -> int | None:
    """Where a line of the bundle begins to be mapped, if all of it comes from one original line.

    Raises:
        InvalidMapError: the map leads to nowhere.
    """
    length = _length(symbols, line)
    if length is None:
        return 0 if symbols.text else None
    if length > _LONGEST_WRITTEN:
        return None
    found = [(column, symbols.map.find(line, column)) for column in range(length)]
    mapped = [(column, position) for column, position in found if position and position.source is not None]
    if len({(position.source, position.line) for _, position in mapped}) > 1:
        return None
    return mapped[0][0] if mapped else 0


def _length(symbols: Symbols, line: int) -> int | None:
    """How long a line of the bundle is, with its end; None: there is no such line, or no bundle."""
    start, end = symbols.offset(line, 0), symbols.offset(line + 1, 0)
    if start is None:
        return None
    return (len(symbols.text) if end is None else end) - start


def _function(name: str | None, place: _Place, caller: _Place | None, effort: Effort) -> str | None:
    if place.symbols.is_hermes or name is None:  # Hermes keeps the names
        return name
    original = declared(place.symbols, place.line, place.column, name, effort)
    if original is None and caller:
        original = called(caller.symbols, caller.line, caller.column, name)
    return original


def _original(place: _Place, function: str | None, roots: Roots, context: int, history: bool) -> Original:
    position, symbols = place.position, place.symbols
    source = position.source or ""
    path = on_disk(roots, source, symbols.map_path)
    text = position.text if position.text is not None else _lines(roots, path)
    first, last = max(1, position.line - context), min(len(text), position.line + context)
    lines = {number: text[number - 1][:_LONGEST_LINE] for number in range(first, last + 1)}
    commit = None
    if history and path and 0 < position.line <= len(text):
        commit = last_commit(roots, path, {position.line: text[position.line - 1]})
    return Original(
        readable(source),
        position.line,
        position.column + 1,
        position.name,
        function,
        position.is_ignored,
        lines,
        path,
        commit,
    )


def _lines(roots: Roots, path: Path | None) -> Sequence[str]:
    if path is None:
        return ()
    try:
        return Lines("".join(decoded(roots.read(path, _LARGEST_SOURCE))))
    except WorkflowError:
        return ()
