"""Trackers, settings, spikes, recommendations and alerts."""

from typing import Any

from tests.server.cases.case import (
    ALERT,
    DISMISSED,
    KEY_ERROR,
    NO_ALERT,
    PAGE_OF_ISSUE,
    RECOMMENDATION,
    REFERENCE,
    SPIKE,
    TYPE_ERROR,
    UNKNOWN,
    Case,
    Refusal,
)

_SPIKING = {"events": [{"id": "$error_tracking_issue_spiking", "type": "events"}]}
_CONFIG = {"repository": "shop", "title": "Mend it", "body": "Please."}
_CONTEXT = {"repository": "shop", "number": 1}
_LIMITS: dict[str, Any] = {"project_rate_limit_value": 100, "project_rate_limit_bucket_size_minutes": None}


CASES = [
    Case(
        "error-tracking-external-references-list",
        {},
        ("GET external_references/",),
        {"count": 1, "results.0.id": REFERENCE, "results.0.integration.kind": "github"},
    ),
    Case(
        "error-tracking-external-references-retrieve",
        {"id": REFERENCE},
        (f"GET external_references/{REFERENCE}/",),
        {"id": REFERENCE, "title": "KeyError at the till"},
    ),
    Case(
        "error-tracking-external-references-create",
        {"integration_id": 7, "issue": PAGE_OF_ISSUE, "config": _CONFIG},
        ("POST external_references/",),
        {"integration.id": 7, "title": "Mend it", "external_url": "https://github.example/shop/issues/3"},
        ("https://github.example/shop/issues/3",),
        {"integration_id": 7, "issue": TYPE_ERROR, "config": _CONFIG},
    ),
    Case(
        "error-tracking-external-references-search",
        {"integration_id": 7, "search": "typeerror", "repository": "shop"},
        ("GET external_references/search_issues/",),
        {"issues.0.title": "TypeError in checkout", "issues.0.external_context": _CONTEXT},
        ("TypeError in checkout",),
    ),
    Case(
        "error-tracking-external-references-link",
        {"integration_id": 7, "issue": TYPE_ERROR, "external_context": _CONTEXT},
        ("POST external_references/link_issue/",),
        {"title": "TypeError in checkout", "external_id": "1"},
        body={"integration_id": 7, "issue": TYPE_ERROR, "external_context": _CONTEXT},
    ),
    Case("error-tracking-settings-get", {}, ("GET settings/retrieve_settings/",), {"project_rate_limit_value": None}),
    Case(
        "error-tracking-settings-update",
        _LIMITS,
        ("PATCH settings/update_settings/",),
        _LIMITS,
        ("project_rate_limit_value: 100",),
        _LIMITS,
    ),
    Case(
        "error-tracking-spike-events-list",
        {"issue_ids": TYPE_ERROR, "order_by": "-current_bucket_value"},
        ("GET spike_events/",),
        {"count": 1, "results.0.id": SPIKE, "results.0.current_bucket_value": 612, "results.0.issue.id": TYPE_ERROR},
        ("612", "4.5"),
    ),
    *(
        Case(
            "error-tracking-spike-events-list",
            {"issue_ids": ids},
            ("GET spike_events/",),
            {"count": 1, "results.0.id": SPIKE},
        )
        for ids in (
            PAGE_OF_ISSUE,
            TYPE_ERROR.upper(),
            f"{KEY_ERROR}, {TYPE_ERROR}",
            f"{PAGE_OF_ISSUE},{PAGE_OF_ISSUE.replace(TYPE_ERROR, KEY_ERROR)}",
            [KEY_ERROR, TYPE_ERROR],
            f'["{TYPE_ERROR}"]',
        )
    ),
    Case(
        "error-tracking-directory-list",
        {"kind": "integrations"},
        ("GET /integrations/",),
        {"results.0.kind": "github", "results.0.id": 7, "results.0.name": "acme"},
        ("acme",),
    ),
    Case("error-tracking-spike-detection-config-retrieve", {}, ("GET spike_detection_config/",), {"threshold": 500}),
    Case(
        "error-tracking-spike-detection-config-update",
        {"threshold": 50},
        ("PATCH spike_detection_config/update_config/",),
        {"threshold": 50, "multiplier": 10},
        ("threshold: 50",),
        {"threshold": 50},
    ),
    Case(
        "error-tracking-recommendations-list",
        {},
        ("GET recommendations/",),
        {"count": 5, "results.4.id": RECOMMENDATION, "results.4.type": "source_maps"},
    ),
    Case(
        "error-tracking-recommendations-refresh-create",
        {"id": RECOMMENDATION},
        (f"POST recommendations/{RECOMMENDATION}/refresh/",),
        {"id": RECOMMENDATION},
    ),
    Case(
        "error-tracking-recommendations-dismiss-create",
        {"id": RECOMMENDATION},
        (f"POST recommendations/{RECOMMENDATION}/dismiss/",),
        {"id": RECOMMENDATION},
        ("dismissed_at: 2",),
    ),
    Case(
        "error-tracking-recommendations-restore-create",
        {"id": DISMISSED},
        (f"POST recommendations/{DISMISSED}/restore/",),
        {"id": DISMISSED, "dismissed_at": None},
        ("dismissed_at: null",),
    ),
    Case(
        "error-tracking-alerts-list",
        {"enabled": True},
        ("GET /hog_functions/",),
        {"count": 1, "results.0.id": ALERT},
        ("1 of 1", "issue_created"),
    ),
    Case(
        "error-tracking-alerts-list",
        {"limit": 1, "type": ["internal_destination", "destination"]},
        ("GET /hog_functions/",),
        {"count": None, "next_offset": 1, "results.0.id": ALERT},
        ("1 row; next page: offset 1",),
    ),
    Case(
        "error-tracking-alerts-list",
        {"offset": 1, "type": ["internal_destination", "destination"]},
        ("GET /hog_functions/",),
        {"count": None, "next_offset": None, "results": []},
        ("Note: Hog functions on this page that are not error-tracking alerts: 1.",),
    ),
    Case(
        "error-tracking-alerts-create",
        {"name": "Spikes", "template_id": "template-webhook", "filters": _SPIKING, "inputs": {"url": {"value": "x"}}},
        ("POST /hog_functions/",),
        {"name": "Spikes", "filters": _SPIKING, "type": "internal_destination", "enabled": True},
        ("$error_tracking_issue_spiking",),
        {
            "name": "Spikes",
            "type": "internal_destination",
            "enabled": True,
            "template_id": "template-webhook",
            "filters": _SPIKING,
            "inputs": {"url": {"value": "x"}},
        },
    ),
    Case(
        "error-tracking-alerts-partial-update",
        {"id": ALERT, "enabled": False},
        (f"GET /hog_functions/{ALERT}/", f"PATCH /hog_functions/{ALERT}/"),
        {"id": ALERT, "enabled": False, "name": "New issues"},
        ("enabled: false",),
        {"enabled": False},
    ),
    Case(
        "error-tracking-alerts-delete",
        {"id": ALERT},
        (f"GET /hog_functions/{ALERT}/", f"PATCH /hog_functions/{ALERT}/"),
        {"deleted.id": ALERT, "deleted.name": "New issues"},
        body={"deleted": True},
    ),
]

REFUSALS = [
    Refusal(
        "error-tracking-alerts-delete",
        {"id": NO_ALERT},
        "Nothing was changed: this hog function is not an error-tracking alert.",
        (f"GET /hog_functions/{NO_ALERT}/ 200",),
        {"id": NO_ALERT, "name": "Purchases"},
    ),
    Refusal(
        "error-tracking-alerts-partial-update",
        {"id": NO_ALERT, "enabled": False},
        "Nothing was changed: this hog function is not an error-tracking alert.",
        (f"GET /hog_functions/{NO_ALERT}/ 200",),
    ),
    Refusal(
        "error-tracking-alerts-create",
        {"name": "x", "filters": {"events": [{"id": "purchase"}]}},
        "without one it is not an alert",
    ),
    *(
        Refusal("error-tracking-alerts-partial-update", {"id": ALERT, "enabled": True, **given}, says)
        for given, says in (
            ({"filters": {}}, "without one it is not an alert"),
            ({"filters": {"events": [{"id": "purchase"}]}}, "without one it is not an alert"),
            ({"name": None}, "- name: may not be emptied; leave out to keep"),
            ({"name": None, "template_id": None}, "- name, template_id: may not be emptied; leave out to keep"),
        )
    ),
    Refusal(
        "error-tracking-alerts-partial-update",
        {"id": ALERT, "enabled": False, "base_updated_at": "2020-01-01T00:00:00Z"},
        "PostHog says: ",
        (f"GET /hog_functions/{ALERT}/ 200", f"PATCH /hog_functions/{ALERT}/ 409"),
    ),
    Refusal(
        "error-tracking-external-references-create",
        {"integration_id": 7, "issue": TYPE_ERROR, "config": {"title": "x"}},
        "PostHog says: Missing required config fields for github: repository, body.",
        ("POST external_references/ 400",),
    ),
    Refusal(
        "error-tracking-external-references-create",
        {"integration_id": 9, "issue": TYPE_ERROR, "config": _CONFIG},
        "PostHog says: Integration does not belong to this team.",
        ("POST external_references/ 400",),
    ),
    Refusal(
        "error-tracking-external-references-link",
        {"integration_id": 7, "issue": UNKNOWN, "external_context": _CONTEXT},
        "PostHog says: Issue does not belong to this team.",
        ("POST external_references/link_issue/ 400",),
    ),
    Refusal(
        "error-tracking-external-references-search",
        {"integration_id": 9, "search": "x"},
        "PostHog says: Integration does not belong to this team. error-tracking-directory-list lists integrations",
        ("GET external_references/search_issues/ 400",),
    ),
    Refusal(
        "error-tracking-external-references-search",
        {"integration_id": 7, "search": "x"},
        "PostHog says: A repository is required to search GitHub issues. Nothing was changed. Correct the arguments",
        ("GET external_references/search_issues/ 400",),
    ),
    Refusal("error-tracking-settings-update", {}, "give at least one of project_rate_limit_value"),
    Refusal(
        "error-tracking-settings-update",
        {"project_rate_limit_value": 0},
        "- project_rate_limit_value: must be at least 1",
    ),
    Refusal("error-tracking-spike-detection-config-update", {}, "give at least one of snooze_duration_minutes"),
    Refusal(
        "error-tracking-spike-events-list",
        {"issue_ids": f"{TYPE_ERROR},not-an-id"},
        'issue_ids[1]: expected the UUID of an issue, got "not-an-id"; real ones come from query-error-tracking-issues',
    ),
    Refusal("error-tracking-spike-events-list", {"issue_ids": ","}, "issue_ids: "),
    Refusal("error-tracking-spike-events-list", {"order_by": "name"}, '- order_by: "name" is not'),
]
