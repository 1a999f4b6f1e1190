"""A tool call, from its arguments to its result: validate, send the requests of the steps, render the answer."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack, cast

import anyio
import anyio.lowlevel

from mcp_errortracking.catalog import Declaration, Endpoint, Outcome
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import (
    JsonAnswer,
    Sender,
    SendOptions,
    account_of,
    delay_of,
    page_of,
    project_of,
    replicas_of,
)
from mcp_errortracking.server.addresses import read_addresses
from mcp_errortracking.server.arguments import ArgumentsError, notes_on_arguments, parse_arguments
from mcp_errortracking.server.assignees import read_assignees
from mcp_errortracking.server.cells import one_line, sendable
from mcp_errortracking.server.id_hints import id_hint
from mcp_errortracking.server.observe import CallRecord, Observer
from mcp_errortracking.server.pages import with_page
from mcp_errortracking.server.text import render
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox
from mcp_errortracking.server.unexpected_errors import log_unexpected_error
from mcp_errortracking.server.withheld import WithheldError
from mcp_errortracking.workflows.base import Context, Environment, Progress, Scopes, Workflow
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.registry import run_workflow
from mcp_errortracking.workflows.write_state import WriteState

if TYPE_CHECKING:
    from mcp_errortracking.proxy.replicas import Replicas
    from mcp_errortracking.server.callers import Caller
    from mcp_errortracking.server.confirmation.askers import Asker, InputRequired, NoAsker
    from mcp_errortracking.server.confirmation.confirmation import Confirmation
    from mcp_errortracking.server.recording import Recorder
    from mcp_errortracking.server.rights import Rights

_GIVE_ROOTS = "Its operator can start it with --root and the folder of the build."

_PROGRESS_SECONDS = 0.1
"""The least time between two reports of progress."""

_LONGEST_ERROR = 4000
"""Characters of an error's text."""

_LACKING = "Added to PostHog in {since}. Upgrade PostHog to use this tool."
_TOO_OLD = {
    "endpoint_not_found": _LACKING,
    "method_not_allowed": _LACKING,  # an older server takes the path for that of an object
    "no_api_key_access": "PostHog allows this to API keys since {since}. Use its web interface, or upgrade PostHog.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a tool call: text for the model, JSON for programs.

    `input_required`: the result in the form of the protocol, if it is a question that the client asks its user.
    """

    text: str
    structured: dict[str, Any]
    is_error: bool = False
    input_required: dict[str, Any] | None = None


@dataclass(slots=True)
class _Counting:
    """A sender that counts the requests, retries and time of a call."""

    sender: Sender
    account_of_caller: str | None = None
    seconds: float = 0.0
    requests: int = 0
    retries: int = 0

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> JsonAnswer:
        began = time.perf_counter()
        try:
            answer = await self.sender.send(method, path, **options)
        except PostHogError as error:
            self._add(began, error.attempts)
            raise
        self._add(began, answer.attempts)
        return answer

    @property
    def project(self) -> str | None:
        return project_of(self.sender)

    @property
    def account(self) -> str:
        return self.account_of_caller or account_of(self.sender)

    def page(self, path: str) -> str | None:
        return page_of(self.sender, path)

    @property
    def replicas(self) -> "Replicas | None":
        return replicas_of(self.sender)

    def delay(self, path: str, requests: int = 1) -> float:
        return delay_of(self.sender, path, requests)

    def _add(self, began: float, attempts: int) -> None:
        self.seconds += time.perf_counter() - began
        self.requests += attempts
        self.retries += max(attempts - 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCaller:
    """Calls tools. Whatever goes wrong with a call becomes a reply that says what, why and what to do next.

    Attributes:
        time_limit: seconds for a whole call, all its requests and their retries together.
        toolbox: the tools that may be called.
        max_result_tokens: a longer text is cut; the structured result is not.
        observe: receives a record of each call after it.
        environment: roots and host for workflows; None if no workflow may run.
        recorder: records the writes of endpoints in a journal.
        confirmation: asks a person before writes.
    """

    time_limit: float
    toolbox: Toolbox = EVERY_TOOL
    max_result_tokens: int = sys.maxsize
    observe: Observer | None = None
    environment: Environment | None = None
    recorder: "Recorder | None" = None
    confirmation: "Confirmation | None" = None

    async def call(
        self,
        sender: Sender,
        name: str,
        arguments: Mapping[str, Any] | None,
        *,
        request_id: str | None = None,
        progress: Progress | None = None,
        asker: "Asker | InputRequired | NoAsker | None" = None,
        caller: "Caller | None" = None,
        scopes: Scopes | None = None,
    ) -> Reply:
        """Call a tool.

        Args:
            request_id: names the call in logs.
            progress: receives the progress of a long call, which may then take longer.
            asker: asks the person behind the call, if writes are confirmed; None: nobody can be asked.
            caller: over HTTP, with the rights of its token.
            scopes: asks for the scopes of the sender's key.

        Raises:
            UnknownToolError: the tool is not on offer.
        """
        declaration = self.toolbox.find(name)
        began, counted = time.perf_counter(), _Counting(sender, caller and caller.account)
        rights = caller.rights if caller else None
        time_limit = self.time_limit
        if progress is not None and issubclass(declaration, Workflow):
            time_limit = max(time_limit, declaration.patience)
        call: Declaration | None = None
        writes = WriteState() if issubclass(declaration, Workflow) else None
        consent = self.confirmation.begin(declaration, arguments, asker) if self.confirmation else None
        arguments = consent.arguments if consent else arguments
        try:
            if rights is not None and declaration.tool not in rights.tools:
                raise WithheldError(rights.explain(declaration.tool), {"code": "insufficient_scope"})
            with anyio.fail_after(time_limit) as limit:
                arguments = await read_addresses(counted, declaration, arguments, project_of(sender))
                arguments, names = await read_assignees(counted, declaration, arguments)
                call = parse_arguments(declaration, arguments)
                if consent is not None:
                    plan = partial(self._plan, call, counted, scopes, rights)
                    await consent.obtain(call, counted, project_of(sender) or "", limit, plan)
                report = _throttled(progress) if progress else _silent
                outcome = await self._run(call, counted, report, scopes, rights, writes)
            noted = [*names, *notes_on_arguments(call, arguments or {})]
            outcome = replace(outcome, notes=[*outcome.notes, *noted]) if noted else outcome
            outcome = with_page(outcome, sender) if outcome.page else outcome
        except WithheldError as withheld:
            structured = {"error": withheld.error} if withheld.error else {}
            reply = Reply(str(withheld), structured, bool(withheld.error), withheld.input_required)
        except ArgumentsError as error:
            reply = Reply(str(error), {"error": {"code": "invalid_arguments"}}, is_error=True)
        except WorkflowError as error:
            text = redact(one_line(str(error), _LONGEST_ERROR))
            reply = Reply(text, {"error": {"code": error.code}}, is_error=True)
        except PostHogError as error:
            reply = _explain(declaration, error, call.advice_on(error.code or "") if call else None)
        except TimeoutError:
            reply = _out_of_time(declaration, time_limit, writes)
        except Exception as error:
            log_unexpected_error(declaration.tool, error)
            reply = _bug(declaration, writes)
        else:
            reply = await self._render(call, outcome)
        if self.observe is not None:
            seconds = time.perf_counter() - began - (consent.waited if consent else 0)
            self.observe(_record(declaration, reply, counted, seconds, request_id, caller and caller.name))
        return reply

    async def _plan(
        self, call: Declaration, sender: _Counting, scopes: Scopes | None, rights: "Rights | None"
    ) -> Mapping[str, Any]:
        """Return what a workflow says that it would change; empty if it does not say, and for an endpoint."""
        rehearsal = call.rehearsal() if isinstance(call, Workflow) else None
        return {} if rehearsal is None else (await self._run(rehearsal, sender, _silent, scopes, rights)).data

    async def _run(
        self,
        call: Declaration,
        sender: _Counting,
        progress: Progress,
        scopes: Scopes | None,
        rights: "Rights | None" = None,
        writes: WriteState | None = None,
    ) -> Outcome:
        if isinstance(call, Endpoint):
            if self.recorder is None or call.read_only:
                return await _walk(sender, call)
            project = project_of(sender) or ""
            return await self.recorder.record(sender, call, project, lambda through: _walk(through, call))
        workflow, environment = cast("Workflow", call), self.environment
        if environment is None or (workflow.needs_files and not environment.roots):
            raise WorkflowError(
                "no_roots", f"{call.tool} works on local files, and this server may touch none.", next_step=_GIVE_ROOTS
            )
        tools = [name for name in self.toolbox.names if rights is None or name in rights.tools]
        context = Context(environment, sender, progress, self.recorder, tools, scopes, writes or WriteState())
        return await run_workflow(workflow, context)

    async def _render(self, call: Declaration, outcome: Outcome) -> Reply:
        budget = min(getattr(call, "max_tokens", None) or self.max_result_tokens, self.max_result_tokens)
        text = render(
            outcome.data if outcome.display is None else outcome.display,
            outcome.notes,
            max_tokens=budget,
            is_raisable=budget < self.max_result_tokens,
            offset=(getattr(call, "offset", None) or 0) if "offset" in type(call).model_fields else None,
        )
        # The next step takes as long again where the answer is large: let other calls run.
        await anyio.lowlevel.cancel_shielded_checkpoint()
        # Half a surrogate pair cannot be sent. Names of local files and maps may hold one, PostHog's answers never do.
        structured = sendable(outcome.data) if isinstance(call, Workflow) else outcome.data
        return Reply(text, structured, outcome.failed)


async def _walk(sender: Sender, call: Endpoint) -> Outcome:
    """Send the requests of a call; explain an id that was not found."""
    try:
        return await send_steps(sender, call.steps(), read_only=call.read_only)
    except PostHogError as error:
        if error.code == "not_found":
            why = await id_hint(sender, call) or error.why
            error.explanation = replace(error.explanation, why=why)
        raise


def _throttled(progress: Progress) -> Progress:
    """Return progress that reports a few times a second, with escaped text: it names files of others."""
    reported = -_PROGRESS_SECONDS

    async def report(done: float, total: float | None, doing: str) -> None:
        nonlocal reported
        now = time.monotonic()
        if now - reported >= _PROGRESS_SECONDS or done == total:
            reported = now
            await progress(done, total, one_line(doing))

    return report


async def _silent(_done: float, _total: float | None, _doing: str) -> None:
    """Drop the progress of a call whose client did not ask for it."""


def _record(
    declaration: type[Declaration],
    reply: Reply,
    counted: _Counting,
    seconds: float,
    request_id: str | None,
    caller: str | None,
) -> CallRecord:
    error = reply.structured.get("error") if reply.is_error else None
    facts = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    return CallRecord(
        tool=declaration.tool,
        outcome="error" if reply.is_error else "ok",
        code=(facts.get("code") or "failed") if reply.is_error else None,
        status=facts.get("status"),
        ms=round(seconds * 1000, 1),
        upstream_ms=round(counted.seconds * 1000, 1),
        requests=counted.requests,
        retries=counted.retries,
        request_id=request_id,
        caller=caller,
    )


def _bug(declaration: type[Declaration], writes: WriteState | None) -> Reply:
    next_step, maybe_applied = _after(declaration, writes, "Another try is unlikely to help.")
    return Reply(
        f"{declaration.tool} failed inside mcp_errortracking; this is a bug in it, not in your arguments. "
        f"Its log (stderr) has the details. {next_step}",
        {"error": {"code": "internal_error", "maybe_applied": maybe_applied}},
        is_error=True,
    )


def _is_of_its_age(declaration: type[Declaration], error: PostHogError) -> bool:
    """True if a PostHog from before the endpoint fails like this; a 403 may as well be that of any age."""
    is_refused = error.code == "no_api_key_access"
    return declaration.since is not None and (not is_refused or getattr(declaration, "older_status", None) == 403)


def _explain(declaration: type[Declaration], error: PostHogError, next_step: str | None) -> Reply:
    """Return the reply to a PostHog error, with the next step that the call itself knows, if any."""
    if next_step is None:
        too_old = _TOO_OLD.get(error.code or "") if _is_of_its_age(declaration, error) else None
        next_step = too_old.format(since=declaration.since) if too_old else error.next_step
    text = redact(one_line(str(replace(error.explanation, next_step=next_step)), _LONGEST_ERROR))
    facts = {
        "status": error.status,
        "code": error.code,
        "attr": error.attr,
        "detail": error.detail and redact(error.detail),
        "retry_after": error.retry_after,
        "maybe_applied": error.maybe_applied,
    }
    return Reply(text, {"error": {name: fact for name, fact in facts.items() if fact is not None}}, is_error=True)


def _out_of_time(declaration: type[Declaration], seconds: float, writes: WriteState | None) -> Reply:
    next_step, maybe_applied = _after(declaration, writes, "Try again later, or ask for less.")
    return Reply(
        f"{declaration.tool} took longer than {seconds:g} s and was given up. {next_step}",
        {"error": {"code": "timeout", "maybe_applied": maybe_applied}},
        is_error=True,
    )


def _after(declaration: type[Declaration], writes: WriteState | None, read: str) -> tuple[str, bool]:
    """Return the next step after a call that was cut off, and True if it may have changed something.

    Args:
        writes: of a workflow, as far as it came.
        read: the next step after a read.
    """
    if declaration.read_only:
        return read, False
    if writes is not None:
        return writes.text, writes.maybe_applied
    return "It may or may not have been applied: read before you repeat it.", True
