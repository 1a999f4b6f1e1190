"""Answers of PostHog as written by hand, over a real socket, and the text that a model reads of them."""

from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.catalog.stacks import CHUNK, STACKS, TOP_FRAMES, Stack, at
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
FIRST, SECOND, ELSEWHERE = (f"01936f2e-7a51-7000-8000-0000000000e{number}" for number in "123")
EVENTS, ONE, LIST = (
    "query-error-tracking-issue-events",
    "query-error-tracking-issue",
    "query-error-tracking-issues-list",
)


async def reply_to(answer: Any, tool: str = EVENTS, arguments: dict[str, Any] | None = None) -> Reply:
    own = {} if tool == LIST else {"issueId": ISSUE}
    with FaultServer([http(200, answer)]) as upstream:
        limiter = RateLimiter("", limited=False)
        async with Proxy(host=upstream.url, key=SecretStr("phx_a"), project="1", rate_limiter=limiter) as proxy:
            return await call_tool(proxy, tool, own if arguments is None else arguments, time_limit=30)


class Answering:
    """In place of the proxy: one answer to everything."""

    attempts = 1

    def __init__(self, data: Any) -> None:
        self.data = data

    async def send(self, *_: Any, **__: Any) -> "Answering":
        return self


async def shown(answer: Any, tool: str = EVENTS) -> Reply:
    return await call_tool(Answering(answer), tool, {"issueId": ISSUE}, time_limit=30)


def event(*exceptions: dict[str, Any], uuid: str = FIRST, lib: str = "web") -> dict[str, Any]:
    return {"uuid": uuid, "properties": {"$lib": lib, "$exception_list": list(exceptions)}}


def error(**stack: Any) -> dict[str, Any]:
    return {"type": "E", "value": "v", "stacktrace": stack}


def page(*events: dict[str, Any]) -> dict[str, Any]:
    return {"results": list(events), "hasMore": False, "limit": 20, "offset": 0}


def lines_of(reply: Reply) -> list[str]:
    """The lines of exceptions, without the notes."""
    lines = [line for line in reply.text.splitlines() if not line.startswith("Note:")]
    return lines[next(number for number, line in enumerate(lines) if line.strip().startswith("E: v")) :]


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
async def test_a_stack_of_each_language(stack: Stack) -> None:
    frames = [{**frame, "lang": stack.lang} for frame, _ in reversed(stack.frames)]

    reply = await reply_to(page(event(error(type="resolved", frames=frames), lib=stack.lib)))

    assert [line.strip().removeprefix("* ") for line in lines_of(reply)[1:]] == [
        line.removeprefix("* ").strip() for _, line in stack.frames
    ]
    assert [line.lstrip().startswith("* ") for line in lines_of(reply)[1:]] == [
        line.startswith("* ") for _, line in stack.frames
    ]


@pytest.mark.parametrize(("library", "frame", "line"), TOP_FRAMES)
async def test_the_top_frame_of_an_issue(library: str, frame: dict[str, Any], line: str) -> None:
    reply = await reply_to({"id": ISSUE, "library": library, "top_in_app_frame": {**frame, "in_app": True}}, ONE)

    assert f"top_in_app_frame: {line}" in reply.text.splitlines()


async def test_the_counts_of_an_issue() -> None:
    counts = {"occurrences": 3.0, "users": 2.0, "sessions": 2.5}
    one = await reply_to({"id": ISSUE, "impact": counts, "sparkline": [0.0, 1.0, 2.0]}, ONE)
    older = await reply_to({"id": ISSUE, "aggregations": counts, "impact": counts}, ONE)
    row = await reply_to(page({"id": ISSUE, "aggregations": counts}), LIST)

    assert {"occurrences: 3", "users: 2", "sessions: 2.5", "sparkline: [0,1,2]"} <= set(one.text.splitlines())
    assert {"occurrences: 3", "users: 2", "sessions: 2.5"} <= set(older.text.splitlines())
    assert "impact" not in older.text
    assert f"{ISSUE}\t3\t2\t2.5" in row.text.splitlines()
    assert "3.0" not in one.text + older.text + row.text


async def test_an_issue_without_events_in_the_range() -> None:
    reply = await reply_to({"id": ISSUE, "name": "E", "status": "active", "impact": {}, "sparkline": []}, ONE)

    assert "Note: No event in this range, so PostHog sent no counts" in reply.text
    assert "impact" not in reply.text


async def test_references_within_a_page() -> None:
    frames = [at("src/a.ts", 4, 2, "n", "run") | {"lang": "javascript"}]
    reply = await reply_to(
        page(
            event(error(frames=frames), error(same_as_event=FIRST, same_as_exception=0)),
            event(error(same_as_event=FIRST, same_as_exception=1), uuid=SECOND),
            event(error(same_as_event=SECOND, same_as_exception=0), uuid="e4"),
            event(error(same_as_event=ELSEWHERE, same_as_exception=0), uuid="e5"),
        )
    )

    said = [line.strip() for line in reply.text.splitlines() if "same stack" in line]
    assert said == [
        "same stack as exception 1 of this event",
        f"same stack as exception 2 of event {FIRST}",
        f"same stack as event {SECOND}",
        f"same stack as exception 1 of event {ELSEWHERE}, which is not on this page",
    ]
    assert reply.text.count("run (src/a.ts:5:3)") == 1


async def test_frames_that_posthog_leaves_out() -> None:
    frames = [at("src/a.ts", 4, 2, "n", "run") | {"lang": "javascript"}]
    reply = await reply_to(page(event(error(type="resolved", frames=frames, frames_omitted=137))))
    none = await reply_to(page(event(error(type="resolved"))))
    bare = await reply_to(page(event({"type": "E", "value": "v"})))

    assert lines_of(reply)[-1].strip() == "137 outer frames omitted by PostHog"
    assert lines_of(none)[-1].strip() == "no frame of the app's own code; onlyAppFrames false shows the others"
    assert lines_of(bare)[-1].strip() == "E: v"


async def test_texts_that_posthog_cut_keep_their_mark() -> None:
    text = f"{'v' * 971}… [truncated from 1001 chars]"
    row = await reply_to(page({"id": ISSUE, "description": "d… [truncated from 400 chars]"}), LIST)
    reply = await reply_to(page(event({"type": "E", "value": text})))

    assert f"E: {text}" in reply.text
    assert "d… [truncated from 400 chars]" in row.text
    assert "Note: PostHog cut a description; query-error-tracking-issue has it whole." in row.text


async def test_the_note_on_frames_without_a_map() -> None:
    missing = at("a.js", 1, 9, "t", resolve_failure=f"No sourcemap uploaded for chunk id: {CHUNK}", lang="javascript")
    reply = await reply_to(page(event(error(type="resolved", frames=[missing]))))

    assert "Note: " in reply.text
    assert "need the source map of that very build" in reply.text


async def test_the_note_on_lines_that_are_uncertain() -> None:
    same = at("/app/a.js", 10, None, "main", "main") | {"lang": "javascript"}
    node = await reply_to(page(event(error(type="resolved", frames=[same]), lib="posthog-node")))
    web = await reply_to(page(event(error(type="resolved", frames=[same]), lib="web")))

    assert "(/app/a.js:10 or 11)" in node.text
    assert 'Note: "10 or 11": the event does not say if a source map was used' in node.text
    assert "(/app/a.js:11:1)" in web.text
    assert "10 or 11" not in web.text


FRAME_ID = "01936f2e-7a51-7000-8000-0000000000f1"


@pytest.mark.parametrize(
    ("contents", "context", "lines"),
    [
        # Here PostHog keeps a 0 (contract 6.8).
        ({"line": 0, "column": 0}, None, ["* pay (src/a.ts:1:1)"]),
        ({"line": 41, "column": 8}, None, ["* pay (src/a.ts:42:9)"]),
        ({"line": 41, "column": 8}, 42, ["* pay (src/a.ts:42:9)", "41| before", "> 42| at", "43| after"]),
        ({"line": 7, "lang": "python"}, 7, ["* pay (src/a.ts:7)", "6| before", "> 7| at", "8| after"]),
    ],
)
async def test_a_record_of_a_stack_frame(contents: dict[str, Any], context: int | None, lines: list[str]) -> None:
    own = {"mangled_name": "n", "resolved_name": "pay", "source": "src/a.ts", "in_app": True, "resolved": True}
    around = context and {
        "before": [{"number": context - 1, "line": "before"}],
        "line": {"number": context, "line": "at"},
        "after": [{"number": context + 1, "line": "after"}],
    }
    whole = own | {"lang": "javascript", "raw_id": "aa/0", "junk_drawer": {"x": 1}} | contents
    record = {"id": FRAME_ID, "raw_id": "aa/0", "contents": whole, "context": around, "symbol_set_ref": CHUNK}

    for tool, arguments, answer in (
        ("error-tracking-stack-frames-retrieve", {"id": FRAME_ID}, record),
        ("error-tracking-stack-frames-list", {}, {"count": 1, "next": None, "results": [record]}),
        ("error-tracking-stack-frames-batch-get-create", {"raw_ids": ["aa/0"]}, {"results": [record]}),
    ):
        reply = await reply_to(answer, tool, arguments)
        text = [line.strip() for line in reply.text.splitlines()]
        first = text.index(lines[0])
        assert text[first : first + len(lines)] == lines
        assert CHUNK in reply.text
        assert "aa/0" in reply.text


@pytest.mark.parametrize("wrong", [None, True, -7, 10**30, 1.5, "x", [], {}, [None], [{"a": [1]}], {"line": []}])
async def test_fields_of_another_type_break_no_stack(wrong: Any) -> None:
    """The walk over the sandbox's answers does not come to fields that only some events have."""
    mapped = at("src/a.ts", 4, 2, "n", "run") | {"lang": "javascript", "resolve_failure": "No dSYM uploaded"}
    stack = {"type": "resolved", "frames": [mapped], "frames_omitted": 3}
    reference = {"same_as_event": FIRST, "same_as_exception": 0}
    fine = at("src/b.ts", 4, 2, "n", "kept") | {"lang": "javascript"}

    answers = [page(event(error(**stack | {name: wrong}), error(frames=[fine]))) for name in stack]
    answers += [page(event(error(**reference | {name: wrong}), error(frames=[fine]))) for name in reference]
    answers += [page(event(error(frames=[mapped | {name: wrong}, fine]))) for name in (*mapped, "module", "context")]
    answers += [page(event(error(frames=[fine]), lib=wrong))]
    for answer in answers:
        reply = await shown(answer)
        assert not reply.is_error
        assert "* kept (src/b.ts:5:3)" in [line.strip() for line in reply.text.splitlines()]

    top = {"function": "n", "source": "src/a.ts", "line": 11, "column": 10}
    issue = {"id": ISSUE, "library": "web", "impact": {"occurrences": 3.0}, "sparkline": [1.0], "top_in_app_frame": top}
    for changed in [*(issue | {name: wrong} for name in issue if name != "id")] + [
        issue | {"top_in_app_frame": top | {name: wrong}} for name in top
    ]:
        reply = await shown(changed, ONE)
        assert not reply.is_error
        assert f"id: {ISSUE}" in reply.text.splitlines()
