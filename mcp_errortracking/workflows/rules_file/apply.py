"""Carrying out a plan: only if PostHog is as the plan says, or as an earlier run of the same plan left it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file.kinds import DEFAULTS, ORDERED_ON_CREATE, settings_of
from mcp_errortracking.workflows.rules_file.plan import Create, KindPlan, Plan, comparable
from mcp_errortracking.workflows.rules_file.project import Project, ProjectError

Report = Callable[[str], None]
"""Receives a line for each change that was made."""


class ChangedError(Exception):
    """PostHog changed since the plan was made. `differences` are sentences."""

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__("\n".join(differences))
        self.differences = differences


@dataclass(slots=True)
class Applied:
    """The result.

    Attributes:
        done: changes that were made now; `before`: those that an earlier run had made.
        ids: the new rules' ids, by kind and the number of their entry in the file.
        failure: why a change failed, after which no other was tried; "" if none did.
        differences: what the rules, read back, have otherwise.
    """

    done: int = 0
    before: int = 0
    ids: dict[Kind, dict[int, str]] = field(default_factory=dict[Kind, dict[int, str]])
    failure: str = ""
    differences: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Progress:
    """A kind as PostHog holds it now. `created`: ids of rules of the plan by their number in `creates`."""

    plan: KindPlan
    rules: dict[str, dict[str, Any]]
    positions: dict[str, Any]
    created: dict[int, str]

    @property
    def updates(self) -> list[str]:
        """The rules that are still to be updated."""
        return [rule for rule in self.plan.updates if not _is(self.rules[rule], self.plan.wanted_settings(rule))]

    @property
    def moves(self) -> dict[str, int]:
        """The positions that are still to be set."""
        return {rule: place for rule, place in self.places().items() if self.positions.get(rule) != place}

    @property
    def deletes(self) -> list[str]:
        return [rule for rule in self.plan.deletes if rule in self.rules]

    @property
    def rest(self) -> int:
        """The number of changes that are still to be made."""
        creates = len(self.plan.creates) - len(self.created)
        moves = self.plan.order is not None and (creates > 0 or bool(self.moves))
        return creates + len(self.updates) + moves + len(self.deletes)

    def places(self) -> dict[str, int]:
        """Return the position of each rule that exists, as the plan wants it."""
        places = dict[str, int]()
        for place, rule in enumerate(self.plan.order or ()):
            identity = self.created.get(rule) if isinstance(rule, int) else rule
            if identity is not None:
                places[identity] = place
        return places


async def apply(plan: Plan, project: Project, report: Report) -> Applied:
    """Make the changes that are not made yet, and read all rules back.

    Raises:
        ChangedError: PostHog changed since the plan was made; nothing was sent.
        ProjectError: the rules could not be read; nothing was sent, or the changes were made and not verified.
    """
    progress = await _compare(plan, project)
    applied = Applied(before=plan.changes - sum(one.rest for one in progress))
    for one in progress:
        try:
            for change in _changes(one, project):
                line = await change()
                applied.done += 1
                report(line)
        except ProjectError as error:
            applied.failure = str(error)
            break
        finally:
            applied.ids[one.plan.kind] = {one.plan.creates[number].entry: rule for number, rule in one.created.items()}
    if not applied.failure:
        applied.differences = await _differences(plan, project)
    return applied


async def _compare(plan: Plan, project: Project) -> list[_Progress]:
    held = await project.rules([kind.kind for kind in plan.kinds])
    progress, differences = list[_Progress](), list[str]()
    for kind in plan.kinds:
        one = _progress(kind, held.get(kind.kind, []), differences)
        progress.append(one)
    if differences:
        raise ChangedError(differences)
    return progress


def _progress(plan: KindPlan, rules: Sequence[Mapping[str, Any]], differences: list[str]) -> _Progress:
    """Return how far a kind is, and add what is neither as the plan found it nor as it leaves it."""
    settings = {str(rule.get("id")): settings_of(plan.kind, rule) for rule in rules}
    one = _Progress(plan, settings, {str(rule.get("id")): rule.get("order_key") for rule in rules}, {})
    waiting = dict[str, list[int]]()
    for number, create in enumerate(plan.creates):
        waiting.setdefault(comparable(create.settings), []).append(number)
    for rule, current in settings.items():
        if rule not in plan.base:
            numbers = waiting.get(comparable(current))
            if numbers:
                one.created[numbers.pop(0)] = rule
            else:
                differences.append(f"{plan.kind} rule {rule} was added.")
        elif not (_is(current, plan.base[rule].settings) or _is(current, plan.wanted_settings(rule))):
            differences.append(f"{plan.kind} rule {rule} was changed.")
    missing = [rule for rule in plan.base if rule not in settings and rule not in plan.deletes]
    differences += [f"{plan.kind} rule {rule} was deleted." for rule in missing]
    places = one.places()
    for rule, held in plan.base.items():
        if rule in settings and one.positions[rule] not in (held.order_key, places.get(rule)):
            differences.append(f"{plan.kind} rule {rule} was moved.")
    return one


def _changes(one: _Progress, project: Project) -> list[Callable[[], Awaitable[str]]]:
    """Return the changes of a kind that are still to be made, in order."""
    kind = one.plan.kind

    async def update(rule: str) -> str:
        await project.update(kind, rule, one.plan.updates[rule].settings)
        return f'{kind}: updated "{clean(one.plan.updates[rule].name)}" ({rule})'

    async def create(number: int, new: Create) -> str:
        place = (one.plan.order or []).index(number)
        position = {"order_key": place} if kind in ORDERED_ON_CREATE else {}
        rule = await project.create(kind, {**_without_defaults(new.settings), **position})
        one.created[number] = str(rule.get("id"))
        one.positions[one.created[number]] = rule.get("order_key")
        return f'{kind}: created "{clean(new.name)}" ({rule.get("id")})'

    async def move() -> str:
        moves = one.moves
        if moves:
            await project.reorder(kind, moves)
        return f"{kind}: set the order"

    async def delete(rule: str) -> str:
        await project.delete(kind, rule)
        return f"{kind}: deleted {rule}"

    changes: list[Callable[[], Awaitable[str]]] = [partial(update, rule) for rule in one.updates]
    missing = [(number, new) for number, new in enumerate(one.plan.creates) if number not in one.created]
    changes += [partial(create, number, new) for number, new in missing]
    if one.plan.order is not None and (missing or one.moves):
        changes.append(move)
    return [*changes, *(partial(delete, rule) for rule in one.deletes)]


async def _differences(plan: Plan, project: Project) -> list[str]:
    """Read all rules back, and return what is not as the plan wants it."""
    try:
        progress = await _compare(plan, project)
    except ChangedError as error:
        return list(error.differences)
    return [f"{one.plan.kind} rules: {one.rest} changes did not last." for one in progress if one.rest]


def _is(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return comparable(current) == comparable(wanted)


def _without_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those that an older PostHog may not know, and that say nothing."""
    return {name: value for name, value in settings.items() if not (name in DEFAULTS and value == DEFAULTS[name])}
