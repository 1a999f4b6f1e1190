"""Records of calls for an operator: log lines, metrics, spans. Never an argument, a result or a key."""

import json
import logging
import re
import signal
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.logs import JsonFormatter
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.observe import CallRecord
from tests.calls import call_tool
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, serving

pytestmark = pytest.mark.anyio

PAGE = {"count": 0, "next": None, "previous": None, "results": []}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {**LIST, "params": {"name": f"error-tracking-{tool}", "arguments": arguments}}


def test_each_call_is_one_line_of_json_without_secrets() -> None:
    secret = "01936f2e-7a51-7000-8000-5ec4e7000000"
    with SandboxProcess() as sandbox, serving(sandbox.url, "--log-format", "json") as server:
        named = HEADERS | {"X-Request-ID": "build-42"}
        first = httpx.post(f"{server.url}/mcp", headers=named, json=LIST)
        forged = HEADERS | {"X-Request-ID": 'x" level="error'}
        second = httpx.post(f"{server.url}/mcp", headers=forged, json=call("assignment-rules-retrieve", id=secret))
        httpx.post(f"{server.url}/mcp", headers=HEADERS, json=call("assignment-rules-retrieve", id="no id"))
        log = server.end(signal.SIGTERM)
    calls = [entry for entry in map(json.loads, log.splitlines()) if "tool" in entry]

    assert [(entry["outcome"], entry["code"], entry["status"], entry["requests"]) for entry in calls] == [
        ("ok", None, None, 1),
        ("error", "not_found", 404, 2),  # the second asked what the id is
        ("error", "invalid_arguments", None, 0),
    ]
    assert calls[0]["request_id"] == first.headers["x-request-id"] == "build-42"
    assert calls[1]["request_id"] == second.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", calls[1]["request_id"])
    assert 0 < calls[0]["upstream_ms"] <= calls[0]["ms"]
    assert secret not in log
    assert FULL not in log


async def test_retries_are_counted() -> None:
    seen = list[CallRecord]()
    with FaultServer([http(503), http(200, PAGE)]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr("phx_test"), project="1") as proxy:
            tool = "error-tracking-assignment-rules-list"
            await call_tool(proxy, tool, {}, time_limit=20, observe=seen.append, request_id="r")

    assert [(r.tool, r.outcome, r.requests, r.retries, r.request_id) for r in seen] == [(tool, "ok", 2, 1, "r")]


def test_a_log_line_stays_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\n%s", ("b\nc",), None)

    assert json.loads(JsonFormatter().format(record))["message"] == "a\nb\nc"
    assert "\n" not in JsonFormatter().format(record)


def test_metrics_count_calls_for_those_who_may_come_in() -> None:
    with SandboxProcess() as sandbox, serving(sandbox.url, "--metrics", MCP_SERVER_TOKEN=TOKEN) as server:
        allowed = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
        for _ in range(3):
            httpx.post(f"{server.url}/mcp", headers=allowed, json=LIST)
        httpx.post(f"{server.url}/mcp", headers=allowed, json=call("fingerprints-retrieve", id="x"))
        metrics = httpx.get(f"{server.url}/metrics", headers=allowed)
        stranger = httpx.get(f"{server.url}/metrics")
        scraped = httpx.get(f"{server.url}/metrics", headers=allowed | {"Host": "10.0.0.7:8780"})
        rebound = httpx.get(f"{server.url}/metrics", headers=allowed | {"Host": "evil.example"})
        foreign = httpx.get(f"{server.url}/metrics", headers=allowed | {"Origin": "https://evil.example"})

    ok = 'mcp_tool_calls_total{code="",outcome="ok",tool="error-tracking-assignment-rules-list"} 3.0'
    bad = (
        'mcp_tool_calls_total{code="invalid_arguments",outcome="error",tool="error-tracking-fingerprints-retrieve"} 1.0'
    )
    lines = metrics.text.splitlines()
    assert ok in lines
    assert bad in lines
    assert "mcp_calls_in_flight 0.0" in lines
    assert "mcp_sse_sessions 0.0" in lines
    assert (stranger.status_code, scraped.status_code) == (401, 200)
    assert (rebound.status_code, foreign.status_code) == (421, 403)


def test_no_metrics_unless_asked_for() -> None:
    with SandboxProcess() as sandbox, serving(sandbox.url) as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 404


async def test_each_upstream_request_is_a_span_under_that_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    with FaultServer([http(503), http(200, PAGE)]) as upstream:
        settings = PostHogSettings(upstream.url, Secret("phx_canary"), "1", "the test")
        app = app_for(settings, HttpSettings(), ToolSelection())
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            answer = await client.post("/mcp", headers=HEADERS, json=LIST)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    sent = [span for span in exporter.get_finished_spans() if span.kind is trace.SpanKind.CLIENT]
    around = next(span for name, span in spans.items() if name.startswith("tools/call"))

    assert answer.json()["result"]["isError"] is False
    assert [(span.attributes or {})["http.response.status_code"] for span in sent] == [503, 200]
    assert [(span.attributes or {}).get("http.request.resend_count") for span in sent] == [None, 1]
    assert all(span.parent and around.context and span.parent.span_id == around.context.span_id for span in sent)
    assert "phx_canary" not in "".join(span.to_json() for span in exporter.get_finished_spans())
