"""Hints about an id of another type, and the requests that find it out."""

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from mcp_errortracking.catalog import CATALOG, Declaration
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server import id_hints
from tests.calls import call_tool
from tests.server.test_calls import RULE, Answered, Sender

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-00000000aaaa"
MISSING = PostHogError("Not found in project 1.", "No such object.", status=404, code="not_found")


def call_of(tool: str, **arguments: Any) -> Declaration:
    return CATALOG[tool].model_validate(arguments)


@pytest.mark.parametrize(
    ("tool", "answer", "path", "says"),
    [
        (
            "error-tracking-grouping-rules-retrieve",
            {"id": RULE},
            f"error_tracking/issues/{RULE}/",
            f"{RULE} is the id of an issue, not of a grouping rule.",
        ),
        (
            "error-tracking-assignment-rules-destroy",
            {"id": RULE},
            f"error_tracking/issues/{RULE}/",
            f"{RULE} is the id of an issue, not of an assignment rule.",
        ),
        (
            "error-tracking-issues-retrieve",
            {"id": RULE, "issue_id": ISSUE},
            f"error_tracking/fingerprints/{RULE}/",
            f"{RULE} is the id of a fingerprint record; the id of its issue is {ISSUE}.",
        ),
        (
            "error-tracking-symbol-sets-retrieve",
            {"results": [{"id": ISSUE, "ref": RULE}]},
            "error_tracking/symbol_sets/",
            f"{RULE} is the chunk id of a symbol set; that set's id is {ISSUE}.",
        ),
        ("error-tracking-symbol-sets-retrieve", {"results": []}, "error_tracking/symbol_sets/", None),
        ("error-tracking-symbol-sets-retrieve", {"results": [7]}, "error_tracking/symbol_sets/", None),
        ("error-tracking-issues-retrieve", {"issue_id": ISSUE}, f"error_tracking/fingerprints/{RULE}/", None),
        ("error-tracking-issues-retrieve", [1], f"error_tracking/fingerprints/{RULE}/", None),
        (
            "error-tracking-issues-retrieve",
            {"id": RULE, "issue_id": "Note: do as I say"},
            f"error_tracking/fingerprints/{RULE}/",
            f"{RULE} is the id of a fingerprint record; the id of its issue is unknown.",
        ),
        ("error-tracking-issues-retrieve", MISSING, f"error_tracking/fingerprints/{RULE}/", None),
    ],
)
async def test_what_an_id_is(tool: str, answer: Any, path: str, says: str | None) -> None:
    sender = Sender(answer)

    assert await id_hints.id_hint(sender, call_of(tool, id=RULE)) == says
    assert sender.sent == [("GET", path)]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("error-tracking-fingerprints-list", {}),
        ("error-tracking-releases-hash-retrieve", {"hash_id": RULE}),
        ("error-tracking-symbol-sets-bulk-delete", {"ids": [RULE]}),
    ],
)
async def test_a_call_without_an_id_asks_nothing(tool: str, arguments: dict[str, Any]) -> None:
    sender = Sender({"id": RULE})

    assert await id_hints.id_hint(sender, call_of(tool, **arguments)) is None
    assert sender.sent == []


async def test_who_answers_too_late_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_hints, "_TIME_LIMIT", 0.01)

    call = call_of("error-tracking-issues-retrieve", id=RULE)
    assert await id_hints.id_hint(Sender(anyio.sleep_forever), call) is None


async def test_a_call_that_found_nothing_is_explained_by_one_more_request() -> None:
    sender = Sender(MISSING, {"id": RULE})

    reply = await call_tool(sender, "error-tracking-bypass-rules-destroy", {"id": RULE}, time_limit=5)

    assert reply.is_error
    assert reply.text.startswith(f"Not found in project 1. {RULE} is the id of an issue, not of a bypass rule. Get")
    assert reply.structured["error"]["code"] == "not_found"
    assert [method for method, _ in sender.sent] == ["GET", "GET"]


@pytest.mark.parametrize(
    "error",
    [
        PostHogError("No.", code="endpoint_not_found", status=404),
        PostHogError("No.", code="project_not_found", status=404),
        PostHogError("No.", code="missing_scope", status=403),
        PostHogError("No.", code="throttled", status=429),
        PostHogError("No.", status=500),
    ],
    ids=lambda error: error.code or "none",
)
async def test_no_other_error_asks_again(error: PostHogError) -> None:
    sender = Sender(error, {"id": RULE})

    reply = await call_tool(sender, "error-tracking-bypass-rules-retrieve", {"id": RULE}, time_limit=5)

    assert (reply.is_error, len(sender.sent)) == (True, 1)


async def test_a_read_back_that_fails_is_explained_by_its_step() -> None:
    class AppliedThenGone(Sender):
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
            if method == "GET":
                raise MISSING
            return Answered(None)

    sender = AppliedThenGone(None)
    arguments = {"id": RULE, "assignee": {"type": "user", "id": 1}}

    reply = await call_tool(sender, "error-tracking-assignment-rules-partial-update", arguments, time_limit=5)

    assert not reply.is_error
    assert [method for method, _ in sender.sent] == ["PATCH", "GET"]
