"""Frames made readable: from a place in a bundle to the original file, line, column, function and source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.workflows.frames import Frame
from mcp_errortracking.workflows.function_names import called, declared
from mcp_errortracking.workflows.history import Commit, last_commit
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.roots import Roots
from mcp_errortracking.workflows.source_map import Position
from mcp_errortracking.workflows.source_paths import on_disk, readable
from mcp_errortracking.workflows.symbols import Symbols

_LONGEST_LINE = 300
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
    found = [_position(frame, symbols_for) for frame in frames]
    resolved: list[Resolved] = []
    for at, (frame, (symbols, position)) in enumerate(zip(frames, found, strict=True)):
        if isinstance(position, Problem) or symbols is None:
            resolved.append(Resolved(frame, None, position if isinstance(position, Problem) else None))
            continue
        caller = (frames[at + 1], found[at + 1][0]) if at + 1 < len(found) else (frame, None)
        function = _function(frame, symbols, *caller)
        resolved.append(Resolved(frame, _original(position, function, symbols, roots, context, history), None))
    return resolved


def _position(frame: Frame, symbols_for: Callable[[Frame], Symbols]) -> tuple[Symbols, Position] | tuple[None, Problem]:
    place = f"{frame.file}:{frame.line}:{frame.column + 1}"
    try:
        symbols = symbols_for(frame)
        position = symbols.map.find(frame.line - 1, frame.column)
    except WorkflowError as error:
        return None, Problem.of(place, error)
    if position is None or position.source is None:
        message = "The map has nothing there." if position is None else "The bundler made this code: it has no source."
        next_step = "Check that bundle and map are of the build that sent the frame; columns count from 1."
        return None, Problem(place, "not_mapped", message, next_step)
    return symbols, position


def _function(frame: Frame, symbols: Symbols, caller: Frame, callers: Symbols | None) -> str | None:
    if symbols.is_hermes or frame.function is None:  # Hermes keeps the names
        return frame.function
    name = declared(symbols, frame.line - 1, frame.column, frame.function)
    if name is None and callers:
        name = called(callers, caller.line - 1, caller.column, frame.function)
    return name


def _original(
    position: Position, function: str | None, symbols: Symbols, roots: Roots, context: int, history: bool
) -> Original:
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


def _lines(roots: Roots, path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        return tuple(roots.read(path, _LARGEST_SOURCE).decode("utf-8", "replace").splitlines())
    except WorkflowError:
        return ()
