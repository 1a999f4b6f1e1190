"""A rules file from rules: those that PostHog holds, or those of a CODEOWNERS file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.rules.rule_set import position_of, reason_in_words
from mcp_errortracking.workflows.codeowners.ownership import Ownership
from mcp_errortracking.workflows.rules_file.document import VERSION, written_assignee
from mcp_errortracking.workflows.rules_file.kinds import DEFAULTS, KINDS, SETTINGS
from mcp_errortracking.workflows.rules_file.words import filters_in_words
from mcp_errortracking.workflows.rules_file.yaml_text import Path, write_yaml

_HEADER = """\
Rules of PostHog error tracking. Within a kind, the first rule that matches decides.
"id" is the rule in PostHog: keep it when you change or rename a rule, leave it out for a new one."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class OwnersFile:
    """The facts that the header of a file made of CODEOWNERS states: the file, and the prefixes of sources."""

    path: str
    prefixes: Sequence[str] | None


def rules_from_posthog(rules: Mapping[Kind, Sequence[Mapping[str, Any]]]) -> str:
    """Return the file of the rules that PostHog holds; a kind that is not in them is not managed by the file."""
    people, written, comments = dict[str, dict[str, Any]](), dict[Kind, list[dict[str, Any]]](), dict[Path, str]()
    for kind in KINDS:
        if kind not in rules:
            continue
        names = set[str]()
        written[kind] = []
        for rule in sorted(rules[kind], key=position_of):
            path: Path = (kind, len(written[kind]))
            if rule.get("disabled_data") is not None:
                comments[path] = f"PostHog disabled this rule: {reason_in_words(rule['disabled_data'])}."
            entry: dict[str, Any] = {"name": _unused(filters_in_words(rule.get("filters")), names), "id": rule["id"]}
            for name in SETTINGS[kind]:
                value = rule.get(name)
                if name == "assignee" and value is not None:
                    entry[name] = _person(value, people)
                elif name == "filters" or (value is not None and value != DEFAULTS[name]):
                    entry[name] = value
            written[kind].append(entry)
    named = {name: written_assignee(assignee) for name, assignee in people.items()}
    return write_yaml({"version": VERSION, "assignees": named, **written}, comments, _HEADER)


def rules_from_owners(found: Ownership, people: Mapping[str, dict[str, Any]], made_of: OwnersFile) -> str:
    """Return the file of the assignment rules of a CODEOWNERS file. Its comments name the lines of each rule."""
    rules, comments, names = list[dict[str, Any]](), dict[Path, str](), set[str]()
    for index, rule in enumerate(found.rules):
        numbers = ", ".join(str(number) for number in sorted(line.number for line in rule.lines))
        comments[("assignment", index)] = f"CODEOWNERS line{'s' if len(rule.lines) > 1 else ''} {numbers}"
        rules.append({"name": _unused(rule.name, names), "assignee": rule.assignee, "filters": rule.filters})
    used = dict.fromkeys(rule.assignee for rule in found.rules)
    named = {name: written_assignee(people[name]) for name in used}
    header = [f"Assignment rules made of {made_of.path}, in reversed order: PostHog takes the first rule that matches."]
    if made_of.prefixes is None:
        header.append("The prefix of sources is not known: a pattern of the root matches at any depth.")
    header += ["Not mapped:", *(f"  {line}" for line in found.unmapped)] if found.unmapped else []
    return write_yaml(
        {"version": VERSION, "assignees": named, "assignment": rules}, comments, "\n".join((*header, _HEADER))
    )


def _person(assignee: Mapping[str, Any], people: dict[str, dict[str, Any]]) -> str:
    """Return the name of an assignee, adding it to those that are known."""
    kind, identity = str(assignee.get("type")), assignee.get("id")
    name = f"{kind}-{identity}"
    people[name] = {"type": kind, "id": identity}
    return name


def _unused(name: str, names: set[str]) -> str:
    """Return a name that no other rule of the kind has, and note it."""
    name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    unique, number = name, 1
    while unique in names:
        number += 1
        unique = f"{name} ({number})"
    names.add(unique)
    return unique
