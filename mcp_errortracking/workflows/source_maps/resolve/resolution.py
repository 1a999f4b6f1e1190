"""Resolution of frames: from a position in a bundle to the original file, line, column, function and source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.repository.budget import Budget
from mcp_errortracking.workflows.repository.last_commit import Commit, last_commit
from mcp_errortracking.workflows.source_maps.maps.excerpt import excerpt, lines_on_disk
from mcp_errortracking.workflows.source_maps.maps.function_names import find_called_name, find_declared_name
from mcp_errortracking.workflows.source_maps.maps.js_scopes import StepBudget
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines
from mcp_errortracking.workflows.source_maps.maps.source_map import Position
from mcp_errortracking.workflows.source_maps.maps.source_paths import find_on_disk, readable_path
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols
from mcp_errortracking.workflows.source_maps.maps.written_names import find_written_name
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame

_LONGEST_WRITTEN = 500
"""Characters of a hand-written line: longer lines are minified."""
_MAX_STEPS = 2_000_000
"""Steps that the function names of one tool call may take: seconds, in a hostile bundle."""


@dataclass(frozen=True, slots=True)
class Original:
    """The original code of a frame. `line` and `column` count from 1.

    `source`: a readable path. `name`: the identifier at the position. `function`: the original name of the function
    around the position, if it was found (see `function_names`). `context`: lines of source by number, cut off after 300
    characters. `path`: the source on this machine. `is_ignored`: the map marks it as library code.
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
    """A frame with its original, or with the problem that prevented its resolution."""

    frame: Frame
    original: Original | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class _Location:
    """A frame's position in its bundle (line and column from 0), with the original position and the symbols."""

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
    """Resolve frames, in their order. A frame that cannot be resolved does not affect the others.

    Args:
        frames: the innermost call first, as engines print them: a frame's caller is the next one.
        symbols_for: returns the symbols of a frame, or raises `WorkflowError`.
        context: the number of source lines before and after.
        history: find the last commit of each line, if the source lies in a git checkout below the roots. All share a
            budget: once it is exceeded, the other frames get none.
    """
    budget = StepBudget(_MAX_STEPS)
    found = [_locate(frame, symbols_for) for frame in frames]
    commits = Budget() if history else None
    resolved: list[ResolvedFrame] = []
    callers = [*found[1:], None][: len(found)]
    for frame, location, caller in zip(frames, found, callers, strict=True):
        if isinstance(location, Problem):
            resolved.append(ResolvedFrame(frame, None, location))
        else:
            path = find_on_disk(roots, location.position.source or "", location.symbols.map_path)
            on_disk = None if location.position.text is not None else lines_on_disk(roots, path)
            calling = caller if isinstance(caller, _Location) else None
            function = _function(frame.function, location, calling, on_disk, budget)
            original = _original(location, function, path, on_disk, roots, context, commits)
            resolved.append(ResolvedFrame(frame, original, None))
    return resolved


def _locate(frame: Frame, symbols_for: Callable[[Frame], Symbols]) -> _Location | Problem:
    line = frame.line - 1
    try:
        symbols = symbols_for(frame)
        column = _only_column(symbols, line) if frame.column is None else frame.column
        if column is None:
            message = "The frame has no column, and this line of the bundle has more than one original line."
            next_step = (
                "Text copied from PostHog's pages has no columns: give the issue, or the stack from the event or a "
                "console."
            )
            return Problem(frame.place, Explanation("no_column", message, next_step=next_step))
        length = _length(symbols, line)
        if length is not None and column > length:
            message = "The line of the bundle ends before this column, so the frame is of another build."
            return Problem(frame.place, Explanation("not_mapped", message, next_step="Name the deployed files."))
        position = symbols.map.find(line, column)
    except WorkflowError as error:
        return Problem(frame.place, error.explanation)
    if position is None or position.source is None:
        message = (
            "The map has nothing at this position."
            if position is None
            else "The bundler generated this code: it has no source."
        )
        more = "" if frame.column is None else "; columns count from 1"
        next_step = f"Check that bundle and map are of the build that sent the frame{more}."
        return Problem(frame.place, Explanation("not_mapped", message, next_step=next_step))
    return _Location(symbols, position, line, column)


def _only_column(symbols: Symbols, line: int) -> int | None:
    """Return the first mapped column of a line of the bundle; None if it has more than one original line.

    Raises:
        InvalidMapError: the mappings lead outside the sources.
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
    """Return the length of a line of the bundle, with its end; None if the line or the bundle is missing."""
    start, end = symbols.offset(line, 0), symbols.offset(line + 1, 0)
    if start is None:
        return None
    return (len(symbols.text) if end is None else end) - start


def _function(
    name: str | None, location: _Location, caller: _Location | None, on_disk: Lines | None, budget: StepBudget
) -> str | None:
    """Return the original name of the function; the file on disk, which may be of another build, is asked last."""
    position, symbols = location.position, location.symbols
    found = find_written_name(position.text, position, budget)
    if found is None and name is not None and not symbols.is_hermes:
        found = find_declared_name(symbols, location.line, location.column, name, budget)
        if found is None and caller:
            found = find_called_name(caller.symbols, caller.line, caller.column, name)
    if found is None:
        found = find_written_name(on_disk, position, budget)
    return name if found is None and symbols.is_hermes else found  # Hermes keeps the names of Metro's bundle


def _original(
    location: _Location,
    function: str | None,
    path: Path | None,
    on_disk: Lines | None,
    roots: Roots,
    context: int,
    commits: Budget | None,
) -> Original:
    position = location.position
    source = position.source or ""
    text: Sequence[str] = position.text if position.text is not None else on_disk or ()
    commit = None
    if commits and path and 0 < position.line <= len(text):
        commit = last_commit(roots, path, {position.line: text[position.line - 1]}, commits)
    return Original(
        readable_path(source),
        position.line,
        position.column + 1,
        position.name,
        function,
        position.is_ignored,
        excerpt(text, position.line, context),
        path,
        commit,
    )
