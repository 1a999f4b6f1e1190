"""Who touched a line last, from the git checkout that a source lies in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcp_errortracking.workflows.git import ask
from mcp_errortracking.workflows.roots import Roots


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. `time`: when it was authored, ISO 8601 in UTC."""

    id: str
    author: str
    time: str
    subject: str


def last_commit(roots: Roots, path: Path, lines: dict[int, str], *, timeout: float = 5.0) -> Commit | None:
    """The latest commit that touched some lines of a file, as of HEAD.

    None if the file lies in no checkout below a root, is not in HEAD, or its lines there are others than those given:
    then the commit would be that of other code. None also if git is missing or takes longer than `timeout` seconds.

    Args:
        lines: their texts by number (from 1), without gaps.
    """
    first, last = min(lines), max(lines)
    words = ("blame", "--porcelain", "--no-textconv", "-L", f"{first},{last}", "HEAD", "--", path.name)
    printed = ask(roots, path.parent, *words, seconds=timeout)
    return None if printed is None else _latest(printed, lines)


def _latest(porcelain: str, lines: dict[int, str]) -> Commit | None:
    facts: dict[str, dict[str, str]] = {}
    commit, number = "", 0
    for text in porcelain.split("\n"):
        word, _, rest = text.partition(" ")
        if text.startswith("\t"):
            if lines.get(number, text[1:]).rstrip() != text[1:].rstrip():
                return None
        elif len(word) in (40, 64) and rest[:1].isdigit():
            commit, number = word, int(rest.split()[1])
            facts.setdefault(commit, {})
        elif commit:
            facts[commit].setdefault(word, rest)
    if not facts:
        return None
    commit, known = max(facts.items(), key=lambda item: int(item[1].get("committer-time", "0")))
    time = datetime.fromtimestamp(int(known.get("author-time", "0")), UTC).isoformat()
    return Commit(commit, known.get("author", ""), time, known.get("summary", ""))
