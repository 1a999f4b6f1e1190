"""The effect of a plan: what the new filters of its rules match, simulated."""

from collections.abc import Sequence
from typing import Any

from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file.plan import Plan
from mcp_errortracking.workflows.rules_file.project import Call

Changed = tuple[str, str, dict[str, Any]]
"""A kind, the name of a rule, and its new settings."""


def new_filters(plan: Plan) -> list[Changed]:
    """Return the rules of a plan that are new or get new filters."""
    found = list[Changed]()
    for kind in plan.kinds:
        found += [(kind.kind, create.name, create.settings) for create in kind.creates]
        found += [
            (kind.kind, update.name, kind.wanted_settings(update.id))
            for update in kind.updates.values()
            if "filters" in update.settings or "sampling_rate" in update.settings
        ]
    return found


async def effects_of(rules: Sequence[Changed], call: Call) -> list[str]:
    """Return a line for each rule; a rule that cannot be simulated has its reason."""
    lines = list[str]()
    for kind, name, settings in rules:
        arguments = {"kind": kind, "filters": settings.get("filters")}
        if kind == "suppression":
            arguments["sampling_rate"] = settings.get("sampling_rate")
        reply = await call("error-tracking-rules-simulate", arguments)
        result = reply.structured
        if reply.is_error:
            text = reply.text.splitlines()[0]
        elif "outcome" in result:
            text = f"{result['outcome']} by PostHog"
        else:
            text = f"{result['exceptions']}, {result.get('issues', 'unknown')} issues"
        lines.append(f'{kind} "{clean(name)}": {text}')
    return lines
