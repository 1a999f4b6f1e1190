"""PostHog's validation of a rule's filters (contract 3.1)."""

from typing import Any, cast

from mcp_errortracking.sandbox.errors import invalid

OPERATORS = frozenset(
    [
        "exact",
        "is_not",
        "icontains",
        "not_icontains",
        "starts_with",
        "not_starts_with",
        "ends_with",
        "not_ends_with",
        "regex",
        "not_regex",
        "gt",
        "gte",
        "lt",
        "lte",
        "is_set",
        "is_not_set",
        "is_date_exact",
        "is_date_before",
        "is_date_after",
        "between",
        "not_between",
        "min",
        "max",
        "in",
        "not_in",
        "is_cleaned_path_exact",
        "flag_evaluates_to",
        "semver_eq",
        "semver_neq",
        "semver_gt",
        "semver_gte",
        "semver_lt",
        "semver_lte",
        "semver_tilde",
        "semver_caret",
        "semver_wildcard",
        "icontains_multi",
        "not_icontains_multi",
    ]
)
_WITHOUT_OPERATOR = frozenset(["event", "cohort", "hogql", "flag", "behavioral"])
_WITH_OPERATOR = frozenset(
    [
        "person",
        "person_metadata",
        "element",
        "event_metadata",
        "session",
        "recording",
        "log_entry",
        "group",
        "feature",
        "data_warehouse",
        "data_warehouse_person_property",
        "error_tracking_issue",
        "log",
        "log_attribute",
        "log_resource_attribute",
        "span",
        "span_attribute",
        "span_resource_attribute",
        "revenue_analytics",
        "workflow_variable",
        "metric",
        "metric_attribute",
        "account_custom_property",
    ]
)
_KEYS = frozenset(["key", "type", "operator", "value", "label"])
_MORE_KEYS = {
    "group": frozenset(["group_type_index", "group_key_names"]),
    "cohort": frozenset(["cohort_name"]),
    "behavioral": frozenset(
        [
            *("event_type", "event_filters", "negation", "operator_value", "time_value", "time_interval"),
            *("explicit_datetime", "explicit_datetime_to"),
        ]
    ),
}
_ELEMENT_KEYS = ("tag_name", "text", "href", "selector")


def check_filters(value: Any) -> None:
    """Refuse filters that PostHog's schema does not take.

    Raises:
        ErrorAnswer: 400.
    """
    if not isinstance(value, dict):
        raise invalid("invalid_input", "Expected a JSON object.", "filters")
    if not _is_group(cast("dict[str, Any]", value)):
        raise invalid("invalid_input", "Invalid filters payload.", "filters")


def _is_group(group: dict[str, Any]) -> bool:
    if set(group) != {"type", "values"} or group["type"] not in ("AND", "OR") or not isinstance(group["values"], list):
        return False
    for value in cast("list[Any]", group["values"]):
        if not isinstance(value, dict):
            return False
        inner = cast("dict[str, Any]", value)
        if not (_is_group(inner) if "values" in inner else _is_condition(inner)):
            return False
    return True


def _is_condition(condition: dict[str, Any]) -> bool:
    kind = condition.get("type", "event")
    operator = condition.get("operator")
    if kind == "empty":
        return set(condition) == {"type"}
    if kind not in _WITHOUT_OPERATOR | _WITH_OPERATOR or not set(condition) <= _KEYS | _MORE_KEYS.get(
        kind, frozenset()
    ):
        return False
    if kind == "element" and condition.get("key") not in _ELEMENT_KEYS:
        return False
    if not isinstance(condition.get("key", "id" if kind == "cohort" else None), str):
        return False
    if operator is None:
        return kind in _WITHOUT_OPERATOR
    return kind != "hogql" and operator in OPERATORS and _is_value(condition.get("value"))


def _is_value(value: Any) -> bool:
    scalars = cast("list[Any]", value) if isinstance(value, list) else [value]
    return all(scalar is None or isinstance(scalar, str | int | float | bool) for scalar in scalars)


def has_condition(group: dict[str, Any]) -> bool:
    """True if validated filters hold a real condition, at any depth."""
    values = cast("list[dict[str, Any]]", group["values"])
    return any(has_condition(one) if "values" in one else one.get("type") != "empty" for one in values)
