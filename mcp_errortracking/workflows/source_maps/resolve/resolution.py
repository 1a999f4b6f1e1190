"""Frames made readable: from a location in a bundle to the original file, line, column, function and source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.source_maps.maps.function_names import find_called_name, find_declared_name
from mcp_errortracking.workflows.source_maps.maps.js_scopes import StepBudget
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines, decode_pieces
from mcp_errortracking.workflows.source_maps.maps.source_map import Position
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk, readable_path
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame

_LONGEST_LINE = 300
_LONGEST_WRITTEN = 500
"""Characters of a line that somebody wrote: a longer one is a minifier's."""
_MAX_STEPS = 2_000_000
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
class ResolvedFrame:
    """A frame with its original, or with the problem that there is none."""

    frame: Frame
    original: Original | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class _Location:
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
) -> list[ResolvedFrame]:
    """Resolve frames, in their order. A frame that cannot be resolved never stops the others.

    Args:
        frames: the innermost call first, as engines print them: a frame's caller is the next one.
        symbols_for: what resolves a frame; raises `WorkflowError` if there is nothing.
        context: how many lines of source before and after.
        history: look for the last commit of the line, where the source lies in a git checkout below the roots.
    """
    budget = StepBudget(_MAX_STEPS)
    found = [_locate(frame, symbols_for) for frame in frames]
    resolved: list[ResolvedFrame] = []
    for frame, location, caller in zip(frames, found, [*found[1:], None], strict=True):
        if isinstance(location, Problem):
            resolved.append(ResolvedFrame(frame, None, location))
        else:
            function = _function(frame.function, location, caller if isinstance(caller, _Location) else None, budget)
            resolved.append(ResolvedFrame(frame, _original(location, function, roots, context, history), None))
    return resolved


def _locate(frame: Frame, symbols_for: Callable[[Frame], Symbols]) -> _Location | Problem:
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
    return _Location(symbols, position, line, column)


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


def _function(name: str | None, location: _Location, caller: _Location | None, budget: StepBudget) -> str | None:
    if location.symbols.is_hermes or name is None:  # Hermes keeps the names
        return name
    original = find_declared_name(location.symbols, location.line, location.column, name, budget)
    if original is None and caller:
        original = find_called_name(caller.symbols, caller.line, caller.column, name)
    return original


def _original(location: _Location, function: str | None, roots: Roots, context: int, history: bool) -> Original:
    position, symbols = location.position, location.symbols
    source = position.source or ""
    path = find_on_disk(roots, source, symbols.map_path)
    text = position.text if position.text is not None else _lines(roots, path)
    first, last = max(1, position.line - context), min(len(text), position.line + context)
    lines = {number: text[number - 1][:_LONGEST_LINE] for number in range(first, last + 1)}
    commit = None
    if history and path and 0 < position.line <= len(text):
        commit = last_commit(roots, path, {position.line: text[position.line - 1]})
    return Original(
        readable_path(source),
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
        return Lines("".join(decode_pieces(roots.read(path, _LARGEST_SOURCE))))
    except WorkflowError:
        return ()
