"""A pattern of CODEOWNERS as a regular expression on `$exception_sources` (rule contract 4.1)."""

import re
from dataclasses import dataclass
from typing import Literal

Dialect = Literal["github", "gitlab"]

_SYNTAX = frozenset("\\.+*?()|[]{}^$")
_ANYWHERE = "(?:^|/)"
_TOKEN = re.compile(r"\\(.)|\*+|.", re.DOTALL)
_LONGEST = 1000


class PatternError(ValueError):
    """A pattern that no rule can express; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The place of the repository in the `source` values of PostHog.

    Attributes:
        prefixes: the texts that stand before a path of the repository; None if they are unknown, and a path may then
            begin at any folder.
        stripped: folders of the repository that sources leave out, such as `backend`.
    """

    prefixes: tuple[str, ...] | None = ("",)
    stripped: tuple[str, ...] = ()

    @property
    def start(self) -> str:
        """The regular expression of all that stands before the repository's root."""
        if self.prefixes is None:
            return _ANYWHERE
        known = [literal(prefix) for prefix in dict.fromkeys(self.prefixes)]
        return "^" + (known[0] if len(known) == 1 else f"(?:{'|'.join(known)})")


def literal(text: str) -> str:
    """Return a regular expression, in the dialect of Rust, for a text."""
    return "".join(f"\\{one}" if one in _SYNTAX else one for one in text)


def pattern_regex(pattern: str, dialect: Dialect, sources: Sources) -> str | None:
    """Return the regular expression of a pattern; None for one that matches every file.

    Raises:
        PatternError: no regular expression says the same.
    """
    if len(pattern) > _LONGEST:
        raise PatternError(f"the pattern is longer than {_LONGEST} characters")
    if "//" in pattern or not pattern.strip("/"):
        raise PatternError("the pattern matches no file")
    segments = pattern.strip("/").split("/")
    is_folder = pattern.endswith("/")
    is_anchored = pattern.startswith("/") if dialect == "gitlab" else "/" in pattern.rstrip("/")
    while segments and segments[0] == "**" and (len(segments) > 1 or dialect == "github" or is_folder):
        del segments[0]
        is_anchored = False
        if not segments:
            return None
    if segments == ["*"] and not is_anchored and not is_folder:
        return None
    return _start(segments, sources, is_anchored=is_anchored) + _end(segments, dialect, is_folder=is_folder)


def _start(segments: list[str], sources: Sources, *, is_anchored: bool) -> str:
    """Return the expression of all segments but the last; removes them from the list."""
    start = sources.start if is_anchored else _ANYWHERE
    for folder in sources.stripped if is_anchored else ():
        names = folder.strip("/").split("/")
        if len(segments) > len(names) and segments[: len(names)] == names:
            start += f"(?:{literal('/'.join(names))}/)?"
            del segments[: len(names)]
            break
    inner = "".join("(?:.*/)?" if segment == "**" else f"{_segment(segment)}/" for segment in segments[:-1])
    del segments[:-1]
    return start + inner


def _end(segments: list[str], dialect: Dialect, *, is_folder: bool) -> str:
    """Return the expression of the last segment. A source may end in a query: webpack:///./src/a.ts?4f2a."""
    last = segments[0]
    if last == "**" and (is_folder or dialect == "github"):
        return ""
    if is_folder:
        return f"{_segment(last)}/"
    if last in ("*", "**"):
        return "[^/]+$"
    # GitHub's patterns match a folder of that name with all below it; GitLab's match a file.
    return _segment(last) + (r"(?:[/?]|$)" if dialect == "github" else r"(?:\?|$)")


def _segment(segment: str) -> str:
    if segment in ("*", "**"):
        return "[^/]+"
    found = list[str]()
    for token in _TOKEN.finditer(segment):
        if token[1] is not None:
            found.append(literal(token[1]))
        elif token[0].startswith("*"):
            found.append("[^/]*")
        elif token[0] == "?":
            found.append("[^/]")
        else:
            found.append(literal(token[0]))
    return "".join(found)
