"""A plan in words, for people who review it."""

from collections.abc import Iterator

from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file.plan import KindPlan, Plan
from mcp_errortracking.workflows.rules_file.words import filters_in_words, value_in_words

_NO_CHANGES = "No changes: PostHog has the rules of the file."


def plan_in_words(plan: Plan) -> str:
    """Return the changes, a few lines each, and their number."""
    lines = list[str]()
    for kind in plan.kinds:
        if kind.changes or kind.left:
            lines += [f"{kind.kind} rules", *(f"  {line}" for line in _changes(plan, kind)), ""]
    if not plan.changes:
        return "\n".join([*lines, _NO_CHANGES])
    counts = {
        "create": sum(len(kind.creates) for kind in plan.kinds),
        "update": sum(len(kind.updates) for kind in plan.kinds),
        "reorder": sum(kind.order is not None for kind in plan.kinds),
        "delete": sum(len(kind.deletes) for kind in plan.kinds),
    }
    return "\n".join([*lines, "Plan: " + ", ".join(f"{count} to {verb}" for verb, count in counts.items()) + "."])


def _changes(plan: Plan, kind: KindPlan) -> Iterator[str]:
    for create in kind.creates:
        yield f'+ create "{clean(create.name)}"'
        for name, value in create.settings.items():
            if value not in (None, ""):
                yield f"    {name}: {value_in_words(name, value, plan.people)}"
    for update in kind.updates.values():
        held = kind.base[update.id]
        yield f'~ update "{clean(update.name)}" ({update.id})'
        if held.is_disabled:
            yield "    PostHog disabled this rule; the update enables it."
        for name, value in update.settings.items():
            yield f"    {name}: {value_in_words(name, held.settings[name], plan.people)}"
            yield f"      -> {value_in_words(name, value, plan.people)}"
    if kind.order is not None:
        yield "~ order, the first that matches decides:"
        for number, rule in enumerate(kind.order, 1):
            if isinstance(rule, int):
                yield f'    {number}. "{clean(kind.creates[rule].name)}" (new)'
            else:
                where = ", not in the file" if rule in kind.left else ""
                yield f"    {number}. {filters_in_words(kind.wanted_settings(rule)['filters'])} ({rule}{where})"
    for rule in kind.deletes:
        yield f"- delete {rule}: {filters_in_words(kind.base[rule].settings['filters'])}"
    for rule in kind.left:
        yield f"= not in the file, stays: {filters_in_words(kind.base[rule].settings['filters'])} ({rule})"
    if kind.left:
        yield "    Plan with --delete to delete what is not in the file."
