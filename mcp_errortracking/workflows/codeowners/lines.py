"""The lines of a CODEOWNERS file: patterns, owners and GitLab's sections (rule contract 4.1, 4.2)."""

import re
from dataclasses import dataclass

from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.codeowners.patterns import Dialect

_WORD = re.compile(r"(?:\\.|[^\s\\])+|\\")
_HEADING = re.compile(r"\^?\[([^\[\]]+)\](?:\[[0-9]+\])?(?:\s++(.*+))?$")
_OWNER = re.compile(r"@@?[^\s@]+|[^\s@]+@[^\s@]+")
_ESCAPED_BLANK = re.compile(r"\\(\s)")
_SET = re.compile(r"(?<!\\)\[")


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a pattern. `section` is folded to lower case; "" before the first heading."""

    number: int
    pattern: str
    owners: tuple[str, ...]
    section: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A line that becomes no rule, and the reason."""

    number: int
    text: str
    reason: str

    def __str__(self) -> str:
        return clean(f"line {self.number}: {self.text}: {self.reason}")


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A file as data. `sections`: their names by the folded name, in the order of the file."""

    dialect: Dialect
    lines: list[Line]
    unmapped: list[Unmapped]
    sections: dict[str, str]


def dialect_of(text: str, path: str) -> Dialect:
    """Return the dialect that a file is written in: GitLab's if it lies in .gitlab or has a heading of a section."""
    in_gitlab = ".gitlab" in path.replace("\\", "/").split("/")
    return "gitlab" if in_gitlab or any(_HEADING.match(line.strip()) for line in text.splitlines()) else "github"


def read_code_owners(text: str, dialect: Dialect) -> CodeOwners:
    """Read a file. A line that cannot be understood is listed, and the others are read."""
    read = CodeOwners(dialect, [], [], {"": ""})
    section, default = "", tuple[str, ...]()
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        heading = _HEADING.match(line) if dialect == "gitlab" else None
        if heading:
            name = heading[1].strip()
            section = name.lower()
            read.sections.setdefault(section, name)
            default = tuple(_WORD.findall(heading[2] or ""))
            continue
        words = _words(line, dialect)
        pattern, owners = words[0], tuple(words[1:]) or default
        reason = _reason(pattern, owners, dialect)
        if reason:
            read.unmapped.append(Unmapped(number, line, reason))
            continue
        pattern = _ESCAPED_BLANK.sub(r"\1", pattern)
        if dialect == "gitlab" and pattern.startswith("\\#"):
            pattern = pattern[1:]
        read.lines.append(Line(number, pattern, owners, section))
    return read


def _words(line: str, dialect: Dialect) -> list[str]:
    words: list[str] = _WORD.findall(line)
    if dialect == "github":
        comment = next((index for index, word in enumerate(words) if index and word.startswith("#")), len(words))
        return words[:comment]
    return words


def _reason(pattern: str, owners: tuple[str, ...], dialect: Dialect) -> str:
    """Return why a line becomes no rule; "" if nothing is wrong with it."""
    if pattern.startswith("!"):
        excluded = "GitLab excludes these files from the section" if dialect == "gitlab" else "GitHub ignores !"
        return f"{excluded}, and a rule without assignee cannot stop the search."
    if dialect == "gitlab" and _SET.search(pattern):
        return "a set in brackets is not supported: write a line for each name."
    wrong = [owner for owner in owners if not _OWNER.fullmatch(owner)]
    if wrong:
        return f"{wrong[0]} is not an owner: @user, @org/team or an e-mail address."
    return ""
