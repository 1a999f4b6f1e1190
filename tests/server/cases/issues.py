"""Issues, their fingerprints, and what is asked about them."""

from tests.server.cases.case import (
    FIRST_PRINT,
    KEY_ERROR,
    NOISE,
    ON_CALL,
    ORPHAN,
    PAGE_OF_ISSUE,
    SECOND_PRINT,
    THIRD_PRINT,
    TYPE_ERROR,
    UNKNOWN,
    USER,
    Case,
    Refusal,
)

_ISSUE = f"issues/{TYPE_ERROR}/"

CASES = [
    Case("error-tracking-issues-list", {"limit": 2}, ("GET issues/",), {"count": 4, "next_offset": 2}, ("2 of 4",)),
    Case(
        "error-tracking-issues-retrieve",
        {"id": KEY_ERROR},
        (f"GET issues/{KEY_ERROR}/",),
        {"id": KEY_ERROR, "status": "active", "assignee": ON_CALL, "external_issues.0.title": "KeyError at the till"},
        ("KeyError at the till",),
    ),
    Case(
        "error-tracking-issues-partial-update",
        {"id": TYPE_ERROR, "status": "resolved", "severity": None, "name": "Renamed"},
        (f"PATCH {_ISSUE}",),
        {"id": TYPE_ERROR, "status": "resolved", "severity": None, "name": "Renamed"},
        ("status: resolved", "severity: null", "name: Renamed"),
        {"status": "resolved", "severity": None, "name": "Renamed"},
    ),
    Case(
        "error-tracking-issues-assign-partial-update",
        {"id": TYPE_ERROR, "assignee": ON_CALL},
        (f"PATCH {_ISSUE}assign/", f"GET {_ISSUE}"),
        {"id": TYPE_ERROR, "assignee": ON_CALL},
        body={"assignee": ON_CALL},
    ),
    Case(
        "error-tracking-issues-assign-partial-update",
        {"id": KEY_ERROR, "assignee": None},
        (f"PATCH issues/{KEY_ERROR}/assign/", f"GET issues/{KEY_ERROR}/"),
        {"assignee": None},
        ("assignee: null",),
        {"assignee": None},
    ),
    Case(
        "error-tracking-issues-merge-create",
        {"id": PAGE_OF_ISSUE, "ids": [KEY_ERROR, ORPHAN]},
        ("GET issues/", f"POST {_ISSUE}merge/", f"GET {_ISSUE}"),
        {"id": TYPE_ERROR, "status": "active"},
        body={"ids": [KEY_ERROR, ORPHAN]},
    ),
    Case(
        "error-tracking-issues-split-create",
        {"id": TYPE_ERROR, "fingerprints": [{"fingerprint": "print-2", "name": "Its own"}, {"fingerprint": "print-3"}]},
        (f"POST {_ISSUE}split/",),
        {"success": True},
        ("Note: 1 of 2 fingerprints were skipped: this issue does not own them.",),
        {"fingerprints": [{"fingerprint": "print-2", "name": "Its own"}, {"fingerprint": "print-3"}]},
    ),
    Case(
        "error-tracking-issues-cohort-update",
        {"id": TYPE_ERROR, "cohortId": 3},
        (f"PUT {_ISSUE}cohort/",),
        {"success": True},
        body={"cohortId": 3},
    ),
    Case(
        "error-tracking-issues-bulk-create",
        {"action": "set_status", "ids": [TYPE_ERROR, PAGE_OF_ISSUE, KEY_ERROR], "status": "resolved"},
        ("POST issues/bulk/", "GET issues/"),
        {"success": True},
        body={"action": "set_status", "ids": [TYPE_ERROR, TYPE_ERROR, KEY_ERROR], "status": "resolved"},
    ),
    Case(
        "error-tracking-issues-bulk-create",
        {"action": "assign", "ids": [KEY_ERROR], "assignee": None},
        ("POST issues/bulk/", "GET issues/"),
        {"success": True},
        body={"action": "assign", "ids": [KEY_ERROR], "assignee": None},
    ),
    Case(
        "error-tracking-issues-values-retrieve",
        {"key": "name", "value": "type"},
        ("GET issues/values/",),
        {"results": [{"name": "TypeError"}]},
        ("TypeError",),
    ),
    Case("error-tracking-issues-exists-retrieve", {}, ("GET issues/exists/",), {"exists": True}, ("exists: true",)),
    Case("error-tracking-issues-all-activity-retrieve", {}, ("GET issues/activity/",), {"count": 0, "results": []}),
    Case(
        "error-tracking-issues-activity-retrieve",
        {"id": TYPE_ERROR, "limit": 5, "page": 2},
        (f"GET {_ISSUE}activity/",),
        {"count": 0, "results": []},
    ),
    Case(
        "query-error-tracking-issues-list",
        {"dateRange": {"date_from": "-30d"}, "filterTestAccounts": False},
        ("POST query/issues/",),
        {
            "results.0.id": TYPE_ERROR,
            "results.0.aggregations.occurrences": 12,
            "results.1.id": KEY_ERROR,
            "results.1.aggregations.occurrences": 6,
            "next_offset": None,
        },
        ("2 rows", "TypeError", "\t12\t"),
        {"limit": 25, "dateRange": {"date_from": "-30d"}, "filterTestAccounts": False},
    ),
    Case(
        "query-error-tracking-issues-list",
        {"limit": 1, "volumeResolution": 4, "filterGroup": [{"key": "$lib", "value": "web", "type": "event"}]},
        ("POST query/issues/",),
        {"results.0.id": TYPE_ERROR, "results.0.severity": "high"},
        ("1 row",),
        {
            "limit": 1,
            "volumeResolution": 4,
            "filterGroup": [{"key": "$lib", "operator": "exact", "value": "web", "type": "event"}],
        },
    ),
    *(
        Case(
            "query-error-tracking-issues-list",
            {"dateRange": {"date_from": begin, "date_to": end}},
            ("POST query/issues/",),
            {"next_offset": None},
            body={"limit": 25, "dateRange": {"date_from": begin, "date_to": end}},
        )
        for begin, end in (
            ("2026-06-01T00:00:00Z", "-1d"),
            ("-1dStart", "-1dEnd"),
            ("-1dStart", "dStart"),
            ("-1m", "-30d"),
            ("7d", "-30M"),
            ("2026-06-01", "2026-06-01"),
        )
    ),
    Case(
        "query-error-tracking-issues-list",
        {
            "dateRange": {"date_from": "-30d", "date_to": "-1d"},
            "limit": 101,
            "output_format": "json",
            "verbosity": "raw",
        },
        ("POST query/issues/",),
        {"next_offset": None},
        (
            "Note: date_to -1d: PostHog reads a relative date_to forward, so this range ends after now.",
            "Note: limit: 100 is the most for one call; it was sent instead.",
            "Note: output_format has no effect: results are text;",
            "Note: verbosity has no effect: this tool shows all that it has.",
        ),
        {"limit": 100, "dateRange": {"date_from": "-30d", "date_to": "-1d"}},
    ),
    Case(
        "query-error-tracking-issues-list",
        {"assignee": ON_CALL, "filterTestAccounts": False},
        ("POST query/issues/",),
        {"results.0.id": KEY_ERROR, "results.0.assignee": ON_CALL},
    ),
    Case(
        "query-error-tracking-issue",
        {"issueId": PAGE_OF_ISSUE, "includeSparkline": True, "filterTestAccounts": False},
        ("POST query/issue/",),
        {"id": TYPE_ERROR, "impact.occurrences": 12, "top_in_app_frame.source": "src/checkout.ts"},
        ("top_in_app_frame: discount (src/checkout.ts:18:22)", "occurrences: 12", "sparkline: [0,"),
        {"issueId": TYPE_ERROR, "includeSparkline": True, "filterTestAccounts": False},
    ),
    Case(
        "query-error-tracking-issue-events",
        {"issueId": TYPE_ERROR, "include": ["exception", "stacktrace"], "onlyAppFrames": False, "limit": 2},
        ("POST query/issue_events/",),
        {"next_offset": 2, "results.0.properties.$exception_list.0.type": "TypeError"},
        ("2 rows; next page: offset 2", "TypeError: offer is undefined (unhandled)"),
        {"issueId": TYPE_ERROR, "include": ["exception", "stacktrace"], "onlyAppFrames": False, "limit": 2},
    ),
    Case(
        "query-error-tracking-issue-events",
        {"issueId": NOISE},
        ("POST query/issue_events/",),
        {"results": []},
        ("Note: No event in this range matches: try a longer dateRange, e.g. date_from -30d.",),
    ),
    Case(
        "query-error-tracking-issue-events",
        {"issueId": TYPE_ERROR, "offset": 100_000},
        ("POST query/issue_events/",),
        {"results": []},
        ("Note: No event at offset 100000: it lies past the end of this range; start at 0.",),
    ),
    Case(
        "error-tracking-fingerprints-list",
        {"issue_id": PAGE_OF_ISSUE},
        ("GET fingerprints/",),
        {"count": 2, "results.0.id": FIRST_PRINT, "results.1.fingerprint": "print-2"},
        ("2 of 2", SECOND_PRINT),
    ),
    Case(
        "error-tracking-fingerprints-retrieve",
        {"id": THIRD_PRINT},
        (f"GET fingerprints/{THIRD_PRINT}/",),
        {"id": THIRD_PRINT, "issue_id": KEY_ERROR, "fingerprint": "print-3"},
    ),
    Case(
        "error-tracking-fingerprints-resolve-retrieve",
        {"fingerprint": "print-3"},
        ("GET fingerprints/resolve/",),
        {"id": THIRD_PRINT, "issue_id": KEY_ERROR},
    ),
]

REFUSALS = [
    Refusal(
        "error-tracking-issues-merge-create",
        {"id": TYPE_ERROR, "ids": [PAGE_OF_ISSUE]},
        "an issue cannot be merged into itself, leave its id out",
    ),
    Refusal(
        "error-tracking-issues-merge-create",
        {"id": TYPE_ERROR, "ids": [UNKNOWN]},
        "Nothing was merged: PostHog found nothing left to merge.",
        (
            "GET issues/ 200",
            f"POST {_ISSUE}merge/ 200",
        ),
    ),
    Refusal(
        "error-tracking-issues-split-create",
        {"id": TYPE_ERROR, "fingerprints": [{"fingerprint": "print-3"}]},
        "Note: 1 of 1 fingerprints were skipped: this issue does not own them.",
        (f"POST {_ISSUE}split/ 200",),
        {"new_issue_ids": []},
    ),
    Refusal(
        "error-tracking-issues-assign-partial-update",
        {"id": TYPE_ERROR, "assignee": {"type": "user", "id": 99}},
        "PostHog says: Assignee user does not belong to this organization. Nothing was assigned. No tool lists",
        (f"PATCH {_ISSUE}assign/ 400",),
    ),
    Refusal("error-tracking-issues-assign-partial-update", {"id": TYPE_ERROR}, "- assignee: required, but missing"),
    Refusal("error-tracking-issues-partial-update", {"id": TYPE_ERROR}, "give status, severity, name or description"),
    Refusal(
        "error-tracking-issues-partial-update",
        {"id": TYPE_ERROR, "status": "archived"},
        '- status: "archived" is not known; did you mean resolved?',
    ),
    Refusal(
        "error-tracking-issues-cohort-update",
        {"id": TYPE_ERROR, "cohortId": 99},
        "The issue or the cohort does not exist in this project.",
        (f"PUT {_ISSUE}cohort/ 404", f"GET fingerprints/{TYPE_ERROR}/ 404"),
    ),
    Refusal(
        "error-tracking-issues-bulk-create", {"action": "assign", "ids": [TYPE_ERROR]}, "assignee: needed by assign"
    ),
    Refusal("error-tracking-issues-bulk-create", {"action": "set_status", "ids": [TYPE_ERROR]}, "status: needed by"),
    Refusal(
        "error-tracking-issues-bulk-create",
        {"action": "assign", "ids": [TYPE_ERROR], "assignee": {"type": "user", "id": 99}},
        "PostHog says: Assignee user does not belong to this organization. Nothing was assigned. No tool lists",
        ("POST issues/bulk/ 400",),
    ),
    Refusal("error-tracking-issues-values-retrieve", {"key": "nme", "value": "x"}, '"nme" is not one of name, issue'),
    Refusal(
        "error-tracking-issues-retrieve",
        {"id": FIRST_PRINT},
        f"{FIRST_PRINT} is the id of a fingerprint record; the id of its issue is {TYPE_ERROR}.",
        (f"GET issues/{FIRST_PRINT}/ 404", f"GET fingerprints/{FIRST_PRINT}/ 200"),
    ),
    Refusal(
        "error-tracking-issues-retrieve",
        {"id": TYPE_ERROR, "fingerprint": "print-3"},
        f"The fingerprint belongs to another issue now: {KEY_ERROR}.",
        (f"GET {_ISSUE} 308",),
    ),
    Refusal(
        "query-error-tracking-issue",
        {"issueId": FIRST_PRINT},
        f"the id of its issue is {TYPE_ERROR}.",
        ("POST query/issue/ 404", f"GET fingerprints/{FIRST_PRINT}/ 200"),
    ),
    Refusal(
        "query-error-tracking-issue-events",
        {"issueId": TYPE_ERROR, "dateRange": {"date_from": "2026-08-02T00:00:00Z", "date_to": "2026-08-01T00:00:00Z"}},
        "dateRange: date_to does not lie after date_from: swap them",
    ),
    *(
        Refusal(
            "query-error-tracking-issues-list",
            {"dateRange": {"date_from": text}},
            f'like -24h, -7d, -1dStart, all, or 2026-06-01T00:00:00Z{meant}, got the string "{text}"',
        )
        for text, meant in (
            ("yesterday", "; did you mean -1dStart?"),
            ("last week", ""),
            ("-7D", "; did you mean -7d?"),
            ("last 30 minutes", "; did you mean -30M?"),
            ("2026-06-31", ""),
        )
    ),
    Refusal("query-error-tracking-issues-list", {"status": "resolvd"}, "is not one of active, resolved"),
    Refusal("query-error-tracking-issues-list", {"limit": 0}, "- limit: must be at least 1"),
    Refusal(
        "query-error-tracking-issue-events",
        {"issueId": TYPE_ERROR, "include": ["stack"]},
        '- include[0]: "stack" is not known; did you mean stacktrace',
    ),
    Refusal(
        "query-error-tracking-issues-list",
        {"filterGroup": [{"type": "hogql", "key": "1 = 1"}]},
        "PostHog says: HogQL property filters are not supported here.",
        ("POST query/issues/ 400",),
    ),
    Refusal(
        "error-tracking-fingerprints-retrieve",
        {"id": TYPE_ERROR},
        f"{TYPE_ERROR} is the id of an issue, not of a fingerprint record.",
        (f"GET fingerprints/{TYPE_ERROR}/ 404", f"GET issues/{TYPE_ERROR}/ 200"),
    ),
    Refusal(
        "error-tracking-fingerprints-resolve-retrieve",
        {"fingerprint": "no such"},
        "Not found in project 1.",
        ("GET fingerprints/resolve/ 404",),
    ),
    Refusal(
        "error-tracking-issues-assign-partial-update", {"id": TYPE_ERROR, "assignee": {**USER, "id": "x"}}, "integer"
    ),
]
