"""One try of a rule on an event, in JSON: the line that `mcp-errortracking rules match` reads and writes."""

from typing import Any, cast

from mcp_errortracking.rules.events import KINDS, Event, seen_by
from mcp_errortracking.rules.matching import Rule
from mcp_errortracking.rules.order import Placed, first, is_dropped
from mcp_errortracking.rules.outcomes import Outcome

_ASKS = ("suppress", "first")


class TrialError(Exception):
    """The line cannot be read; the text says why, and what to write."""


def run_trial(given: Any) -> dict[str, Any]:
    """Return the result of one line.

    Raises:
        TrialError: the line lacks something, or has it in a wrong form.
    """
    if not isinstance(given, dict):
        raise TrialError('not a JSON object; write {"id": ..., "filters": {...}, "properties": {...}}')
    line = cast("dict[str, Any]", given)
    properties = line.get("properties")
    if not isinstance(properties, dict):
        raise TrialError("properties is missing, or not an object: give the event's properties")
    ask = line.get("ask")
    if ask is not None and ask not in _ASKS:
        raise TrialError(f"ask is {', '.join(_ASKS)}, or absent")
    event_uuid = line.get("event_uuid")
    if event_uuid is not None and not isinstance(event_uuid, str):
        raise TrialError("event_uuid is not a text")
    results = [
        _first(line, cast("dict[str, Any]", properties), kind)
        if ask == "first"
        else _one(line, cast("dict[str, Any]", properties), kind)
        for kind in _kinds(line)
    ]
    if any({**other, "message": None} != {**results[0], "message": None} for other in results):
        results[0] = {"outcome": "unknown", "message": "the kinds of rules differ: give one kind", **_NOTHING}
    return {"id": line.get("id"), **results[0]}


_NOTHING: dict[str, Any] = {"taken_by": None, "suppressed": None}


def _kinds(line: dict[str, Any]) -> list[str | None]:
    given: Any = line.get("kind", line.get("rule_kinds"))
    kinds: list[Any] = [given] if isinstance(given, str) else cast("list[Any]", given or [])
    if not isinstance(kinds, list) or any(kind not in KINDS for kind in kinds):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TrialError(f"kind is one of {', '.join(KINDS)}")
    return list(dict.fromkeys(kinds)) or [None]


def _event(properties: dict[str, Any], kind: str | None) -> Event:
    return Event(seen_by(kind, properties) if kind else properties)


def _one(line: dict[str, Any], properties: dict[str, Any], kind: str | None) -> dict[str, Any]:
    if "filters" not in line:
        raise TrialError('filters is missing: {"type": "AND", "values": [...]}')
    outcome = Rule(line["filters"], kind).match(_event(properties, kind))
    suppressed: bool | None = None
    message = outcome.why
    if line.get("ask") == "suppress" and outcome.kind != "unknown":
        rate = _rate(line.get("sampling_rate"))
        suppressed = outcome.kind == "match" and is_dropped(1 if rate is None else rate, line.get("event_uuid"))
        if suppressed is None:
            message = "sampling_rate needs event_uuid, a UUID"
    return _result(outcome, message, None, suppressed)


def _first(line: dict[str, Any], properties: dict[str, Any], kind: str | None) -> dict[str, Any]:
    rules: Any = line.get("rules")
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in cast("list[Any]", rules)):
        raise TrialError('rules is missing, or not a list of objects: [{"id", "order_key", "filters", "disabled"}]')
    placed = [
        _placed(rule, index, kind)
        for index, rule in enumerate(cast("list[dict[str, Any]]", rules))
        if not rule.get("disabled") and rule.get("disabled_data") is None
    ]
    taken = first(placed, _event(properties, kind), line.get("event_uuid"))
    disabled = "; ".join(f"rule {rule} is switched off: {why}" for rule, why in taken.disabled.items())
    message = "; ".join(part for part in (taken.outcome.why, disabled) if part)
    return _result(taken.outcome, message, taken.by, None)


def _placed(rule: dict[str, Any], index: int, kind: str | None) -> Placed:
    order_key = rule.get("order_key", 0)
    if isinstance(order_key, bool) or not isinstance(order_key, int | float):
        raise TrialError(f"rules[{index}].order_key is not a number")
    name = str(rule.get("id", index))
    return Placed(
        name,
        Rule(rule.get("filters"), kind),
        order_key,
        (str(rule.get("created_at")), name) if kind == "severity" else (),
        _rate(rule.get("sampling_rate")),
        kind == "assignment" and "assignee" in rule and rule["assignee"] is None,
    )


def _rate(value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TrialError("sampling_rate is not a number")
    return value


def _result(outcome: Outcome, message: str, taken_by: str | None, suppressed: bool | None) -> dict[str, Any]:
    return {"outcome": outcome.kind, "message": message or None, "taken_by": taken_by, "suppressed": suppressed}
