"""Events of PostHog's queries as a rule sees them, as far as they show what it reads (rule contract 3.2)."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.rules.events import Event, seen_by
from mcp_errortracking.rules.matching import Rule, conditions_of
from mcp_errortracking.rules.outcomes import Outcome

_KNOWN = frozenset(
    [
        *("$exception_types", "$exception_values", "$exception_sources", "$exception_functions", "$exception_level"),
        *("$exception_handled", "$exception_fingerprint", "$exception_issue_id"),
        *("$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version", "$app_namespace"),
        *("$app_version", "$device_type", "$current_url", "$screen_name", "$referrer"),
    ]
)
"""The properties that `counting.INCLUDE` asks for; of others nothing is known."""
_FROM_FRAMES = ("$exception_sources", "$exception_functions")
_CUT = "[truncated from"
_NUMERIC = ("gt", "gte", "lt", "lte", "between", "not_between", "min", "max")


class SampledEvent:
    """An event of `query/issue_events`, evaluated against rules of a kind."""

    def __init__(self, row: Mapping[str, Any], kind: str) -> None:
        properties = as_object(row.get("properties"))
        self.uuid = text_of(row, "uuid")
        self._is_whole = True
        frames = list(self._frames(properties))
        known = {name: value for name, value in properties.items() if name in _KNOWN}
        for name, field in zip(_FROM_FRAMES, ("source", "resolved_name"), strict=True):
            known[name] = list(dict.fromkeys(text for frame in frames if (text := text_of(frame, field))))
        self._properties = known
        self._event = Event(seen_by(kind, known))

    def outcome(self, rule: Rule, filters: Any) -> Outcome:
        """Return the effect on a rule; unknown if it depends on what PostHog does not show."""
        outcome = rule.match(self._event)
        if outcome.kind in ("refused", "disabled"):
            return outcome
        hidden = self._hidden(filters)
        return Outcome("unknown", hidden) if hidden else outcome

    def held(self, filters: Any) -> list[str]:
        """Return the conditions that hold, in short."""
        return [
            f"{condition.get('key')} {condition.get('operator') or 'exact'} {condition.get('value')}"
            for condition in conditions_of(filters)
            if self.outcome(Rule(one := {"type": "AND", "values": [condition]}), one).kind == "match"
        ]

    def _hidden(self, filters: Any) -> str:
        """Return why a rule cannot be evaluated on this event; "" if it can."""
        for condition in conditions_of(filters):
            key = condition.get("key")
            if condition.get("type", "event") != "event" or key not in _KNOWN:
                return f"events show no {key}"
            if condition.get("operator") in _NUMERIC:
                return "events do not show the types of values"
            if key in _FROM_FRAMES and not self._is_whole:
                return "the stack is not shown whole"
            values: Any = self._properties.get(key)
            texts = cast("list[Any]", values) if isinstance(values, list) else [values]
            if any(isinstance(text, str) and _CUT in text[-60:] for text in texts):
                return f"{key} is cut"
        return ""

    def _frames(self, properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for exception in as_objects(properties.get("$exception_list")):
            stack = as_object(exception.get("stacktrace"))
            if stack.get("frames_omitted") or "same_as_event" in stack or "same_as_exception" in stack:
                self._is_whole = False
            yield from (frame for frame in as_objects(stack.get("frames")) if frame.get("in_app"))
