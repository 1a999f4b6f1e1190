"""The confirmation of a call: preview it, ask the person or take a token, and let the call go on, or withhold it."""

import json
import math
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from mcp_errortracking.catalog import Declaration
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender, replicas_of
from mcp_errortracking.server.confirmation.argument import ARGUMENT, Mode, is_confirmed
from mcp_errortracking.server.confirmation.askers import Answer, Asker, InputRequired, NoAsker
from mcp_errortracking.server.confirmation.preview import Preview, arguments_of, read_preview
from mcp_errortracking.server.confirmation.question import compose_question
from mcp_errortracking.server.confirmation.tokens import Replicas, Tokens, Verdict
from mcp_errortracking.server.withheld import WithheldError

SECONDS = 300.0
"""For a person to answer, and for a token to be used."""

Effect = Callable[[Declaration, Sender], Awaitable[str]]
"""Returns a sentence on the effect of a call for its question; empty if there is nothing to say."""

_Compose = Callable[[], Awaitable[str]]
"""Composes the question, with the effect of the call, which may take many requests."""

_Plan = Callable[[], Awaitable[Mapping[str, Any]]]
_Read = Callable[[], Awaitable[Preview]]

_NOT_ACCEPTED: Mapping[Answer, tuple[str, str]] = {
    "decline": ("declined", "The user declined {tool}. Nothing was changed. Do not repeat it unless the user asks."),
    "cancel": ("declined", "The user gave no answer about {tool}. Nothing was changed. Ask the user how to proceed."),
    "late": (
        "not_confirmed",
        "Nobody answered within {seconds:g} s, so {tool} was not called. Nothing was changed. Call it again when the "
        "user can answer.",
    ),
    "failed": (
        "not_confirmed",
        "The client could not ask the user about {tool}. Nothing was changed. Ask the user how to proceed.",
    ),
}
_CHANGED = (
    "not_confirmed",
    "The object of {tool} changed while the user was asked. Nothing was sent. Call it again: the user is asked about "
    "the object as it is now.",
)
_STATES: Mapping[Verdict, str] = {
    "unknown": "The answer is not to a question about this call, or not to one of this server process.",
    "expired": "The answer came after more than {seconds:g} s.",
    "used": "The answer was used before.",
    "changed": "The object changed while the user was asked.",
}
_TOKENS: Mapping[Verdict, str] = {
    "unknown": "This confirm token is not for this call (tool, arguments, project and caller must be the same), or not "
    "from this server process.",
    "expired": "This confirm token has expired.",
    "used": "This confirm token was used before.",
    "changed": "The object changed since this confirm token was made.",
}
_WAY_ON = (
    "Note: Show this to the user. Only if the user agrees, repeat the call with the same arguments and {name} "
    '"{token}", within {seconds:g} s.'
)


@dataclass(slots=True)
class Confirmation:
    """Asks before calls of some tools.

    Attributes:
        mode: which tools.
        host: of PostHog.
        seconds: for an answer, and for a token.
        effect: adds a sentence to the question.
    """

    mode: Mode
    host: str
    seconds: float = SECONDS
    effect: Effect | None = None
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.seconds)

    def begin(
        self,
        declaration: type[Declaration],
        arguments: Mapping[str, Any] | None,
        asker: Asker | InputRequired | NoAsker | None,
    ) -> "Consent | None":
        """Return the confirmation of one call, or None if the tool needs none."""
        if not is_confirmed(self.mode, read_only=declaration.read_only, destructive=declaration.destructive):
            return None
        given = dict(arguments or {})
        token = given.pop(ARGUMENT, None)
        return Consent(self, given, token if isinstance(token, str) else "", asker or NoAsker())


@dataclass(slots=True)
class Consent:
    """The confirmation of one call. `arguments` are those of the tool itself; `waited`: seconds for a person."""

    rules: Confirmation
    arguments: dict[str, Any]
    token: str
    asker: Asker | InputRequired | NoAsker
    waited: float = 0.0

    async def obtain(
        self, call: Declaration, sender: Sender, project: str, limit: anyio.CancelScope, plan: _Plan
    ) -> None:
        """Return if a person agrees to the call; the wait for an answer does not count towards the limit.

        Args:
            plan: returns what the call would change, if it is a workflow that says so.

        Raises:
            WithheldError: the call is not to be made; the text says why.
            PostHogError: the object of the call cannot be read.
            WorkflowError: the workflow cannot do what it is asked.
        """
        if not call.writes():
            return

        async def read() -> Preview:
            return await read_preview(call, sender, await plan())

        preview = await read()
        asker = self.asker
        identity = json.dumps(
            [call.tool, arguments_of(call), self.rules.host, project, asker.caller], sort_keys=True
        ).encode()

        async def compose() -> str:
            effect = await self._effect(call, sender)
            return compose_question(preview, host=self.rules.host, project=project, effect=effect)

        if isinstance(asker, NoAsker):
            await self._take_token(preview, compose, identity, asker.way_on, replicas_of(sender))
        elif isinstance(asker, InputRequired):
            await self._resume(preview, compose, identity, asker, replicas_of(sender))
        else:
            await self._ask(preview, await compose(), read, asker, limit)

    async def _effect(self, call: Declaration, sender: Sender) -> str:
        if self.rules.effect is None:
            return ""
        try:
            return await self.rules.effect(call, sender)
        except PostHogError as error:
            return f"The effect is not known: {error}"

    async def _ask(self, preview: Preview, question: str, read: _Read, asker: Asker, limit: anyio.CancelScope) -> None:
        began = anyio.current_time()
        with _paused(limit):
            answer = await asker.ask(question, self.rules.seconds)
        self.waited = anyio.current_time() - began
        if answer != "accept":
            raise self._withheld(preview.call, *_NOT_ACCEPTED[answer])
        if (await read()).state != preview.state:
            raise self._withheld(preview.call, *_CHANGED)

    async def _resume(
        self, preview: Preview, compose: _Compose, identity: bytes, asker: InputRequired, replicas: Replicas | None
    ) -> None:
        tokens, state = self.rules.tokens, asker.state
        if state is None:
            question = await compose()
            made = tokens.make("state", identity, preview.state, replicas)
            raise WithheldError(question, input_required=asker.request(question, made))
        verdict = await tokens.use(state, "state", identity, preview.state, replicas)
        if verdict != "valid":
            again = " {tool} was not called, and nothing was changed. Call it again: the user is asked again."
            raise self._withheld(preview.call, "not_confirmed", _STATES[verdict] + again)
        if asker.answer != "accept":
            raise self._withheld(preview.call, *_NOT_ACCEPTED[asker.answer])

    async def _take_token(
        self, preview: Preview, compose: _Compose, identity: bytes, way_on: str, replicas: Replicas | None
    ) -> None:
        tokens, why = self.rules.tokens, ""
        if self.token and not way_on:
            verdict = await tokens.use(self.token, "argument", identity, preview.state, replicas)
            if verdict == "valid":
                return
            why = f"{_TOKENS[verdict]} "
        question = await compose()
        facts = {"code": "confirmation_required", "question": question}
        if not way_on:
            facts[ARGUMENT] = tokens.make("argument", identity, preview.state, replicas)
            way_on = _WAY_ON.format(name=ARGUMENT, token=facts[ARGUMENT], seconds=self.rules.seconds)
        head = f"{why}{preview.call.tool} needs the consent of a person. Nothing was changed."
        raise WithheldError(f"{head}\n{question}\n{way_on}", facts)

    def _withheld(self, call: Declaration, code: str, text: str) -> WithheldError:
        return WithheldError(text.format(tool=call.tool, seconds=self.rules.seconds), {"code": code})


@contextmanager
def _paused(limit: anyio.CancelScope) -> Generator[None]:
    """Stop the clock of a time limit."""
    left = limit.deadline - anyio.current_time()
    limit.deadline = math.inf
    try:
        yield
    finally:
        limit.deadline = anyio.current_time() + left
