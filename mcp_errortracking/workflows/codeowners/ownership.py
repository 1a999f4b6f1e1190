"""The assignment rules of a CODEOWNERS file: the order reversed, a rule for each run of lines of one assignee.

PostHog takes the first rule that matches, CODEOWNERS the last line (rule contract 4.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_errortracking.workflows.codeowners.lines import CodeOwners, Line, Unmapped
from mcp_errortracking.workflows.codeowners.patterns import PatternError, Sources, pattern_regex

_MOST_PATTERNS = 100
_LONGEST_REGEX = 8000
_NOBODY = "no owner. PostHog has no rule for nobody: these files go to the next rule that matches them."


@dataclass(slots=True)
class OwnerRule:
    """A rule: the name of its assignee, the lines that it stands for, and their regular expressions.

    `matches_all`: a line matches every file, so the rule needs no condition.
    """

    assignee: str
    lines: list[Line] = field(default_factory=list[Line])
    regexes: list[str] = field(default_factory=list[str])
    matches_all: bool = False

    @property
    def name(self) -> str:
        """The patterns of the lines, in the order of the file; of many, the first and last."""
        patterns = [line.pattern for line in sorted(self.lines, key=lambda line: line.number)]
        shown = patterns if len(patterns) <= 3 else [patterns[0], "...", patterns[-1]]
        return f"{' '.join(shown)} -> {self.assignee}"

    @property
    def filters(self) -> dict[str, Any]:
        """The filters of the rule: one regular expression, which costs PostHog least (rule contract 2.7)."""
        if self.matches_all:
            return {"type": "AND", "values": []}
        regexes = list(dict.fromkeys(self.regexes))
        value = regexes[0] if len(regexes) == 1 else "|".join(f"(?:{regex})" for regex in regexes)
        condition = {"key": "$exception_sources", "type": "event", "operator": "regex", "value": value}
        return {"type": "AND", "values": [condition]}

    def has_room_for(self, regex: str) -> bool:
        size = sum(map(len, self.regexes)) + 5 * len(self.regexes)
        return len(self.regexes) < _MOST_PATTERNS and size + len(regex) <= _LONGEST_REGEX


@dataclass(frozen=True, slots=True)
class Ownership:
    """The rules in the order in which PostHog is to try them, and the lines that became none."""

    rules: list[OwnerRule]
    unmapped: list[Unmapped]


class SectionOrderError(ValueError):
    """GitLab applies all sections of a file at once, PostHog one rule: their order is the user's choice."""


def ownership(
    read: CodeOwners, assignees: Iterable[str], sources: Sources, section_order: Sequence[str] = ()
) -> Ownership:
    """Return the rules of a file.

    Args:
        assignees: the owners that the map knows. A line of several owners needs all of them, joined with a blank, in
            the map, as the name of the one assignee that its issues get.
        section_order: names of GitLab's sections; the first takes precedence.

    Raises:
        SectionOrderError: the file has several sections and their order is not given, or names another one.
    """
    names = {name.casefold(): name for name in assignees}
    rules, unmapped, owner_of_all = list[OwnerRule](), list(read.unmapped), None
    for line in _by_precedence(read, section_order):
        if owner_of_all is not None:
            unmapped.append(_unmapped(line, f"line {owner_of_all} matches every file and takes precedence."))
            continue
        try:
            regex = pattern_regex(line.pattern, read.dialect, sources)
        except PatternError as error:
            unmapped.append(_unmapped(line, f"{error}."))
            continue
        if regex is None:
            owner_of_all = line.number
        assignee = names.get(" ".join(line.owners).casefold())
        if assignee is None:
            unmapped.append(_unmapped(line, _no_assignee(line.owners)))
            continue
        last = rules[-1] if rules else None
        if last is None or last.assignee != assignee or not last.has_room_for(regex or ""):
            last = OwnerRule(assignee)
            rules.append(last)
        last.lines.append(line)
        if regex is None:
            last.matches_all = True
        else:
            last.regexes.append(regex)
    return Ownership(rules, sorted(unmapped, key=lambda one: one.number))


def read_section_order(text: str) -> list[str]:
    """Return the names of an option such as `Backend,Docs`."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _by_precedence(read: CodeOwners, section_order: Sequence[str]) -> list[Line]:
    """Return the lines in the order in which rules are to be tried."""
    order = [name.lower() for name in section_order]
    unknown = [name for name in section_order if name.lower() not in read.sections]
    if unknown:
        raise SectionOrderError(f'The file has no section "{unknown[0]}".')
    used = {line.section for line in read.lines}
    missing = [section for section in read.sections if section in used and section and section not in order]
    if missing and len(used) > 1:
        wanted = ",".join([*section_order, *(read.sections[section] for section in missing)])
        raise SectionOrderError(
            "All sections of a CODEOWNERS file of GitLab apply at once, but PostHog assigns an issue to one. Say which "
            f'section takes precedence: --section-order "{wanted}". Lines before the first section come last.'
        )
    rank = {section: position for position, section in enumerate([*order, *missing, ""])}
    return sorted(read.lines, key=lambda line: (rank[line.section], -line.number))


def _unmapped(line: Line, reason: str) -> Unmapped:
    return Unmapped(line.number, " ".join((line.pattern, *line.owners)), reason)


def _no_assignee(owners: tuple[str, ...]) -> str:
    if not owners:
        return _NOBODY
    key = " ".join(owners)
    if len(owners) > 1:
        return f'several owners, and PostHog assigns to one: add "{key}" to the map.'
    return f'"{key}" is not in the map.'
