"""Arguments that no agent sends, each up to the bound of one thing: tool, arguments, and what the refusal must say."""

from functools import cache
from typing import Any

LISTED = "query-error-tracking-issues-list"
MERGE = "error-tracking-issues-merge-create"
RULE = "error-tracking-assignment-rules-create"
START = "error-tracking-symbol-sets-bulk-start-upload"
ID = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
USER = {"type": "user", "id": 1}
PAGE = "https://x" + ("/error_tracking/" + "0" * 32) * 80


@cache
def hostile(size: int) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Return the cases with lists of `size` entries, texts of ten times as many characters."""
    text = "e" * (10 * size)
    return {
        "wrong ids": (MERGE, {"id": ID, "ids": ["x"] * size}, "ids[0]: expected the UUID"),
        "numbers for ids": (MERGE, {"id": ID, "ids": [1] * size}, "ids[0]: expected the UUID"),
        "lists for ids": (MERGE, {"id": ID, "ids": [[]] * size}, "ids[0]: expected the UUID"),
        "addresses for ids": (MERGE, {"id": ID, "ids": [f"{PAGE} x"] * (size // 40)}, "ids[0]: expected the UUID"),
        "ids as JSON": (MERGE, {"id": ID, "ids": "[" + "[]," * (size - 1) + "[]]"}, "ids[0]: expected the UUID"),
        "lists for a value": (LISTED, {"filterGroup": [{"key": "a", "value": [[]] * size}]}, "filterGroup[0].value"),
        "lists for filters": (LISTED, {"filterGroup": [[]] * size}, "filterGroup[0]: expected an object"),
        "empty filters": (LISTED, {"filterGroup": [{}] * size}, "filterGroup[0]: key is required"),
        "operators": (LISTED, {"filterGroup": [{"key": "a", "operator": "exzct"}] * (size // 3)}, "did you mean exact"),
        "a long operator": (LISTED, {"filterGroup": [{"key": "a", "operator": text}] * 8}, "filterGroup[0].operator"),
        "unknown members": (LISTED, {"filterGroup": [{"kei": 1}] * (size // 2)}, "filterGroup[0].kei: unknown"),
        "groups": (RULE, {"filters": {"type": "AND", "values": [{"values": []}] * (size // 3)}}, "filters.values[0]"),
        "numbers for filters": (RULE, {"filters": {"type": "AND", "values": [1] * size}}, "filters.values[0]"),
        "empty sets": (START, {"symbol_sets": [{}] * size}, "symbol_sets[0].chunk_id: required"),
        "equal chunks": (START, {"chunk_ids": [text[:size]] * 20}, "repeated: e"),
        "wrong keys": (
            "error-tracking-assignment-rules-reorder",
            {"orders": {f"k{number}": "x" for number in range(size)}},
            "orders.k0",
        ),
        "ids in a text": ("error-tracking-spike-events-list", {"issue_ids": "a," * size}, "issue_ids[0]"),
        "choices": ("query-error-tracking-issue-events", {"issueId": ID, "include": ["x"] * size}, "include[0]"),
        "a long choice": (LISTED, {"status": text}, "status: "),
        "a list for a choice": (LISTED, {"status": ["active"] * size}, "status: a list is not one of"),
        "controls for a choice": (LISTED, {"orderBy": "\x00b" * (5 * size)}, "orderBy: "),
        "empty globs": ("source-maps-check", {"folder": "dist", "exclude": [""] * size}, "exclude[0]"),
        "half characters": (LISTED, {"filterGroup": [{"key": "\ud800", "value": 1}] * (size // 3)}, "filterGroup[0]"),
        "unknown arguments": (LISTED, {f"k{number}": 1 for number in range(min(size, 100))}, "k0: unknown argument"),
    }


@cache
def oversized() -> dict[str, tuple[str, dict[str, Any], str]]:
    """Return the cases that exceed a bound, each by far."""
    many = 100_000
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    return {
        "list": (MERGE, {"id": ID, "ids": [1] * many}, f"ids: {many} entries; at most 10000"),
        "lists": (LISTED, {"filterGroup": [[]] * many}, f"filterGroup: {many} entries; at most 10000"),
        "value": (LISTED, {"filterGroup": [{"key": "a", "value": [[]] * many}]}, f"filterGroup: {many} entries"),
        "spread": (LISTED, {"filterGroup": [{"key": "a", "value": [1] * 9000}] * 9}, "more than 20000 values"),
        "members": (
            "error-tracking-alerts-create",
            {"inputs": {str(number): 1 for number in range(many)}},
            f"inputs: {many} entries",
        ),
        "json": (MERGE, {"id": ID, "ids": "[" + "[]," * many + "[]]"}, "ids: more than 20000 values"),
        "arguments": (LISTED, {f"k{number}": 1 for number in range(many)}, "more than 100 arguments"),
        "name": (LISTED, {"e" * 4_000_000: 1}, "name of an argument has more than 1000"),
        "member": ("error-tracking-alerts-create", {"inputs": {"e" * 4_000_000: 1}}, "inputs: a member's name"),
        "text": ("source-maps-resolve", {"stack": "at o (main.js:1:2)\n" * 20_000}, "stack: a text of 380000"),
        "texts": (LISTED, {"release": "e" * 4_000_000}, "more than 1000000 characters of text"),
        "inner text": (LISTED, {"filterGroup": [{"key": "e" * 100_001}]}, "filterGroup: a text of 100001"),
        "many texts": (LISTED, {"filterGroup": [{"key": "e" * 90_000}] * 12}, "more than 1000000 characters of text"),
        "depth": ("error-tracking-alerts-create", {"inputs": {"a": deep}}, "inputs: nested more than 60 deep"),
        "globs": ("source-maps-check", {"folder": "dist", "exclude": ["*"] * many}, f"exclude: {many} entries"),
    }
