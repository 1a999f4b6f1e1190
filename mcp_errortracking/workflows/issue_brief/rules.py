"""The assignment and grouping rules that take the newest event of an issue, as far as its properties are known."""

from typing import Any

from mcp_errortracking.catalog.assignment_rules import ListAssignmentRules
from mcp_errortracking.catalog.endpoint import as_object, text_of
from mcp_errortracking.catalog.grouping_rules import ListGroupingRules
from mcp_errortracking.catalog.rules import rules_from
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.rule_set import position_of
from mcp_errortracking.workflows.issue_brief.facts import Facts
from mcp_errortracking.workflows.issue_brief.reading import Reader
from mcp_errortracking.workflows.rules.events import SampledEvent

KINDS = {"assignment": ListAssignmentRules, "grouping": ListGroupingRules}
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
    event = SampledEvent({"properties": properties}, kind)
    undecided = list[str]()
    for rule in sorted(found[:_MOST_RULES], key=position_of):
        if rule.get("disabled_data") is not None:
            continue
        filters = rule.get("filters")
        outcome = event.outcome(Rule(filters, kind), filters)
        if outcome.kind == "unknown":
            undecided.append(f"rule {text_of(rule, 'id')}: {outcome.why}")
        elif outcome.kind == "match":
            assignee = as_object(rule.get("assignee"))
            to = f", to {assignee.get('type')} {assignee.get('id')}" if assignee else ""
            before = f" unless an earlier one does: {undecided[0]}" if undecided else ""
            return f"rule {text_of(rule, 'id')} (order {rule.get('order_key')}) takes the newest event{to}{before}"
    more = f"; undecided: {undecided[0]}" if undecided else ""
    return f"none of {len(found)} rules takes the newest event{more}"
