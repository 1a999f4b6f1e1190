"""A tool call, from its arguments to its result: validate, send what the endpoint's steps ask for, shape the answer."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import anyio
import anyio.lowlevel

from mcp_errortracking.catalog import Declaration, Endpoint, Outcome, StepError
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Answer, Sender, delay_of
from mcp_errortracking.safe_text.escaping import hide_keys
from mcp_errortracking.server.arguments import ArgumentsError, parse_arguments
from mcp_errortracking.server.bugs import log_bug
from mcp_errortracking.server.cells import one_line, sendable
from mcp_errortracking.server.id_hints import other_kind
from mcp_errortracking.server.observe import CallRecord, Observer
from mcp_errortracking.server.text import render
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox
from mcp_errortracking.workflows.base import Desk, Progress, Workflow, Workshop
from mcp_errortracking.workflows.problems import WorkflowError

_GIVE_ROOTS = "Its operator can start it with --root and the folder of the build."

_TELL_EVERY = 0.1
"""Seconds between two words on how far a call is."""

_LONGEST_ERROR = 4000
"""Characters of the text of an error."""

_LACKING = "PostHog has it since {since}: upgrade an older one, or do without this tool."
_TOO_OLD = {
    "endpoint_not_found": _LACKING,
    "method_not_allowed": _LACKING,  # an older server takes the path for that of an object
    "no_api_key_access": "API keys may since {since}: do it in PostHog's web interface, or upgrade PostHog.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a tool call: text for the model, JSON for programs."""

    text: str
    structured: dict[str, Any]
    is_error: bool = False


@dataclass(slots=True)
class _Counting:
    """A sender that keeps count of what a call takes of PostHog."""

    sender: Sender
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0

    async def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, json: object = None
    ) -> Answer:
        began = time.perf_counter()
        try:
            answer = await self.sender.send(method, path, query=query, json=json)
        except PostHogError as error:
            self._add(began, error.attempts)
            raise
        self._add(began, answer.attempts)
        return answer

    def delay(self, path: str, requests: int = 1) -> float:
        return delay_of(self.sender, path, requests)

    def _add(self, began: float, attempts: int) -> None:
        self.seconds += time.perf_counter() - began
        self.requests += attempts
        self.retries += max(attempts - 1, 0)


async def call_tool(
    sender: Sender,
    name: str,
    arguments: Mapping[str, Any] | None,
    *,
    time_limit: float,
    toolbox: Toolbox = EVERY_TOOL,
    max_result_tokens: int = sys.maxsize,
    observe: Observer | None = None,
    request_id: str | None = None,
    workshop: Workshop | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Calls a tool; whatever goes wrong with the call becomes a reply that says what, why and what to do next.

    Args:
        time_limit: seconds for the whole call, all its requests and their retries together.
        toolbox: the tools that may be called.
        max_result_tokens: a longer text is cut; the structured result is not.
        observe: is told how it went.
        request_id: what the call is named by in logs.
        workshop: where workflows work; None: nowhere.
        progress: is told how far a long call is, which may then take longer.

    Raises:
        UnknownToolError: there is no such tool.
    """
    endpoint = toolbox.find(name)
    began, spent = time.perf_counter(), _Counting(sender)
    call: Declaration | None = None
    if progress is not None and issubclass(endpoint, Workflow):
        time_limit = max(time_limit, endpoint.patience)
    try:
        call = parse_arguments(endpoint, arguments)
        with anyio.fail_after(time_limit):
            if isinstance(call, Endpoint):
                outcome = await _walk(spent, call)
            else:
                outcome = await _work(
                    cast("Workflow", call), workshop, spent, _visibly(progress) if progress else _silent
                )
    except ArgumentsError as error:
        reply = Reply(str(error), {"error": {"code": "invalid_arguments"}}, is_error=True)
    except WorkflowError as error:
        text = hide_keys(one_line(str(error), _LONGEST_ERROR))
        reply = Reply(text, {"error": {"code": error.code}}, is_error=True)
    except PostHogError as error:
        reply = _explain(endpoint, error, call.advice_on(error.code or "") if call else None)
    except TimeoutError:
        reply = _out_of_time(endpoint, time_limit)
    except Exception as error:
        log_bug(endpoint.tool, error)
        reply = Reply(
            f"{endpoint.tool} failed inside mcp_errortracking; this is a bug in it, not in your arguments. "
            f"Its log (stderr) has the details. {_after(endpoint, 'Another try is unlikely to help.')}",
            {"error": {"code": "internal_error", "maybe_applied": not endpoint.read_only}},
            is_error=True,
        )
    else:
        shown = outcome.data if outcome.display is None else outcome.display
        budget = min(getattr(call, "max_tokens", None) or max_result_tokens, max_result_tokens)
        text = render(
            shown,
            outcome.notes,
            max_tokens=budget,
            is_raisable=budget < max_result_tokens,
            offset=(getattr(call, "offset", None) or 0) if "offset" in endpoint.model_fields else None,
        )
        # What follows takes as long again where the answer is large: others have their turn.
        await anyio.lowlevel.cancel_shielded_checkpoint()
        # Half a character cannot be sent; names of local files and maps hold some, PostHog's answers none.
        structured = sendable(outcome.data) if isinstance(call, Workflow) else outcome.data
        reply = Reply(text, structured, outcome.failed)
    if observe is not None:
        error = reply.structured.get("error") if reply.is_error else None
        facts = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        observe(
            CallRecord(
                tool=endpoint.tool,
                outcome="error" if reply.is_error else "ok",
                code=(facts.get("code") or "failed") if reply.is_error else None,
                status=facts.get("status"),
                ms=round((time.perf_counter() - began) * 1000, 1),
                upstream_ms=round(spent.seconds * 1000, 1),
                requests=spent.requests,
                retries=spent.retries,
                request_id=request_id,
            )
        )
    return reply


async def _walk(sender: Sender, call: Endpoint) -> Outcome:
    """Sends the requests of a call one by one, as its steps ask for them."""
    steps = call.steps()
    try:
        request = next(steps)
        while True:
            try:
                answer = await sender.send(request.method, request.path, query=request.query, json=request.json)
            except PostHogError as error:
                failure = StepError(str(error), status=error.status, code=error.code)
                try:
                    request = steps.throw(failure)
                except StepError:
                    if error.code == "not_found":
                        error.why = await other_kind(sender, call) or error.why
                    raise error from None
            else:
                request = steps.send(answer.data)
    except StopIteration as stop:
        return stop.value


async def _work(call: Workflow, workshop: Workshop | None, sender: Sender, progress: Progress) -> Outcome:
    if workshop is None:
        raise WorkflowError(
            "no_roots", f"{call.tool} works on local files, and this server may touch none.", next_step=_GIVE_ROOTS
        )
    return await call.run(Desk(workshop, sender, progress))


def _visibly(progress: Progress) -> Progress:
    """Progress, a few times a second, whose text is fit to be shown: it names files of strangers."""
    told = -_TELL_EVERY

    async def report(done: float, total: float | None, doing: str) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _TELL_EVERY or done == total:
            told = now
            await progress(done, total, one_line(doing))

    return report


async def _silent(_done: float, _total: float | None, _doing: str) -> None:
    """Progress that nobody asked for."""


def _explain(endpoint: type[Declaration], error: PostHogError, next_step: str | None) -> Reply:
    """An error of the proxy's, with what the call itself knows to do next, if anything."""
    if next_step is None:
        too_old = _TOO_OLD.get(error.code or "") if endpoint.since else None
        next_step = too_old.format(since=endpoint.since) if too_old else error.next_step
    text = hide_keys(one_line(" ".join(part for part in (error.what, error.why, next_step) if part), _LONGEST_ERROR))
    facts = {
        "status": error.status,
        "code": error.code,
        "attr": error.attr,
        "detail": error.detail and hide_keys(error.detail),
        "retry_after": error.retry_after,
        "maybe_applied": error.maybe_applied,
    }
    return Reply(text, {"error": {name: fact for name, fact in facts.items() if fact is not None}}, is_error=True)


def _out_of_time(endpoint: type[Declaration], seconds: float) -> Reply:
    next_step = _after(endpoint, "Try again later, or ask for less.")
    return Reply(
        f"{endpoint.tool} took longer than {seconds:g} s and was given up. {next_step}",
        {"error": {"code": "timeout", "maybe_applied": not endpoint.read_only}},
        is_error=True,
    )


def _after(endpoint: type[Declaration], read: str) -> str:
    """What to do after a call that was broken off: as said for a read, and for a write to look first.

    An upload has no need to: what is done of it is found done.
    """
    if issubclass(endpoint, Workflow) and not endpoint.read_only:
        return "Call it again: it goes on where it stopped."
    return read if endpoint.read_only else "It may or may not have been applied: read before you repeat it."
