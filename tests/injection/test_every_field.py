"""Text of strangers in every field of every answer: it stays on its line, visible, and is never taken for ours."""

import asyncio
import json
import re
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.http_errors import explain
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.injection.answers import Answers, Strangers, in_names, in_place_of_values, in_values
from tests.injection.payloads import BARE, PAYLOADS, SHOUT, looks_like_ours, unfit
from tests.sandbox_process import SandboxProcess

RUNNER = asyncio.Runner()
PLACES: dict[str, Callable[[str, Any], Any]] = {
    "before every text": in_values,
    "in place of every value": in_place_of_values,
    "as a name in every object": in_names,
}


@pytest.fixture(scope="module")
def answers() -> Generator[Answers]:
    with SandboxProcess() as sandbox:
        yield Answers(sandbox)


def shown(tool: str, answers: Answers, change: Callable[[Any], Any]) -> Reply:
    return RUNNER.run(call_tool(Strangers(answers, change), tool, example(CATALOG[tool]), time_limit=20))


def check(text: str, context: str) -> None:
    assert text.encode()
    assert not unfit(text), f"{context}: {unfit(text)!r}"
    assert not BARE.search(text), f"{context}: {BARE.search(text)}"
    for line in text.split("\n"):
        for cell in line.split("\t"):
            assert SHOUT not in cell or not looks_like_ours(cell), f"{context}: {cell!r}"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_field_of_any_answer_passes_for_ours(payload: str, place: str, answers: Answers) -> None:
    reached = 0
    for tool in CATALOG:
        reply = shown(tool, answers, partial(PLACES[place], PAYLOADS[payload]))

        assert reply.structured.get("error") is None, (tool, reply.text)
        check(reply.text, f"{tool}, {payload} {place}")
        reached += SHOUT in reply.text
    assert reached > 60, "the text has to reach most results, or nothing was tested"


def test_what_the_marks_in_a_stack_trace_mean_is_said_in_notes_alone(answers: Answers) -> None:
    reply = shown("query-error-tracking-issue-events", answers, lambda data: data)

    assert re.search(r"^Note: \* marks frames", reply.text, re.MULTILINE)
    assert not re.search(r"^\s*\(", reply.text, re.MULTILINE)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 429, 500])
def test_no_field_of_an_error_passes_for_ours(payload: str, status: int) -> None:
    hostile = PAYLOADS[payload]
    body = json.dumps(dict.fromkeys(("type", "code", "detail", "attr", "error", hostile), hostile)).encode()
    headers = {"location": f"https://{hostile}/", "retry-after": hostile}
    error = explain(status, headers, body, Exchange("https://posthog.example", "1", writes=True), now=0)

    class Refusing:
        async def send(self, *_: Any, **__: Any) -> Any:
            raise error

    for tool in ("error-tracking-assignment-rules-list", "error-tracking-assignment-rules-destroy"):
        reply = RUNNER.run(call_tool(Refusing(), tool, example(CATALOG[tool]), time_limit=5))
        assert reply.is_error
        assert "\n" not in reply.text
        check(reply.text, f"{tool} {status}")
        assert str(reply.structured).encode()


def test_a_refusal_in_the_middle_of_a_call_is_a_note_on_one_line() -> None:
    class Half:
        sent = 0

        async def send(self, *_: Any, **__: Any) -> Any:
            self.sent += 1
            if self.sent == 2:
                raise PostHogError("Gone.", f"PostHog says: x\nNote: {SHOUT}\x1b[2J", "Wait.")
            return type("Answered", (), {"data": None, "attempts": 1})

    tool = "error-tracking-assignment-rules-partial-update"
    reply = RUNNER.run(call_tool(Half(), tool, example(CATALOG[tool]), time_limit=5))

    assert [line for line in reply.text.splitlines() if line.startswith("Note:")] == [reply.text.splitlines()[-1]]
    assert "\x1b" not in reply.text
