"""The form of a case, and the project that all of them are about."""

from dataclasses import dataclass, field
from typing import Any

from tests.sandbox_process import FULL, READ_ONLY, ROLE

NO_SCOPES = "phx_a_key_for_its_user_alone"


def uid(number: int) -> str:
    """One of the ids of the project."""
    return f"01936f2e-7a51-7000-8000-{number:012x}"


UNKNOWN = uid(0xDEAD)
TYPE_ERROR, KEY_ERROR, NOISE, ORPHAN = (uid(0x100 + number) for number in range(4))
FIRST_PRINT, SECOND_PRINT, THIRD_PRINT = (uid(0x110 + number) for number in range(3))
ASSIGNMENT = uid(0x200), uid(0x201)
GROUPING = uid(0x210), uid(0x211)
SUPPRESSION = uid(0x220), uid(0x221)
BYPASS = uid(0x230), uid(0x231)
SEVERITY = uid(0x240), uid(0x241)
COMPLETE, MISSING, PENDING = (uid(0x300 + number) for number in range(3))
CHUNK = uid(0x310)
RELEASE, OLD_RELEASE = uid(0x320), uid(0x321)
FRAME, UNRESOLVED_FRAME = uid(0x330), uid(0x331)
REFERENCE = uid(0x400)
ALERT, NO_ALERT = uid(0x410), uid(0x411)
RECOMMENDATION, DISMISSED = uid(0x420), uid(0x421)
SPIKE = uid(0x430)
ORGANIZATION = uid(0x440)
USER = {"type": "user", "id": 1}
ON_CALL = {"type": "role", "id": ROLE}
PAGE_OF_ISSUE = f"https://us.posthog.com/project/1/error_tracking/{TYPE_ERROR}?timestamp=2026-08-01"
"""The address of an issue, as a user pastes it."""


def filters(value: str, key: str = "$exception_types") -> dict[str, Any]:
    """Filters with one condition."""
    return {"type": "AND", "values": [{"key": key, "type": "event", "operator": "exact", "value": [value]}]}


def _frame(source: str, line: int, name: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "line": line, "function": name, **more}


SEED: dict[str, Any] = {
    "organizations": [{"id": ORGANIZATION}],
    "projects": [{"id": 1}],
    "users": [{"id": 1, "first_name": "Ada"}, {"id": 2}],
    "roles": [{"id": ROLE}],
    "keys": [
        {"value": FULL},
        {"value": READ_ONLY, "scopes": ["error_tracking:read"]},
        {"value": NO_SCOPES, "scopes": ["user:read"]},
    ],
    "releases": [
        {"id": RELEASE, "version": "1.4.2", "hash_id": "newest", "created_at": "2026-08-02T00:00:00Z"},
        {"id": OLD_RELEASE, "version": "1.4.1", "hash_id": "older", "created_at": "2026-08-01T00:00:00Z"},
    ],
    "issues": [
        {
            "id": TYPE_ERROR,
            "name": "TypeError",
            "description": "offer is undefined",
            "severity": "high",
            "fingerprints": [
                {"fingerprint": "print-1", "id": FIRST_PRINT},
                {"fingerprint": "print-2", "id": SECOND_PRINT},
            ],
            "events": {
                "count": 12,
                "users": 4,
                "since": 5,
                "releases": ["1.4.1", "1.4.2"],
                "frames": [
                    _frame(
                        "src/checkout.ts",
                        18,
                        "discount",
                        column=22,
                        context="  return offer.percent;",
                        before=["function discount(offer) {"],
                        after=["}"],
                        variables={"offer": "undefined"},
                    ),
                    _frame("node_modules/react-dom/index.js", 7, "commit", in_app=False),
                    _frame("assets/app.js", 1, "e.t", column=48213, symbol_set="app", failure="No source map found"),
                ],
            },
        },
        {
            "id": KEY_ERROR,
            "name": "KeyError",
            "description": "customer_id",
            "assignee": ON_CALL,
            "fingerprints": [{"fingerprint": "print-3", "id": THIRD_PRINT}],
            "events": {"count": 6, "since": 4, "lib": "posthog-python", "lang": "python"},
        },
        {"id": NOISE, "name": "ResizeObserver", "status": "suppressed", "fingerprints": ["print-4"]},
        {"id": ORPHAN, "name": "TypeError", "description": "another one"},
    ],
    "assignment_rules": [
        {"id": ASSIGNMENT[0], "filters": filters("TypeError"), "assignee": USER, "order_key": 0},
        {"id": ASSIGNMENT[1], "filters": filters("KeyError"), "assignee": ON_CALL, "order_key": 1},
    ],
    "grouping_rules": [
        {"id": GROUPING[0], "filters": filters("A"), "description": "all of A", "order_key": 0},
        {"id": GROUPING[1], "filters": filters("B"), "order_key": 1},
    ],
    "suppression_rules": [
        {"id": SUPPRESSION[0], "filters": filters("A"), "sampling_rate": 0.5, "order_key": 0},
        {"id": SUPPRESSION[1], "filters": filters("B"), "order_key": 1},
    ],
    "bypass_rules": [
        {"id": BYPASS[0], "filters": filters("A"), "order_key": 0},
        {"id": BYPASS[1], "filters": filters("B"), "order_key": 1},
    ],
    "severity_rules": [
        {"id": SEVERITY[0], "filters": filters("A"), "severity": "high", "order_key": 0},
        {
            "id": SEVERITY[1],
            "filters": filters("B"),
            "severity": "low",
            "order_key": 1,
            "disabled_data": {"message": "off"},
        },
    ],
    "symbol_sets": [
        {
            "id": COMPLETE,
            "ref": CHUNK,
            "content": "bytes",
            "content_hash": "old",
            "release": RELEASE,
            "created_at": "2026-08-01T00:00:00Z",
        },
        {
            "id": MISSING,
            "ref": "app",
            "state": "missing",
            "failure_reason": "404",
            "created_at": "2026-08-02T00:00:00Z",
        },
        {"id": PENDING, "ref": "waiting", "state": "pending", "content": "x", "created_at": "2026-08-03T00:00:00Z"},
    ],
    "stack_frames": [
        {"id": FRAME, "raw_id": "aa/0", "resolved": True, "symbol_set_ref": CHUNK, "contents": {"source": "a.ts"}},
        {"id": UNRESOLVED_FRAME, "raw_id": "bb/0", "symbol_set_ref": "app"},
    ],
    "integrations": [{"id": 7, "kind": "github", "display_name": "acme"}],
    "external_references": [{"id": REFERENCE, "issue": 1, "integration": 7, "title": "KeyError at the till"}],
    "tracked_issues": [{"integration": 7, "title": "TypeError in checkout", "repository": "shop"}],
    "cohorts": [{"id": 3, "name": "Payers"}],
    "hog_functions": [
        {
            "id": ALERT,
            "name": "New issues",
            "filters": {"events": [{"id": "$error_tracking_issue_created", "type": "events"}]},
        },
        {"id": NO_ALERT, "name": "Purchases", "type": "destination", "filters": {"events": [{"id": "purchase"}]}},
    ],
    "recommendations": [
        {"id": RECOMMENDATION, "type": "source_maps"},
        {"id": DISMISSED, "type": "alerts", "dismissed_at": "2026-08-02T00:00:00Z"},
    ],
    "spikes": [{"id": SPIKE, "issue": 0, "computed_baseline": 4.5, "current_bucket_value": 612}],
}


@dataclass(frozen=True)
class Case:
    """A call that succeeds.

    `sends` are its requests in order, relative to error tracking, e.g. `GET issues/`. `body` is that of its write.
    `holds` are values of the structured result by their place, e.g. `results.0.id`. `shows` are parts of the text.
    """

    tool: str
    arguments: dict[str, Any]
    sends: tuple[str, ...]
    holds: dict[str, Any]
    shows: tuple[str, ...] = ()
    body: Any = None


@dataclass(frozen=True)
class Refusal:
    """A call that fails: what its text says, and the requests that it took, each with its status."""

    tool: str
    arguments: dict[str, Any]
    says: str
    sends: tuple[str, ...] = ()
    holds: dict[str, Any] = field(default_factory=dict[str, Any])
