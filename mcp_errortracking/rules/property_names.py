"""Names of event properties: those that look right and that almost no SDK sends (rule contract 1.2)."""

from difflib import get_close_matches

_MEANT = {
    **dict.fromkeys(("$exception_type", "exception_type", "exception_types", "error_type"), "$exception_types"),
    **dict.fromkeys(
        ("$exception_message", "$exception_value", "exception_message", "exception_values", "error_message"),
        "$exception_values",
    ),
    **dict.fromkeys(("$exception_source", "exception_sources"), "$exception_sources"),
    **dict.fromkeys(("$exception_function", "exception_functions"), "$exception_functions"),
    **dict.fromkeys(("$url", "current_url"), "$current_url"),
    **dict.fromkeys(("browser", "os", "lib"), ""),
}
SENT = (
    *("$exception_types", "$exception_values", "$exception_sources", "$exception_functions", "$exception_fingerprint"),
    *("$exception_level", "$exception_handled", "$exception_issue_id", "$exception_releases", "$exception_release"),
    *("$lib", "$lib_version", "$browser", "$browser_version", "$os", "$os_version", "$app_namespace", "$app_version"),
    *("$device_type", "$current_url", "$pathname", "$screen_name", "$referrer", "$host", "$session_id", "$trace_id"),
    *("$span_id", "$ai_trace_id", "$ai_span_id"),
)
"""Properties that events of exceptions have (contract 6.13)."""
_MAX_NAME = 60


def meant_property(key: str) -> str | None:
    """Return the property that was meant by a name that almost no event has; None for any other name."""
    if key in SENT:
        return None
    if key in _MEANT:
        return _MEANT[key] or f"${key}"
    near = get_close_matches(key, SENT, n=1, cutoff=0.85) if is_compared(key) else []
    return near[0] if near else None


def is_compared(key: str) -> bool:
    """True if a name is compared with those that SDKs send, which takes far longer than to look it up."""
    return key[:1] == "$" and len(key) <= _MAX_NAME and key not in SENT
