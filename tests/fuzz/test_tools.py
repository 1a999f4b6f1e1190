"""Every tool under arguments of every kind: nothing escapes, nothing leaves but what the tool declares."""

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pydantic_core import to_json

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.catalog.assignee import ByName
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.fuzz.arguments import SCHEMAS, hostile, near, valid
from tests.fuzz.effort import effort
from tests.proxy.fault_server import FaultServer, http

ENDPOINTS = [name for name in SCHEMAS if name in CATALOG]
RUNNER = asyncio.Runner()
LOG = logging.getLogger("mcp_errortracking")
HEADERS = {"host", "authorization", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
UNFIT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


class Answered:
    data: Any = None
    attempts = 1

    def __init__(self, data: Any) -> None:
        self.data = data


class Recorder:
    """In place of the proxy: notes what would be sent, and answers as little as PostHog ever does."""

    def __init__(self) -> None:
        self.sent = list[tuple[str, str]]()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> Answered:
        self.sent.append((method, path))
        for value in (query or {}).values():
            assert value is None or isinstance(value, str | int | float | bool)
        assert urlencode(list((query or {}).items())).isascii()
        assert to_json(json)
        return Answered({})


class Lines(logging.Handler):
    """The messages that were logged."""

    def __init__(self) -> None:
        super().__init__()
        self.messages = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


def declared(tool: str) -> re.Pattern[str]:
    """The requests that a tool may make: its own, and reads of the same object or list before or after it."""
    endpoint = CATALOG[tool]
    own = re.sub(r"\\{\w+\\}", "[A-Za-z0-9_.~%-]+", re.escape(endpoint.path))
    reads = {own}
    stem = endpoint.path.split("{")[0].removesuffix("reorder/")
    reads |= {re.escape(stem), re.escape(stem) + "[0-9a-f-]{36}/"}
    if tool == "error-tracking-rules-check":
        reads.add("error_tracking/(?:assignment|grouping|suppression|bypass|severity)_rules/")
    if tool == "error-tracking-directory-list":
        reads |= {"cohorts/", "integrations/[0-9]+/(?:\\w+/)?", "error_tracking/(?:issues|assignment_rules)/"}
    takes_names = any(any(metadata_of(info, ByName)) for info in endpoint.model_fields.values())
    if takes_names or tool == "error-tracking-directory-list":
        reads |= {"", "/api/organizations/(?:@current|[0-9a-f-]{36})/(?:members|roles)/"}
    return re.compile(f"{endpoint.method} {own}|GET (?:{'|'.join(sorted(reads))})")


def called(tool: str, arguments: dict[str, Any]) -> tuple[Reply, Recorder]:
    """A call of a tool, and what must hold whatever the arguments are."""
    sender, lines = Recorder(), Lines()
    LOG.addHandler(lines)
    before = LOG.level
    LOG.setLevel(logging.DEBUG)
    try:
        reply = RUNNER.run(call_tool(sender, tool, arguments, time_limit=20))
    finally:
        LOG.removeHandler(lines)
        LOG.setLevel(before)
    allowed = declared(tool)
    for method, path in sender.sent:
        assert allowed.fullmatch(f"{method} {path}"), (method, path)
    assert lines.messages == []
    assert reply.text
    assert reply.text.encode()
    assert not UNFIT.search(reply.text)
    if reply.is_error:
        error = reply.structured.get("error")
        assert error is None or error["code"] in ("invalid_arguments",), reply
    if reply.structured.get("error") == {"code": "invalid_arguments"}:
        assert sender.sent == []
        assert len(reply.text) < 8000
    return reply, sender


def is_valid(tool: str, arguments: dict[str, Any]) -> bool:
    """True if the endpoint's own validator accepts them, JSON can hold them, and no text stands where null removes."""
    if any(
        isinstance(arguments.get(name), str) and arguments[name].strip() in ("", "null") for name in CATALOG[tool].nulls
    ):
        return False
    try:
        CATALOG[tool].model_validate(arguments)
        to_json(arguments)
    except ValueError:
        return False
    return True


tools = st.sampled_from(ENDPOINTS)


@effort(160)
@given(tools.flatmap(lambda tool: st.tuples(st.just(tool), valid(SCHEMAS[tool]))))
def test_arguments_that_fit_are_sent(call: tuple[str, dict[str, Any]]) -> None:
    tool, arguments = call
    reply, sender = called(tool, arguments)
    if is_valid(tool, arguments):
        assert sender.sent, reply
        assert reply.structured.get("error") != {"code": "invalid_arguments"}, reply


@effort(160)
@given(tools.flatmap(lambda tool: st.tuples(st.just(tool), near(SCHEMAS[tool]))))
def test_arguments_that_nearly_fit_are_sent_or_explained(call: tuple[str, dict[str, Any]]) -> None:
    called(*call)


@effort(160)
@given(tools.flatmap(lambda tool: st.tuples(st.just(tool), hostile(SCHEMAS[tool]))))
def test_hostile_arguments_are_sent_or_explained(call: tuple[str, dict[str, Any]]) -> None:
    called(*call)


def test_nothing_leaves_the_real_proxy_but_what_is_declared() -> None:
    with FaultServer([http(200, {})]) as upstream:
        proxy = Proxy(
            host=upstream.url, key=SecretStr("phx_fuzz"), project="1", rate_limiter=RateLimiter("", limited=False)
        )

        @effort(60)
        @given(tools.flatmap(lambda tool: st.tuples(st.just(tool), valid(SCHEMAS[tool]))))
        def leaves(call: tuple[str, dict[str, Any]]) -> None:
            upstream.received.clear()
            tool, arguments = call
            reply = RUNNER.run(call_tool(proxy, tool, arguments, time_limit=20))
            assert reply.structured.get("error") in (None, {"code": "invalid_arguments"}), reply
            for request in upstream.received:
                path, _, query = request.target.partition("?")
                assert path.startswith(("/api/projects/1/", "/api/organizations/"))
                assert declared(tool).fullmatch(f"{request.method} {path.removeprefix('/api/projects/1/')}")
                assert query.isascii()
                assert set(request.headers) <= HEADERS

        leaves()
        RUNNER.run(proxy.aclose())
