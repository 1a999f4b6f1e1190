"""A record of each tool call for the log and metrics. It contains no argument, result or key."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One tool call. Times in milliseconds.

    `code`: the code of an error, from PostHog or this server. `status`: PostHog's last HTTP status, if it was an error.
    `requests`: requests sent to PostHog, of which `retries` were retries. `caller`: the subject of the caller's token.
    """

    tool: str
    outcome: Literal["ok", "error"]
    code: str | None
    status: int | None
    ms: float
    upstream_ms: float
    requests: int
    retries: int
    request_id: str | None = None
    caller: str | None = None


_FIELDS = tuple(field.name for field in fields(CallRecord))

Observer = Callable[[CallRecord], None]


def log_calls(level: int) -> Observer:
    """Return an observer that logs one line for each call; in JSON logs, each value has its own field."""

    def write(record: CallRecord) -> None:
        if logger.isEnabledFor(level):
            verdict = f"error {record.code}" if record.outcome == "error" else "ok"
            logger.log(
                level,
                "%s: %s in %.0f ms (PostHog %.0f ms, %d requests, %d retries) %s%s",
                *(record.tool, verdict, record.ms, record.upstream_ms, record.requests, record.retries),
                record.request_id or "",
                f" for {record.caller}" if record.caller else "",
                extra={"facts": {name: getattr(record, name) for name in _FIELDS}},
            )

    return write
