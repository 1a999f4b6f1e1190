"""The assignment and grouping rules that take the newest event of an issue, as far as its properties are known."""

from typing import Any

from mcp_errortracking.catalog.assignment_rules import ListAssignmentRules
from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.grouping_rules import ListGroupingRules
from mcp_errortracking.catalog.rules import rules_from
from mcp_errortracking.rules.events import Event, seen_by
from mcp_errortracking.rules.matching import Rule, conditions_of
from mcp_errortracking.rules.outcomes import RefusedError
from mcp_errortracking.workflows.issue_brief.facts import Facts
from mcp_errortracking.workflows.issue_brief.reading import Reader

KINDS = {"assignment": ListAssignmentRules, "grouping": ListGroupingRules}
_SENT = frozenset(
    [
        *("$exception_types", "$exception_values", "$exception_sources", "$exception_functions", "$exception_level"),
        *("$exception_handled", "$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version"),
        *("$app_namespace", "$app_version", "$device_type", "$current_url", "$screen_name", "$referrer", "$session_id"),
    ]
)
"""Properties of which it is known if the event has them: PostHog answers no others (contract 6.13.3)."""
_MOST_RULES = 200


async def rules(reader: Reader, facts: Facts) -> list[str]:
    """Return a line for each kind of rule.

    Raises:
        PostHogError: PostHog does not answer.
    """
    if not facts.events:
        return [facts.missing.get("events") or "no event in this range to try rules on"]
    lines = list[str]()
    for kind, endpoint in KINDS.items():
        found, why = await reader.read(rules_from(endpoint().request().path))
        lines.append(f"{kind}: {why or _first(found or [], kind, facts.properties)}")
    return lines


def _first(found: list[dict[str, Any]], kind: str, properties: dict[str, Any]) -> str:
    """Return the first rule that matches, as rules stand today, in words."""
    event = Event(seen_by(kind, _with_frames(properties)))
    undecided = list[str]()
    ordered = sorted(found[:_MOST_RULES], key=_position)
    for rule in ordered:
        if rule.get("disabled_data") is not None:
            continue
        unknown = _unknown_keys(rule.get("filters"))
        if unknown:
            undecided.append(f"rule {text_of(rule, 'id')} reads {unknown[0]}, which PostHog does not answer")
            continue
        if Rule(rule.get("filters"), kind).match(event).kind == "match":
            assignee = as_object(rule.get("assignee"))
            to = f", to {assignee.get('type')} {assignee.get('id')}" if assignee else ""
            before = f" unless an earlier one does: {undecided[0]}" if undecided else ""
            return f"rule {text_of(rule, 'id')} (order {rule.get('order_key')}) takes the newest event{to}{before}"
    more = f"; undecided: {undecided[0]}" if undecided else ""
    return f"none of {len(found)} rules takes the newest event{more}"


def _position(rule: dict[str, Any]) -> float:
    value = rule.get("order_key")
    return value if isinstance(value, int | float) else 0


def _unknown_keys(filters: Any) -> list[str]:
    try:
        keys = [text_of(one, "key") for one in conditions_of(filters)]
    except (RefusedError, RecursionError):
        return []
    return [key for key in keys if key and key not in _SENT]


def _with_frames(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties with the lists of sources and functions, which events of a query do not have."""
    sources, functions = dict[str, None](), dict[str, None]()
    for exception in as_objects(properties.get("$exception_list")):
        for frame in as_objects(as_object(exception.get("stacktrace")).get("frames")):
            if frame.get("in_app") is True:
                sources[text_of(frame, "source")] = None
                functions[text_of(frame, "resolved_name")] = None
    lists = {"$exception_sources": list(filter(None, sources)), "$exception_functions": list(filter(None, functions))}
    return {**properties, **lists}
