"""Events of an SDK as ingestion stores them if it has no map of the script yet (contract 6.13.4)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Frame = dict[str, Any]


def issue_id(number: int) -> str:
    return f"01936f2e-7a51-7000-8000-{number:012}"


def seed(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the description of a sandbox with an issue for each event, none of whose frames is resolved."""
    issues = [{"id": issue_id(number), "name": "E", "fingerprints": [f"f{number}"]} for number in range(len(events))]
    stored = [{"fingerprint": f"f{number}", **_stored(event)} for number, event in enumerate(events)]
    return {"projects": [{"id": 1}], "issues": issues, "events": stored}


def _stored(event: Mapping[str, Any]) -> dict[str, Any]:
    exceptions = [
        {**one, "stacktrace": {"type": "resolved", "frames": [*map(_ingested, one["stacktrace"]["frames"])]}}
        for one in event["$exception_list"]
    ]
    return {"exceptions": exceptions, "properties": {"$lib": event["$lib"]}}


def _ingested(frame: Frame) -> Frame:
    chunk_id, file = frame.get("chunk_id"), str(frame.get("filename", ""))
    url, name = urlsplit(file), frame.get("function") or ""
    common: Frame = {
        "mangled_name": name,
        "line": frame.get("lineno"),
        "source": url.path if url.scheme in ("http", "https") else file,
        "in_app": frame.get("in_app", True),
        "lang": "javascript",
        "synthetic": False,
        "suspicious": False,
    }
    if chunk_id is None and frame.get("platform") == "node:javascript":  # taken for readable
        return {**common, "resolved": True, "resolved_name": name}
    failure = (
        f"No sourcemap uploaded for chunk id: {chunk_id}"
        if chunk_id
        else f"Could not find sourcemap for source url: {file}"
    )
    return {**common, "column": frame.get("colno"), "resolved": False, "resolve_failure": failure}
