"""Prometheus metrics of this process, for `/metrics`. Needs the extra `metrics` (prometheus-client)."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from mcp_errortracking.server.observe import CallRecord

_MOST_CODES = 100
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts calls and their times by tool, and reports gauges such as calls in flight."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._codes = set[str]()
        self._calls = Counter("mcp_tool_calls", "Tool calls.", ["tool", "outcome", "code"], registry=self._registry)
        self._seconds = Histogram(
            "mcp_tool_call_seconds", "Time of tool calls.", ["tool"], buckets=_BUCKETS, registry=self._registry
        )
        self._upstream = Histogram(
            "mcp_upstream_seconds",
            "Time of tool calls that PostHog took, waits between tries included.",
            ["tool"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._retries = Counter(
            "mcp_upstream_retries", "Requests sent to PostHog again.", ["tool"], registry=self._registry
        )

    def observe(self, record: CallRecord) -> None:
        """Count a call."""
        self._calls.labels(record.tool, record.outcome, self._label(record.code)).inc()
        self._seconds.labels(record.tool).observe(record.ms / 1000)
        self._upstream.labels(record.tool).observe(record.upstream_ms / 1000)
        self._retries.labels(record.tool).inc(record.retries)

    def _label(self, code: str | None) -> str:
        """Return the code as a label, `other` beyond a limit: PostHog may send any code, and each takes memory."""
        if not code or code in self._codes:
            return code or ""
        if len(self._codes) >= _MOST_CODES:
            return "other"
        self._codes.add(code)
        return code

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is read at each scrape."""
        Gauge(name, description, registry=self._registry).set_function(value)

    async def endpoint(self, _request: Request) -> Response:
        """`GET /metrics`."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
