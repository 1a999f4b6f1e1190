"""Entries of the activity log of issues, with their changes in short (contract 6.6)."""

import json
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of

_MOST_CHANGES = 50


def show_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with `changes` like `status "active" -> "resolved"`; one of another shape as it is."""
    detail = entry.get("detail")
    changes = as_object(detail).get("changes")
    if not isinstance(detail, dict) or not isinstance(changes, list) or "changes" in entry:
        return entry
    listed = as_objects(cast("Any", changes))
    rest = {
        name: value
        for name, value in cast("dict[str, Any]", detail).items()
        if value is not None and name not in ("changes", "name")
    }
    shown = {name: value for name, value in entry.items() if name != "detail"}
    shown |= {"name": as_object(detail).get("name")} if "name" not in entry else {}
    shown["changes"] = "; ".join(map(_change, listed[:_MOST_CHANGES]))
    return {**shown, "detail": rest} if rest else shown


def _change(change: dict[str, Any]) -> str:
    before = f"{_json(change['before'])} -> " if change.get("before") is not None else ""
    return f"{text_of(change, 'field')} {before}{_json(change.get('after'))}".strip()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
