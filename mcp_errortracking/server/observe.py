"""What is known of a tool call after it: for the log, and for metrics. No argument, no result, no key."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One tool call. Times in milliseconds.

    `code` is the reason of an error (PostHog's code or ours), `status` the last HTTP status of PostHog's if it was an
    error. `requests` were sent to PostHog, `retries` of them again.
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


Observer = Callable[[CallRecord], None]


def log_calls(level: int) -> Observer:
    """Writes one line a call; as JSON, each fact is a field of its own."""

    def write(record: CallRecord) -> None:
        if logger.isEnabledFor(level):
            verdict = f"error {record.code}" if record.outcome == "error" else "ok"
            logger.log(
                level,
                "%s: %s in %.0f ms (PostHog %.0f ms, %d requests, %d retries) %s",
                *(record.tool, verdict, record.ms, record.upstream_ms, record.requests, record.retries),
                record.request_id or "",
                extra={"facts": asdict(record)},
            )

    return write
