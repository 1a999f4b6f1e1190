"""An OpenTelemetry span for each request to PostHog; without an exporter, it costs next to nothing."""

from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from opentelemetry import trace

from mcp_errortracking import __version__

_tracer = trace.get_tracer("mcp_errortracking", __version__)


def upstream_span(method: str, host: str, *, resent: int) -> AbstractContextManager[trace.Span]:
    """Return a span around one request. It holds no path, query, body or header, since those hold ids and data.

    Args:
        resent: times that the same request was sent before.
    """
    address = urlsplit(host)
    attributes: dict[str, str | int] = {"http.request.method": method, "server.address": address.hostname or ""}
    if address.port:
        attributes["server.port"] = address.port
    if resent:
        attributes["http.request.resend_count"] = resent
    return _tracer.start_as_current_span(
        method, kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=False
    )


def note_status(span: trace.Span, status: int) -> None:
    """Record the status of PostHog's answer."""
    if span.is_recording():
        span.set_attribute("http.response.status_code", status)
        if status >= 400:
            span.set_attribute("error.type", str(status))
            span.set_status(trace.StatusCode.ERROR)
