"""Lint of a rules file: the findings about its rules, with their lines."""

import re
from typing import Any

from mcp_errortracking.rules.rule_set import check_rules
from mcp_errortracking.workflows.rules_file.document import RulesFile
from mcp_errortracking.workflows.rules_file.yaml_text import Path

_STEP = re.compile(r"(\w+)|\[(\d+)\]")


def lint_rules(file: RulesFile) -> list[tuple[str, str]]:
    """Return the level of each finding, and its text with the line, in the order of the file."""
    found = list[tuple[int, str, str]]()
    for kind, rules in file.rules.items():
        found += [(_line(rule.refusal), "refused", rule.refusal) for rule in rules if rule.refusal]
        by_name = {f'"{rule.name}"': (position, rule) for position, rule in enumerate(rules) if not rule.refusal}
        listed: list[dict[str, Any]] = [
            {**rule.settings, "id": name, "order_key": position} for name, (position, rule) in by_name.items()
        ]
        for name, findings in check_rules(listed, kind).items():
            for one in findings:
                path = (*by_name[name][1].path, "filters", *_path(one.place))
                text = file.text.problem(path, f"{kind} rule {name}: {one}")
                found.append((file.text.line(path), one.level, text))
    return [(level, text) for _, level, text in sorted(found, key=lambda one: one[0])]


def _path(place: str) -> Path:
    return tuple(int(index) if index else name for name, index in _STEP.findall(place))


def _line(problem: str) -> int:
    found = re.search(r":(\d+):", problem)
    return int(found[1]) if found else 0
