"""The plan: the difference between a rules file and PostHog, as changes that can be applied one by one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.rules.rule_set import position_of
from mcp_errortracking.workflows.rules_file.document import FileRule, RulesFile
from mcp_errortracking.workflows.rules_file.errors import RulesFileError
from mcp_errortracking.workflows.rules_file.kinds import WRITE_ONCE, settings_of, tool


@dataclass(frozen=True, slots=True)
class Held:
    """A rule as PostHog held it when the plan was made."""

    id: str
    order_key: int
    settings: dict[str, Any]
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """New values for settings of a rule."""

    id: str
    name: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Create:
    """A new rule, and the place of its entry in the file: the number within its kind."""

    name: str
    settings: dict[str, Any]
    entry: int


@dataclass(frozen=True, slots=True)
class KindPlan:
    """The changes of one kind.

    Attributes:
        base: the rules that PostHog held, by id, in their order.
        updates: by the id of the rule.
        order: all rules in their new order: an id, or the number of a rule in `creates`. None: the order stays.
        deletes: ids of rules to delete.
        left: ids of rules that are not in the file and stay.
    """

    kind: Kind
    base: dict[str, Held] = field(default_factory=dict[str, Held])
    updates: dict[str, Update] = field(default_factory=dict[str, Update])
    creates: list[Create] = field(default_factory=list[Create])
    order: list[str | int] | None = None
    deletes: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])

    @property
    def changes(self) -> int:
        return len(self.updates) + len(self.creates) + len(self.deletes) + (self.order is not None)

    @property
    def tools(self) -> list[str]:
        """The tools that make the changes."""
        made = {"create": self.creates, "update": self.updates, "reorder": self.order, "destroy": self.deletes}
        return [tool(self.kind, verb) for verb, changes in made.items() if changes]

    def wanted_settings(self, rule: str) -> dict[str, Any]:
        """Return the settings that a rule of `base` has when the plan is applied."""
        update = self.updates.get(rule)
        return {**self.base[rule].settings, **(update.settings if update else {})}


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of all kinds that a file manages.

    Attributes:
        host, project: the PostHog that the plan was made against.
        file: the path of the rules file.
        digest: of the file's content.
        people: assignees by the names that the file gives them.
    """

    host: str
    project: str
    file: str
    digest: str
    people: dict[str, dict[str, Any]]
    kinds: list[KindPlan]

    @property
    def changes(self) -> int:
        return sum(kind.changes for kind in self.kinds)

    @property
    def tools(self) -> list[str]:
        """The tools that make the changes."""
        return [tool for kind in self.kinds for tool in kind.tools]


def plan_kinds(
    file: RulesFile, held: Mapping[Kind, Sequence[Mapping[str, Any]]], *, delete: bool = False
) -> list[KindPlan]:
    """Return the changes that make PostHog's rules those of the file.

    Args:
        held: the rules of PostHog by kind.
        delete: delete the rules that the file does not have.

    Raises:
        RulesFileError: the file asks for what no call can do.
    """
    problems, plans = list[str](), list[KindPlan]()
    for kind, rules in file.rules.items():
        if kind in held:
            plans.append(_plan_kind(kind, rules, file, held[kind], delete=delete, problems=problems))
        elif rules:
            problems.append(file.text.problem((kind,), f"This PostHog has no {kind} rules: leave them out."))
    if problems:
        raise RulesFileError(*problems)
    return plans


def _plan_kind(
    kind: Kind,
    rules: Sequence[FileRule],
    file: RulesFile,
    rules_held: Sequence[Mapping[str, Any]],
    *,
    delete: bool,
    problems: list[str],
) -> KindPlan:
    base = {str(rule.get("id")): _held(kind, rule) for rule in sorted(rules_held, key=position_of)}
    plan = KindPlan(kind, base)
    ids = _identify(rules, base, file, problems)
    sequence = list[str | int]()
    for entry, (rule, identity) in enumerate(zip(rules, ids, strict=True)):
        if identity is None:
            sequence.append(len(plan.creates))
            plan.creates.append(Create(rule.name, rule.settings, entry))
            refusal, problem = rule.refusal, _lacks(rule)
        else:
            sequence.append(identity)
            changed = _changed(rule, base[identity])
            if changed:
                plan.updates[identity] = Update(identity, rule.name, changed)
            refusal, problem = rule.refusal if "filters" in changed else "", _cannot_change(rule, changed)
        problems.extend([refusal] if refusal else [])
        problems.extend([file.text.problem(rule.path, problem)] if problem else [])
    used = set(ids)
    (plan.deletes if delete else plan.left).extend(rule for rule in base if rule not in used)
    positions = [base[one].order_key for one in sequence if isinstance(one, str)]
    is_ordered = all(first < second for first, second in pairwise(positions))
    return plan if is_ordered and not plan.creates else replace(plan, order=[*sequence, *plan.left])


def _identify(
    rules: Sequence[FileRule], base: Mapping[str, Held], file: RulesFile, problems: list[str]
) -> list[str | None]:
    """Return the rule in PostHog that each rule of the file is.

    By its id; without one, a rule of the same settings, or else of the same filters, that no other rule of the file is.
    """
    for rule in rules:
        if rule.id is not None and rule.id not in base:
            advice = f"PostHog has no {rule.kind} rule {rule.id}. Remove the id to create the rule again."
            problems.append(file.text.problem((*rule.path, "id"), advice))
    found = [rule.id if rule.id in base else None for rule in rules]
    for names in (None, ("filters",)):
        free = dict[str, list[str]]()
        used = set(found)
        for one in base.values():
            if one.id not in used:
                free.setdefault(comparable(one.settings, names), []).append(one.id)
        for index, rule in enumerate(rules):
            if found[index] is None and rule.id is None:
                written = {**rule.settings, "filters": rule.written_filters}
                fitting = free.get(comparable(rule.settings, names)) or free.get(comparable(written, names))
                found[index] = fitting.pop(0) if fitting else None
    return found


def comparable(settings: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    """Return a text that is equal for equal settings: true is not 1, and the order of members does not count."""
    return json.dumps([settings[name] for name in names or sorted(settings)], sort_keys=True)


def _held(kind: Kind, rule: Mapping[str, Any]) -> Held:
    position = rule.get("order_key")
    return Held(
        str(rule.get("id")),
        position if isinstance(position, int) else 0,
        settings_of(kind, rule),
        rule.get("disabled_data") is not None,
    )


def _changed(rule: FileRule, held: Held) -> dict[str, Any]:
    """Return the settings of a rule that PostHog has otherwise.

    Filters that the file has as PostHog has them are not changed, though a request would send them in another form.
    """
    written = {**rule.settings, "filters": rule.written_filters}
    return {
        name: value
        for name, value in rule.settings.items()
        if comparable(held.settings, (name,)) not in (comparable(rule.settings, (name,)), comparable(written, (name,)))
    }


def _cannot_change(rule: FileRule, changed: Mapping[str, Any]) -> str:
    fixed = [name for name in WRITE_ONCE.get(rule.kind, ()) if name in changed]
    if fixed:
        return (
            f"PostHog never changes the {' or '.join(fixed)} of a {rule.kind} rule: write the old value, or delete the "
            "rule in PostHog and remove its id here."
        )
    return _lacks(rule) if "assignee" in changed else ""


def _lacks(rule: FileRule) -> str:
    is_incomplete = rule.kind == "assignment" and rule.settings["assignee"] is None
    return "An assignment rule needs an assignee." if is_incomplete else ""
