"""The five kinds of rules."""

from typing import Any

from tests.server.cases.case import (
    ASSIGNMENT,
    BYPASS,
    GROUPING,
    ON_CALL,
    SEVERITY,
    SUPPRESSION,
    TYPE_ERROR,
    UNKNOWN,
    USER,
    Case,
    Refusal,
    filters,
)

_NEW = filters("RangeError")
_NO_CONDITION: dict[str, Any] = {"type": "AND", "values": []}


def _kind(
    name: str,
    ids: tuple[str, str],
    update: str,
    own: dict[str, Any],
    changed: dict[str, Any],
    paged: bool,
    kept: str,
) -> list[Case]:
    """All six tools of a kind.

    `own` is what a rule has beside filters, `changed` what an update makes of it, and `kept` what makes the first anew.
    """
    first, second = ids
    tools, path = f"error-tracking-{name}-rules", f"{name}_rules/"
    method = "PATCH" if update == "partial-update" else "PUT"
    return [
        Case(
            f"{tools}-list",
            {"limit": 1} if paged else {},
            (f"GET {path}",),
            {"results.0.id": first, "results.0.disabled_data": None}
            | ({"count": 2, "next_offset": 1} if paged else {}),
            ("1 of 2; next page: offset 1",) if paged else ("2 rows",),
        ),
        Case(
            f"{tools}-create",
            {"filters": _NEW, **own},
            (f"POST {path}",),
            {"filters": _NEW, **own, "order_key": 0, "disabled_data": None},
            ('"RangeError"',),
            {"filters": _NEW, **own},
        ),
        Case(f"{tools}-retrieve", {"id": first}, (f"GET {path}{first}/",), {"id": first, "order_key": 0}),
        Case(
            f"{tools}-{update}",
            {"id": second, "filters": _NEW, **changed},
            (f"{method} {path}{second}/", f"GET {path}{second}/"),
            {"id": second, "filters": _NEW, **changed, "disabled_data": None, "order_key": 1},
            ('"RangeError"',),
            {"filters": _NEW, **changed},
        ),
        Case(
            f"{tools}-destroy",
            {"id": first},
            (f"GET {path}{first}/", f"DELETE {path}{first}/"),
            {"deleted.id": first, "deleted.order_key": 0},
            (f"To undo, call {tools}-create with its {kept}. The new rule has another id.",),
        ),
        Case(
            f"{tools}-reorder",
            {"orders": {second: -5}},
            (f"PATCH {path}reorder/", f"GET {path}"),
            {"order": [{"id": second, "order_key": -5}, {"id": first, "order_key": 0}]},
            (f"{second}\t-5",),
            {"orders": {second: -5}},
        ),
    ]


CASES = [
    *_kind(
        "assignment",
        ASSIGNMENT,
        "partial-update",
        {"assignee": ON_CALL},
        {"assignee": USER},
        True,
        "filters, assignee, order_key",
    ),
    *_kind(
        "grouping", GROUPING, "update", {"assignee": USER, "description": "ranges"}, {}, False, "filters, description"
    ),
    *_kind(
        "suppression",
        SUPPRESSION,
        "update",
        {"sampling_rate": 0.25},
        {"sampling_rate": 0.75},
        True,
        "filters, sampling_rate",
    ),
    *_kind("bypass", BYPASS, "update", {}, {}, True, "filters"),
    *_kind(
        "severity",
        SEVERITY,
        "update",
        {"severity": "critical"},
        {"severity": "medium"},
        False,
        "filters, severity, order_key",
    ),
    Case(
        "error-tracking-severity-rules-update",
        {"id": SEVERITY[1], "severity": "high"},
        (f"PUT severity_rules/{SEVERITY[1]}/", f"GET severity_rules/{SEVERITY[1]}/"),
        {"severity": "high", "disabled_data.message": "off"},
        ("Note: The rule is disabled: only an update with filters enables it.",),
        {"severity": "high"},
    ),
    Case(
        "error-tracking-suppression-rules-create",
        {"filters": _NO_CONDITION},
        ("POST suppression_rules/",),
        {"filters": _NO_CONDITION, "sampling_rate": 1.0},
        ("Note: These filters hold no condition", "Note: It drops every new exception of the project."),
        {"filters": _NO_CONDITION},
    ),
    Case(
        "error-tracking-assignment-rules-create",
        {"filters": _NO_CONDITION, "assignee": USER},
        ("POST assignment_rules/",),
        {"filters": _NO_CONDITION},
        ("Note: These filters hold no condition",),
    ),
]

CASES.extend(
    [
        Case(
            "error-tracking-rules-check",
            {},
            (
                *(f"GET {kind}_rules/" for kind in ("assignment", "grouping", "suppression", "bypass")),
                "GET settings/retrieve_settings/",
                "GET severity_rules/",
            ),
            {
                "results.0.kind": "severity",
                "results.0.rule": SEVERITY[1],
                "results.0.level": "error",
                "results.0.order_key": 1,
            },
            (
                "PostHog disabled this rule: for a reason that is not known here.",
                "The project has no rate limit, so this rule has no effect.",
                "Note: 10 rules checked, 3 findings.",
            ),
        ),
        Case(
            "error-tracking-rules-check",
            {"kind": "grouping"},
            ("GET grouping_rules/",),
            {"results": []},
            ("Note: 2 rules checked, 0 findings.",),
        ),
    ]
)

REFUSALS = [
    Refusal(
        "error-tracking-grouping-rules-create",
        {"filters": _NO_CONDITION},
        "PostHog says: Filters must contain at least one filter value.",
        ("POST grouping_rules/ 400",),
    ),
    Refusal(
        "error-tracking-bypass-rules-create",
        {"filters": _NO_CONDITION},
        "PostHog says: A bypass rule must have at least one filter.",
        ("POST bypass_rules/ 400",),
    ),
    Refusal(
        "error-tracking-grouping-rules-create",
        {"filters": _NEW, "assignee": {"type": "user", "id": 99}},
        "A server error occurred",
        ("POST grouping_rules/ 500",),
    ),
    Refusal(
        "error-tracking-suppression-rules-create",
        {"filters": _NEW, "sampling_rate": 1.5},
        "- sampling_rate: must be at most 1",
    ),
    Refusal(
        "error-tracking-severity-rules-create",
        {"filters": _NEW, "severity": "hihg"},
        '- severity: "hihg" is not one of low, medium, high, critical',
    ),
    Refusal("error-tracking-severity-rules-create", {"severity": "high"}, "- filters: required, but missing"),
    Refusal(
        "error-tracking-assignment-rules-create",
        {
            "filters": {"type": "AND", "values": [{"key": "a", "operator": "icontain", "value": "x"}]},
            "assignee": USER,
        },
        '- filters.values[0].operator: "icontain" is not known; did you mean icontains',
    ),
    *(
        Refusal(
            f"error-tracking-{name}-rules-reorder",
            {"orders": {UNKNOWN: 3}},
            f"Ignored, no rules of this project: {UNKNOWN}.",
            (f"PATCH {name}_rules/reorder/ 204", f"GET {name}_rules/ 200"),
        )
        for name in ("assignment", "grouping", "suppression", "bypass", "severity")
    ),
    *(
        Refusal(
            f"error-tracking-{name}-rules-retrieve",
            {"id": TYPE_ERROR},
            f"{TYPE_ERROR} is the id of an issue, not of a{'n' if name[0] == 'a' else ''} {name} rule.",
            (f"GET {name}_rules/{TYPE_ERROR}/ 404", f"GET issues/{TYPE_ERROR}/ 200"),
        )
        for name in ("assignment", "grouping", "suppression", "bypass", "severity")
    ),
]
