"""Patterns as in `.gitignore`, matched in linear time.

A pattern becomes a regular expression that hardly backtracks: a star ends at the first position where the letters after
it match (an atomic group), and only the last star of a name, and the last `**` of a path, try further positions. That
finds every match, since an earlier end leaves more text for the rest. Trying all positions for each star, as is usual,
takes hours for `*?*?*?*?*?*?*?*?*?*?*?*Z`.
"""

import re
from collections.abc import Iterator, Sequence

from mcp_errortracking.workflows.problems import WorkflowError

MOST_PATTERNS = 1_000
MOST_LETTERS = 20_000
"""Letters of all patterns together."""
MOST_WORK = 20_000_000
"""Comparisons of a path with a pattern, for one folder."""
_PLAIN = "Write it as in .gitignore."
_BRACKET = re.compile(r"\[([!^]?)(\]?[^\]]*)\]")
_Compiled = tuple[re.Pattern[str], bool]


class Globs:
    """Patterns. The last one that matches a path decides; one for the path itself precedes one for its folder."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """
        Raises:
            WorkflowError: a pattern is invalid, or there are too many.
        """
        if len(patterns) > MOST_PATTERNS or sum(map(len, patterns)) > MOST_LETTERS:
            what = f"Too many patterns: the limit is {MOST_PATTERNS:,}, with {MOST_LETTERS:,} characters together."
            raise WorkflowError("bad_pattern", what, next_step="Exclude folders rather than single files.")
        self._compiled = [one for pattern in reversed(patterns) if (one := _compiled(pattern))]
        self._work = 0

    def match(self, path: str) -> bool:
        """True if the patterns select a path; a folder's path ends with a slash.

        Raises:
            WorkflowError: too many paths were compared with too many patterns.
        """
        self._work += len(self._compiled)
        if self._work > MOST_WORK:
            raise WorkflowError(
                "too_many_files",
                f"The folder has too many files to compare each with {len(self._compiled):,} patterns.",
                next_step="Name a folder further down, or give fewer patterns.",
            )
        by_folder: bool | None = None
        for regex, chooses in self._compiled:
            if found := regex.search(path):
                if found.lastgroup is None:
                    return chooses
                by_folder = chooses if by_folder is None else by_folder
        return bool(by_folder)


def _compiled(line: str) -> _Compiled | None:
    """Compile a pattern. None: it is empty, a comment, or cannot match, like an unclosed bracket (as in git)."""
    pattern = line if line.endswith("\\ ") else line.rstrip()
    if pattern in ("", "/") or pattern.startswith("#"):
        return None
    try:
        text = _path_regex(pattern.removeprefix("!").split("/"))
        return (re.compile(text), not pattern.startswith("!")) if text else None
    except (ValueError, re.error) as error:
        shown = line if len(line) <= 100 else f"{line[:100]}..."
        raise WorkflowError("bad_pattern", f"Invalid glob pattern: {shown!r}.", f"{error}.", _PLAIN) from None


def _path_regex(parts: list[str]) -> str | None:
    """Return the regular expression of a pattern's parts; its group `folder` takes part if a folder matches."""
    is_folder = not parts[-1]
    if not parts[0]:
        parts = parts[1:]  # below the root only
    elif len(parts) == 1 + is_folder:
        parts = ["**", *parts]
    if not parts:
        raise ValueError("it names nothing")
    if is_folder:
        parts = [*parts[:-1], "**"]
    parts = [part for part, before in zip(parts, [None, *parts], strict=False) if not part == before == "**"]
    if "" in parts:
        return None  # no path has two slashes in a row
    if parts in (["**"], ["**", "*"]):
        return "(?P<folder>/)" if is_folder else "(?s:.)"
    if parts == ["**", "*", "**"]:
        return "(?P<folder>/)" if is_folder else "/"
    end = ("(?P<folder>/)" if is_folder else "/") if parts[-1] == "**" else r"(?:(?P<folder>/)|\Z)"
    groups = [""]
    for part in parts:
        if part == "**":
            groups.append("")
            continue
        name = _name_regex(part)
        if name is None:
            return None
        groups[-1] += f"/{name}" if groups[-1] else name
    if parts[-1] == "**":
        groups.pop()
    first, *others = groups
    text = rf"\A{first}"
    for number, group in enumerate(others, 1):
        slash = "/" if number > 1 or first else ""
        is_last = number == len(others)
        text += f"{slash}(?s:.+/)?{group}" if is_last else f"{slash}(?>(?:[^/]*+/)*?{group}(?=/))"
    return text + end


def _name_regex(glob: str) -> str | None:
    """Return the regular expression of a file's or folder's name; None if a bracket is not closed."""
    if glob == "*":
        return "[^/]+"
    pieces = [""]
    for letter in _letters(glob):
        if letter is None:
            return None
        if letter != "*":
            pieces[-1] += letter
        elif pieces[-1] or len(pieces) == 1:
            pieces.append("")
    if len(pieces) == 1:
        return pieces[0]
    first, *others, last = pieces
    return f"{first}{''.join(f'(?>[^/]*?{piece})' for piece in others)}[^/]*{last}"


def _letters(glob: str) -> Iterator[str | None]:
    """Yield the regular expression of each letter, `*` for a star and None for a bracket that is not closed."""
    at = 0
    while at < len(glob):
        letter, at = glob[at], at + 1
        if letter == "\\":
            if at == len(glob):
                raise ValueError("it ends with a backslash")
            yield re.escape(glob[at])
            at += 1
        elif letter == "[":
            found = _BRACKET.match(glob, at - 1)
            if not found:
                yield None
                return
            inner = re.sub(r"[\\[&~|^]", r"\\\g<0>", found[2])
            yield f"(?!/)[{'^' if found[1] else ''}{inner}]"
            at = found.end()
        else:
            yield {"*": "*", "?": "[^/]"}.get(letter) or re.escape(letter)
