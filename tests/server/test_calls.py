"""A call whatever happens to it: odd answers, errors, time limits, bugs. The reply always says something useful."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy.errors import PostHogError, RateLimitedError
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.toolbox import UnknownToolError
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool

pytestmark = pytest.mark.anyio

RULE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"


class Answered:
    """A 2xx answer."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.attempts = 1


class Sender:
    """In place of the proxy: gives back what it was given, or raises it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
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
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is anyio.sleep_forever:
            await anyio.sleep_forever()
        return Answered(answer)


async def call(sender: Sender, tool: str, arguments: dict[str, Any] | None = None, time_limit: float = 5) -> Reply:
    return await call_tool(sender, tool, arguments, time_limit=time_limit)


ODD: list[Any] = [
    None,
    {},
    [],
    [None, 1, "x"],
    "text",
    7,
    {"results": "x", "id_map": 3, "deleted": "many", "count": {}, "next": 5},
    {"results": [None, {"id": None}, 3], "next": "http://[", "count": None, "id_map": {"a": None}, "deleted": True},
    {"filters": None, "assignee": [], "unknown": {"deep": [{"er": {}}]}, "order_key": "x", "disabled_data": 1},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("tool", CATALOG)
async def test_no_answer_breaks_a_tool(tool: str, odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    reply = await call(Sender(odd), tool, example(CATALOG[tool]))

    assert isinstance(reply.structured, dict)
    assert reply.text
    assert "bug" not in reply.text
    assert caplog.text == ""


@pytest.mark.parametrize("tool", CATALOG)
async def test_a_bug_is_logged_and_not_shown(tool: str, caplog: pytest.LogCaptureFixture) -> None:
    reply = await call(Sender(ZeroDivisionError("secret internals")), tool, example(CATALOG[tool]))

    assert reply.is_error
    assert reply.text.startswith(f"{tool} failed inside mcp_errortracking; this is a bug in it")
    assert "secret" not in reply.text
    maybe_applied = not CATALOG[tool].read_only
    assert reply.structured == {"error": {"code": "internal_error", "maybe_applied": maybe_applied}}
    assert ("may or may not have been applied" in reply.text) == maybe_applied
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"{tool} failed: ZeroDivisionError at test_calls.py:")
    assert "secret internals" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_error_of_the_proxys_is_told_in_three_parts_and_in_data() -> None:
    error = RateLimitedError("It was throttled.", "Too many.", "Wait.", status=429, code="throttled", retry_after=13.0)

    reply = await call(Sender(error), "error-tracking-fingerprints-list")

    assert (reply.text, reply.is_error) == ("It was throttled. Too many. Wait.", True)
    facts = {"status": 429, "code": "throttled", "retry_after": 13.0, "maybe_applied": False}
    assert reply.structured == {"error": facts}


async def test_the_advice_of_an_endpoint_replaces_the_general_one() -> None:
    error = PostHogError("No.", "Because.", "Do something.", code="file_not_found")

    reply = await call(Sender(error), "error-tracking-symbol-sets-bulk-finish-upload", {"content_hashes": {RULE: "h"}})

    assert reply.text.startswith("No. Because. Nothing was confirmed. Upload every file to its URL")
    assert "Do something" not in reply.text


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("error-tracking-issues-cohort-update", "API keys since 2026-04-07."),
        ("error-tracking-bypass-rules-destroy", "Use the web interface."),
        ("error-tracking-assignment-rules-destroy", "Use the web interface."),
    ],
)
async def test_a_call_closed_to_keys_blames_an_old_version_only_where_one_closes_it(tool: str, says: str) -> None:
    closed = PostHogError("Not for keys.", "", "Use the web interface.", status=403, code="no_api_key_access")

    reply = await call(Sender(closed), tool, example(CATALOG[tool]))

    assert reply.is_error
    assert says in reply.text
    assert ("upgrade PostHog" in reply.text) == ("2026-04-07" in says)


async def test_a_call_that_takes_too_long_says_what_may_have_happened() -> None:
    read = await call(Sender(anyio.sleep_forever), "error-tracking-fingerprints-list", time_limit=0.05)
    write = await call(
        Sender(anyio.sleep_forever), "error-tracking-assignment-rules-destroy", {"id": RULE}, time_limit=0.05
    )

    assert (read.is_error, write.is_error) == (True, True)
    assert "took longer than 0.05 s" in read.text
    assert read.structured == {"error": {"code": "timeout", "maybe_applied": False}}
    assert "may or may not have been applied" in write.text


async def test_an_upload_that_takes_too_long_is_repeated(tmp_path: Path) -> None:
    how: dict[str, Any] = {"time_limit": 20, "environment": Environment((tmp_path,), "https://us.posthog.com")}

    upload = await call_tool(Sender(TimeoutError()), "source-maps-upload", {"folder": str(tmp_path)}, **how)
    looked = await call_tool(Sender(TimeoutError()), "error-tracking-deploy-report", {}, **how)

    assert "Call it again: it goes on where it stopped." in upload.text
    assert upload.structured == {"error": {"code": "timeout", "maybe_applied": True}}
    assert looked.structured == {"error": {"code": "timeout", "maybe_applied": False}}


async def test_a_delete_whose_reading_failed_deletes_nothing() -> None:
    sender = Sender(PostHogError("Gone.", status=404))

    reply = await call(sender, "error-tracking-assignment-rules-destroy", {"id": RULE})

    assert (reply.is_error, [method for method, _ in sender.sent]) == (True, ["GET"])


async def test_an_update_whose_reading_back_failed_is_told_as_done() -> None:
    sender = Sender(None, PostHogError("PostHog went away."))

    reply = await call(sender, "error-tracking-assignment-rules-partial-update", {"id": RULE})

    assert not reply.is_error
    assert reply.structured == {"id": RULE, "updated": True}
    assert "could not be read back. PostHog went away." in reply.text


@pytest.mark.parametrize(
    ("asked", "limit", "cut_at"), [(None, 1000, 1000), (500, 1000, 500), (2000, 1000, 1000), (None, 100_000, None)]
)
async def test_a_long_answer_is_cut_at_the_nearer_limit(asked: int | None, limit: int, cut_at: int | None) -> None:
    rows = [{"id": f"{number:036}", "fingerprint": "f" * 40} for number in range(300)]
    sender = Sender({"count": 300, "next": None, "previous": None, "results": rows})
    arguments = {} if asked is None else {"max_tokens": asked}

    reply = await call_tool(
        sender, "error-tracking-fingerprints-list", arguments, time_limit=5, max_result_tokens=limit
    )

    assert len(reply.structured["results"]) == 300
    assert (f"left out to stay within {cut_at} tokens" in reply.text) == (cut_at is not None)
    assert ("left out" in reply.text) == (cut_at is not None)


async def test_a_cut_list_goes_on_by_what_its_tool_takes() -> None:
    entries = [{"id": f"{number:036}", "name": "n" * 40} for number in range(100)]

    log = await call_tool(
        Sender({"next": "https://p.example/?page=3", "total_count": 400, "results": entries}),
        "error-tracking-issues-all-activity-retrieve",
        {"limit": 100, "page": 2},
        time_limit=5,
        max_result_tokens=600,
    )
    part = await call_tool(
        Sender({"results": entries, "hasMore": False}),
        "query-error-tracking-issues-list",
        {"limit": 100, "offset": 50, "max_tokens": 600},
        time_limit=5,
    )

    kept = sum(line.startswith("0000") for line in part.text.splitlines())
    assert 0 < kept < 100
    left_out = 100 - kept
    assert f"{left_out} more rows left out to stay within 600 tokens. Continue with offset {50 + kept}, or" in part.text
    assert log.text.endswith("more rows left out to stay within 600 tokens. Ask for less.")
    assert "Note: More: page 3." in log.text


async def test_an_unknown_tool() -> None:
    with pytest.raises(UnknownToolError, match="nearest are: error-tracking-assignment-rules-list"):
        await call(Sender(None), "list_assignment_rules")
